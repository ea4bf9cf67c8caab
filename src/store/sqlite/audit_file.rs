//! The audit logs in a store's file, read while no gateway runs on it.

use std::path::Path;

use rusqlite::Connection;

use super::lock::Lock;
use super::{audit, open};
use crate::store::audit::{ChainHead, Tampered, Verified};
use crate::store::{AuditRow, StoreError};

/// A store's file, of which the audit logs are read and nothing is written.
///
/// No gateway gets it until this is dropped. Calls block; every one fails with [`StoreError::Unavailable`] when
/// the file cannot be read.
pub struct AuditFile {
    db: Connection,
    /// Dropped after the connection.
    _lock: Lock,
    path: String,
}

impl AuditFile {
    /// Opens the file at `path`.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when there is none, it is no store, or a gateway has it open;
    /// [`StoreError::SchemaTooNew`] when a newer gateway wrote it.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let label = path.display().to_string();
        let (db, lock) = open::for_reading(path, &label)?;
        Ok(Self { db, _lock: lock, path: label })
    }

    /// The apps that have a log, or once had one.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub fn apps(&self) -> Result<Vec<String>, StoreError> {
        self.read(audit::apps)
    }

    /// At most `limit` rows of an app's log after number `after`, oldest first.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], also when a row is not what a gateway writes.
    pub fn rows(&self, app: &str, after: u64, limit: usize) -> Result<Vec<AuditRow>, StoreError> {
        self.read(|db| audit::rows(db, app, after, limit))
    }

    /// At most `limit` rows of an app's log before number `before`, newest first.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], also when a row is not what a gateway writes.
    pub fn rows_before(
        &self,
        app: &str,
        before: u64,
        limit: usize,
    ) -> Result<Vec<AuditRow>, StoreError> {
        self.read(|db| audit::rows_before(db, app, before, limit))
    }

    /// The end of an app's log as it is kept apart from the rows; where there is none, that of an empty log.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub fn head(&self, app: &str) -> Result<ChainHead, StoreError> {
        self.read(|db| match audit::head(db, app)? {
            Some(head) => Ok(head),
            None => audit::key(db).map(|key| key.start(app)),
        })
    }

    /// Checks an app's log; `told` is a head that was written down elsewhere, if there is one.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`]; inside, what is wrong with the log.
    pub fn verify(
        &self,
        app: &str,
        told: Option<&ChainHead>,
    ) -> Result<Result<Verified, Tampered>, StoreError> {
        self.read(|db| audit::check(db, app, told))
    }

    fn read<T>(
        &self,
        op: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        op(&self.db).map_err(|error| StoreError::Unavailable {
            path: self.path.clone(),
            reason: error.to_string(),
        })
    }
}
