//! Errors of the store.

use futures::future::BoxFuture;

/// Why a store call failed.
///
/// Not here: conflicts between transactions, which the store retries itself.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("store {store}: {reason}")]
    Unavailable {
        /// A file path, or a server address without credentials.
        store: String,
        reason: String,
    },
    #[error(
        "store {store} has schema version {found}; this gateway supports up to {known}; run the newer gateway, or restore a backup made before the upgrade"
    )]
    SchemaTooNew {
        store: String,
        found: u32,
        /// The newest version supported by this gateway.
        known: u32,
    },
    /// The queue of calls is full.
    #[error("store queue is full ({waiting} calls); retry")]
    Full {
        /// Calls in the queue.
        waiting: usize,
    },
    #[error("store is closed")]
    Closed,
}

/// The result of a store call.
pub type StoreFuture<'a, T> = BoxFuture<'a, Result<T, StoreError>>;
