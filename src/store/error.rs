//! Why a call of the store failed, whatever keeps the data.

use futures::future::BoxFuture;

/// Why the store did not do it.
///
/// Not here: two transactions in each other's way. A store that can have them repeats the call by itself.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It cannot be read or written.
    #[error("store {store}: {reason}")]
    Unavailable {
        /// Where it is: a file's path, or a server's address without credentials.
        store: String,
        /// What went wrong.
        reason: String,
    },
    /// A newer gateway wrote it.
    #[error(
        "store {store} has schema version {found}; this gateway knows up to {known}: run the newer gateway, or restore a backup made before it"
    )]
    SchemaTooNew {
        /// Where it is.
        store: String,
        /// Its version.
        found: u32,
        /// The newest version known here.
        known: u32,
    },
    /// More calls wait than may; try again.
    #[error("the store is behind: {waiting} calls wait")]
    Full {
        /// How many wait.
        waiting: usize,
    },
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
}

/// What a call answers, sooner or later.
pub type StoreFuture<'a, T> = BoxFuture<'a, Result<T, StoreError>>;
