//! A refused `start` or `resume`: what the client is told before its connection closes.

#![deny(clippy::wildcard_enum_match_arm)]

use stagedoor_proto::{CloseCode, Disconnect, Error};

use crate::auth::{AuthError, Denied};
use crate::engine::EngineError;
use crate::store::{Block, BlockKind, Refusal, StoreError};

/// Why somebody is not let in: an error reply, a `disconnect` and a close.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The reply to the request.
    pub error: Error,
    /// What ends the connection.
    pub disconnect: Box<Disconnect>,
}

impl Refused {
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

impl From<AuthError> for Refused {
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

impl From<Refusal> for Refused {
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

impl From<&Block> for Refused {
    fn from(block: &Block) -> Self {
        let disconnect = parting_word(block);
        Self {
            error: Error::new(disconnect.code.error_code(), "this user may not come in"),
            disconnect: Box::new(disconnect),
        }
    }
}

impl From<EngineError> for Refused {
    fn from(error: EngineError) -> Self {
        let message = "the nodes of the gateway cannot agree on this now; try again";
        Self::new(CloseCode::EngineUnavailable, message).retry_after(error.retry_after())
    }
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "the store failed; nobody can be let in");
        Self::new(CloseCode::Overloaded, "the gateway cannot check this now; try again")
            .retry_after(std::time::Duration::from_secs(1))
    }
}

/// What a blocked user's sessions are told.
pub(super) fn parting_word(block: &Block) -> Disconnect {
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
