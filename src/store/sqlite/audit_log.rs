//! [`AuditLog`] for the embedded store, and for a file opened only to read its logs.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use stagedoor_proto::Timestamp;

use super::{SqliteStore, audit};
use crate::store::audit::Verifier;
use crate::store::{AuditLog, AuditRow, ChainHead, StoreError, StoreFuture, Tampered, VerifiedLog};

/// Rows verified per call of the writer.
const VERIFY_BATCH: usize = 1_000;

/// Opens the file at `path` read-only for its audit logs.
///
/// Holds the store's lock until dropped: a log that a gateway writes cannot be verified.
///
/// # Errors
/// [`StoreError::Unavailable`] when there is no store at `path`, or a gateway has it open; [`StoreError::SchemaTooNew`]
/// when a newer gateway wrote it.
pub async fn open_audit_log(path: &Path) -> Result<Box<dyn AuditLog>, StoreError> {
    Ok(Box::new(SqliteStore::open_for_reading(path).await?))
}

impl SqliteStore {
    /// Verifies the rows after `base`, the last pruned one.
    async fn verify_from(
        &self,
        app: &Arc<str>,
        base: Option<ChainHead>,
        recorded: Option<ChainHead>,
    ) -> Result<Result<VerifiedLog, Tampered>, StoreError> {
        let of = Arc::clone(app);
        let (key, (head, end)) =
            self.read(move |db| Ok((audit::key(db)?, audit::ends(db, &of)?))).await?;
        // Rows appended from here on belong to a later head.
        let mut verifier = Verifier::new(key, app, base, recorded);
        // The first batch begins at the lowest number, so that a row before the base is found.
        let mut after = None;
        loop {
            let of = Arc::clone(app);
            let rows =
                self.read(move |db| audit::some_found(db, &of, after, end, VERIFY_BATCH)).await?;
            let is_last = rows.len() < VERIFY_BATCH;
            let rows = rows.into_iter().map(Ok::<_, StoreError>);
            if let Err(tampered) = verifier.take(rows)? {
                return Ok(Err(tampered));
            }
            if is_last {
                return Ok(verifier.finish(head.as_ref()));
            }
            after = Some(verifier.last().number);
        }
    }
}

impl AuditLog for SqliteStore {
    fn audited_apps(&self) -> StoreFuture<'_, Vec<String>> {
        self.read(audit::apps)
    }

    fn audit_rows(
        &self,
        app: Arc<str>,
        after: u64,
        limit: usize,
    ) -> StoreFuture<'_, Vec<AuditRow>> {
        self.read(move |db| audit::rows(db, &app, after, limit))
    }

    fn audit_rows_before(
        &self,
        app: Arc<str>,
        before: u64,
        limit: usize,
    ) -> StoreFuture<'_, Vec<AuditRow>> {
        self.read(move |db| audit::rows_before(db, &app, before, limit))
    }

    fn audit_head(&self, app: Arc<str>) -> StoreFuture<'_, ChainHead> {
        self.read(move |db| match audit::head(db, &app)? {
            Some(head) => Ok(head),
            None => audit::key(db).map(|key| key.start(&app)),
        })
    }

    fn prune_audit(
        &self,
        app: Arc<str>,
        now: Timestamp,
        retention: Duration,
    ) -> StoreFuture<'_, bool> {
        self.read(move |db| audit::prune(db, &app, now, retention))
    }

    fn verify_audit(
        &self,
        app: Arc<str>,
        recorded: Option<ChainHead>,
    ) -> StoreFuture<'_, Result<VerifiedLog, Tampered>> {
        Box::pin(async move {
            loop {
                let of = Arc::clone(&app);
                let base = self.read(move |db| audit::base(db, &of)).await?;
                let verified = self.verify_from(&app, base, recorded).await?;
                let of = Arc::clone(&app);
                // Rows that are pruned meanwhile look like missing ones.
                if verified.is_ok() || self.read(move |db| audit::base(db, &of)).await? == base {
                    return Ok(verified);
                }
            }
        })
    }
}
