//! What the hub answers when it cannot do what was asked: to a client that starts or resumes, to a call of the server API.

#![deny(clippy::wildcard_enum_match_arm)]

use stagedoor_proto::{CloseCode, Disconnect, Error};

use crate::auth::{AuthError, Denied};
use crate::engine::EngineError;
use crate::store::{Block, BlockKind, Refusal, StoreError};

/// Why a client gets no session: an error reply, a `disconnect` and a close.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StartError {
    /// The reply to the request.
    pub error: Error,
    /// What ends the connection.
    pub disconnect: Box<Disconnect>,
}

impl StartError {
    /// A refusal that closes with `close`, explained by `message`.
    #[must_use]
    pub fn new(close: CloseCode, message: impl Into<String>) -> Self {
        Self {
            error: Error::new(close.error_code(), message),
            disconnect: Box::new(Disconnect::new(close)),
        }
    }

    /// The same refusal, saying when to come back.
    #[must_use]
    pub fn retry_after(mut self, wait: std::time::Duration) -> Self {
        self.error = self.error.retry_after(wait);
        self.disconnect.retry_after_ms = self.error.retry_after_ms;
        self
    }

    /// The client disconnected before its attempt was decided; nothing reaches it.
    pub(super) fn disconnected() -> Self {
        Self::new(CloseCode::HeartbeatLost, "the client has disconnected")
    }

    /// The session is unknown, or its resume secret is not the newest.
    pub(super) fn resume_denied() -> Self {
        let message =
            "there is no such session, or this is not its newest resume secret; start anew";
        Self::new(CloseCode::ResumeDenied, message)
    }

    /// The refusal that repeats how a session ended.
    #[must_use]
    pub fn ended(disconnect: Disconnect) -> Self {
        let error = Error::new(
            disconnect.code.error_code(),
            format!("the session has ended: {}", disconnect.reason),
        );
        Self { error, disconnect: Box::new(disconnect) }
    }
}

/// Why a call of the server API failed.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The room is not open, and nothing is known of it.
    #[error("there is no such room")]
    NoRoom,
    /// The room is open, or was created before.
    #[error("there is such a room already")]
    RoomExists,
    /// The room refused it.
    #[error(transparent)]
    Refused(#[from] Error),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<EngineError> for CallError {
    fn from(error: EngineError) -> Self {
        Self::Refused(error.into())
    }
}

impl From<EngineError> for StartError {
    fn from(error: EngineError) -> Self {
        let message = "the nodes of the gateway cannot agree on this now; try again";
        Self::new(CloseCode::EngineUnavailable, message).retry_after(error.retry_after())
    }
}

impl From<AuthError> for StartError {
    fn from(error: AuthError) -> Self {
        match error {
            AuthError::Denied(denied) => {
                let close = denied.code.close_code().unwrap_or(CloseCode::AuthDenied);
                Self::new(close, denied.message)
            }
            AuthError::Unavailable { retry_after } => Self::new(
                CloseCode::AuthUnavailable,
                "nobody could check the credentials; try again",
            )
            .retry_after(retry_after),
        }
    }
}

impl From<Refusal> for StartError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Blocked(block) => Self::from(&block),
            Refusal::Deleted => Self::new(CloseCode::UserDeleted, "this user was deleted"),
            // Word for word what a guest is told where there are no guests: it tells nobody who is registered.
            Refusal::NameTaken => Self::new(CloseCode::AuthDenied, Denied::guest().message),
            Refusal::Revoked => {
                Self::new(CloseCode::TokenRevoked, "the token was revoked; get a new one")
            }
            Refusal::Superseded { .. } => Self::new(
                CloseCode::Replaced,
                "a newer start of the same client instance took its place",
            ),
        }
    }
}

impl From<&Block> for StartError {
    fn from(block: &Block) -> Self {
        let disconnect = block_disconnect(block);
        Self {
            error: Error::new(disconnect.code.error_code(), "this user may not come in"),
            disconnect: Box::new(disconnect),
        }
    }
}

impl From<StoreError> for StartError {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "the store failed; nobody can be let in");
        Self::new(CloseCode::Overloaded, "the gateway cannot check this now; try again")
            .retry_after(std::time::Duration::from_secs(1))
    }
}

/// With what the sessions of a blocked user end.
pub(super) fn block_disconnect(block: &Block) -> Disconnect {
    let code = match block.kind {
        BlockKind::Kick => CloseCode::Kicked,
        BlockKind::Ban => CloseCode::Banned,
    };
    let mut disconnect = Disconnect::new(code);
    if let Some(reason) = &block.reason {
        disconnect.reason.clone_from(reason);
    }
    disconnect.until_ms = block.until;
    disconnect
}
