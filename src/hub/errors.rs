//! The errors of the hub: for clients that start or resume, and for calls of the server API.

#![deny(clippy::wildcard_enum_match_arm)]

use std::time::Duration;

use stagedoor_proto::{CloseCode, Disconnect, Error, ErrorCode};

use crate::auth::{AuthError, Denied};
use crate::engine::EngineError;
use crate::store::{Block, BlockKind, Refusal, StoreError};

/// When a guest of an app with too many may try again: by then some may be forgotten.
const GUESTS_FULL_RETRY_AFTER: Duration = Duration::from_secs(10);

/// Why a start or resume is rejected: an error reply, a `disconnect` and a close.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StartError {
    pub error: Error,
    pub disconnect: Box<Disconnect>,
}

impl StartError {
    /// An error with `message` that closes the connection with `close`.
    #[must_use]
    pub fn new(close: CloseCode, message: impl Into<String>) -> Self {
        Self {
            error: Error::new(close.error_code(), message),
            disconnect: Box::new(Disconnect::new(close)),
        }
    }

    /// The same error with a time to wait before a retry.
    #[must_use]
    pub fn retry_after(mut self, wait: Duration) -> Self {
        self.error = self.error.retry_after(wait);
        self.disconnect.retry_after_ms = self.error.retry_after_ms;
        self
    }

    /// The client disconnected before its attempt was decided, so it receives nothing.
    pub(super) fn disconnected() -> Self {
        Self::new(CloseCode::HeartbeatLost, "client has disconnected")
    }

    /// An argument of a `start` or `resume` is not acceptable.
    pub(super) fn invalid_argument(error: Error) -> Self {
        let close = error.code.close_code().unwrap_or(CloseCode::Malformed);
        Self { error, disconnect: Box::new(Disconnect::new(close)) }
    }

    /// The token is void; the client fetches a new one after `retry_after`.
    pub(super) fn token_revoked(retry_after: Option<Duration>) -> Self {
        let revoked = Self::new(CloseCode::TokenRevoked, "token was revoked; fetch a new one");
        match retry_after {
            Some(wait) => revoked.retry_after(wait),
            None => revoked,
        }
    }

    pub(super) fn resume_denied() -> Self {
        let message = "unknown session or outdated resume secret; start a new session";
        Self::new(CloseCode::ResumeDenied, message)
    }

    /// Another guest holds the name. The connection stays open for another `start`.
    pub(super) fn name_taken(retry_after: Option<std::time::Duration>) -> Self {
        let message = "another guest holds this username; send `start` with another one";
        let error = Error::new(ErrorCode::NameTaken, message).at("start.username");
        let disconnect = Box::new(Disconnect::new(CloseCode::AuthDenied));
        let taken = Self { error, disconnect };
        match retry_after {
            Some(wait) => taken.retry_after(wait),
            None => taken,
        }
    }

    /// Whether the client may send another `start` on the same connection.
    #[must_use]
    pub fn may_start_again(&self) -> bool {
        matches!(self.error.code, ErrorCode::NameTaken | ErrorCode::InvalidArgument)
    }

    /// The error for a late `resume`: it repeats how the session ended.
    #[must_use]
    pub fn ended(disconnect: Disconnect) -> Self {
        let error = Error::new(
            disconnect.code.error_code(),
            format!("session has ended: {}", disconnect.reason),
        )
        .until(disconnect.until_ms);
        let ended = Self { error, disconnect: Box::new(disconnect) };
        match ended.disconnect.retry_after_ms {
            Some(ms) => ended.retry_after(Duration::from_millis(ms)),
            None => ended,
        }
    }
}

/// Why a call of the server API failed.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The room is not open, and the store does not know it.
    #[error("room not found")]
    NoRoom,
    #[error("room already exists")]
    RoomExists,
    #[error(transparent)]
    Refused(#[from] Error),
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
        let message = "cluster is unavailable; retry";
        Self::new(CloseCode::EngineUnavailable, message).retry_after(error.retry_after())
    }
}

impl From<AuthError> for StartError {
    fn from(error: AuthError) -> Self {
        match error {
            AuthError::Denied(denied) => {
                let close = denied.code.close_code().unwrap_or(CloseCode::AuthDenied);
                let mut rejected = Self::new(close, denied.message);
                rejected.error.code = denied.code;
                if denied.code == ErrorCode::InvalidArgument {
                    rejected.error = rejected.error.at("start.username");
                }
                rejected
            }
            AuthError::Unavailable { retry_after } => {
                Self::new(CloseCode::AuthUnavailable, "authentication unavailable; retry")
                    .retry_after(retry_after)
            }
        }
    }
}

impl From<Refusal> for StartError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Blocked(block) => Self::from(&block),
            Refusal::Deleted => Self::new(CloseCode::UserDeleted, "user was deleted"),
            Refusal::NameHeld { .. } => Self::name_taken(None),
            // The same text as where guests are not allowed: it does not disclose which users are registered.
            Refusal::NameTaken => Self::new(CloseCode::AuthDenied, Denied::guest().message),
            Refusal::NamesReserved(_) => {
                let message = "guests of this address hold too many names; resume or wait";
                Self::new(CloseCode::Overloaded, message).retry_after(GUESTS_FULL_RETRY_AFTER)
            }
            Refusal::TooManyGuests => {
                let message = "the app remembers as many guests as it can; retry later";
                Self::new(CloseCode::Overloaded, message).retry_after(GUESTS_FULL_RETRY_AFTER)
            }
            Refusal::Revoked | Refusal::Reused { .. } => Self::token_revoked(None),
            Refusal::Expired => {
                Self::new(CloseCode::TokenExpired, "session has expired; fetch a new token")
            }
            Refusal::IssuedBeforeRevocation { retry_after } => Self::token_revoked(retry_after),
            Refusal::Superseded { .. } => Self::new(
                CloseCode::Replaced,
                "replaced by a newer start of the same client instance",
            ),
        }
    }
}

impl From<&Block> for StartError {
    fn from(block: &Block) -> Self {
        let disconnect = block_disconnect(block);
        Self {
            error: Error::new(disconnect.code.error_code(), "user is not allowed to connect")
                .until(block.until),
            disconnect: Box::new(disconnect),
        }
    }
}

impl From<StoreError> for StartError {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "store error; rejecting start");
        Self::new(CloseCode::Overloaded, "authentication unavailable; retry")
            .retry_after(Duration::from_secs(1))
    }
}

/// The close code for the sessions of a blocked user.
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
