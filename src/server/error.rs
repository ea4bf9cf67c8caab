//! Why a gateway cannot start, or cannot take another configuration.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use crate::store::StoreError;

/// Why a gateway cannot start.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// An address is taken, or not this machine's.
    #[error("cannot listen on {address}: {source}")]
    Bind {
        /// Which one.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An app's hooks, keys or endpoints cannot be used.
    #[error("app {app}: {reason}")]
    App {
        /// Which one.
        app: Arc<str>,
        /// What is wrong with it.
        reason: String,
    },
}
