//! [`AuditLog`]: reading and checking audit logs, of a store that is served or of one that is only read.

use std::sync::Arc;

use super::audit::{AuditRow, ChainHead, Tampered, VerifiedLog};
use super::error::StoreFuture;

/// The audit logs of all apps. Calls are as those of [`super::Store`].
pub trait AuditLog: Send + Sync + 'static {
    /// The apps that have a log, or once had one, by name.
    fn audited_apps(&self) -> StoreFuture<'_, Vec<String>>;

    /// At most `limit` rows of an app's log after number `after`, oldest first.
    fn audit_rows(&self, app: Arc<str>, after: u64, limit: usize)
    -> StoreFuture<'_, Vec<AuditRow>>;

    /// At most `limit` rows of an app's log before number `before`, newest first.
    fn audit_rows_before(
        &self,
        app: Arc<str>,
        before: u64,
        limit: usize,
    ) -> StoreFuture<'_, Vec<AuditRow>>;

    /// The end of an app's log; that of an empty one where nothing was written.
    fn audit_head(&self, app: Arc<str>) -> StoreFuture<'_, ChainHead>;

    /// Checks an app's log as it is when this is called; `told` is a head that was written down elsewhere.
    fn verify_audit(
        &self,
        app: Arc<str>,
        told: Option<ChainHead>,
    ) -> StoreFuture<'_, Result<VerifiedLog, Tampered>>;
}
