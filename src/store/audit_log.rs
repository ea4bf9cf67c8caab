//! [`AuditLog`]: reads, verifies and prunes the audit logs of a store.

use std::sync::Arc;
use std::time::Duration;

use stagedoor_proto::Timestamp;

use super::audit::{AuditRow, ChainHead, Tampered, VerifiedLog};
use super::error::StoreFuture;

/// The audit logs of all apps. The rules of [`super::Store`] apply to every call.
pub trait AuditLog: Send + Sync + 'static {
    /// The apps that have or had a log, by name.
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

    /// The head of an app's log; that of an empty log if there are no rows.
    fn audit_head(&self, app: Arc<str>) -> StoreFuture<'_, ChainHead>;

    /// Removes the oldest rows of an app's log, of events that are older than `retention`; a small batch. Returns
    /// whether there may be more. What is left can be verified.
    ///
    /// The wall clock may have been wrong. A row whose time is after `now`, or before this version, goes with the next
    /// row that is old, unless very many of them come first.
    fn prune_audit(
        &self,
        app: Arc<str>,
        now: Timestamp,
        retention: Duration,
    ) -> StoreFuture<'_, bool>;

    /// Verifies an app's log as of this call, from its first row that was not pruned. `recorded` is a head that was
    /// saved elsewhere.
    fn verify_audit(
        &self,
        app: Arc<str>,
        recorded: Option<ChainHead>,
    ) -> StoreFuture<'_, Result<VerifiedLog, Tampered>>;
}
