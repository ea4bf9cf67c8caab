//! Why the engine does not do what it was asked for.

use std::time::Duration;

use stagedoor_proto::{Error, ErrorCode};

/// When a client that was refused because its node leaves is to try again: it finds another node, or a successor.
const NODE_CHANGE: Duration = Duration::from_secs(1);

/// The engine did nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EngineError {
    /// It cannot be reached, or has too much to do.
    #[error("the engine is unavailable")]
    Unavailable {
        /// When to try again.
        retry_after: Duration,
    },
    /// This node has left it: the gateway stops.
    #[error("the engine is closed")]
    Closed,
}

impl EngineError {
    /// When to try again.
    #[must_use]
    pub const fn retry_after(self) -> Duration {
        match self {
            Self::Unavailable { retry_after } => retry_after,
            Self::Closed => NODE_CHANGE,
        }
    }
}

impl From<EngineError> for Error {
    fn from(error: EngineError) -> Self {
        let unavailable = Self::new(ErrorCode::EngineUnavailable, format!("{error}; try again"));
        unavailable.retry_after(error.retry_after())
    }
}

/// Why a request to another node has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// There is no such node, or it has left.
    #[error("the node is not there")]
    Unreachable,
    /// It did not answer in time; it may still do what it was asked for.
    #[error("the node did not answer in time")]
    Deadline,
    /// The engine does not take requests.
    #[error(transparent)]
    Engine(#[from] EngineError),
}
