//! Errors of the engine.

use std::time::Duration;

use stagedoor_proto::{Error, ErrorCode};

/// Retry time of a client whose node leaves: by then it finds another node or a new process.
const NODE_CHANGE: Duration = Duration::from_secs(1);

/// The error of a call without effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EngineError {
    /// The engine is unreachable or overloaded.
    #[error("the engine is unavailable")]
    Unavailable {
        /// How long to wait before a retry.
        retry_after: Duration,
    },
    /// This node has left the engine, because the gateway stops.
    #[error("the engine is closed")]
    Closed,
}

impl EngineError {
    /// How long to wait before a retry.
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

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// The node does not exist or has left.
    #[error("the node is not there")]
    Unreachable,
    /// The node did not answer in time; it may still execute the request.
    #[error("the node did not answer in time")]
    Deadline,
    /// The engine accepts no requests.
    #[error(transparent)]
    Engine(#[from] EngineError),
}
