//! Errors of starting a gateway or reloading its configuration.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use crate::store::StoreError;

/// Why a gateway cannot start.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// An address is in use or not local.
    #[error("cannot listen on {address}")]
    Bind {
        /// The configured address.
        address: SocketAddr,
        /// The system's error.
        source: io::Error,
    },
    /// The store cannot be opened.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An app's hooks, keys or endpoints cannot be used.
    #[error("app {app}: {reason}")]
    App {
        /// The app's id.
        app: Arc<str>,
        /// What is wrong.
        reason: String,
    },
}
