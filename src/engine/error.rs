//! Why the engine does not do what it was asked for.

use std::time::Duration;

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
