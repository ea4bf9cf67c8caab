//! How a session manager starts a session, and the result.

use std::sync::Arc;

use stagedoor_proto::{Data, Secret, Username};

use crate::{ConnectError, Session, Ticket};

/// With what a session is started.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum StartWith {
    /// The username and credentials in the manager's settings.
    Settings,
    /// As a guest of this name.
    Guest(Username),
    /// With a token that names the user: a session token, an api token or an access token.
    Token(Secret),
    /// With params for the app's own auth hook.
    Params {
        /// The name of the user.
        username: Username,
        /// What the hook gets.
        params: Data,
    },
    /// By resuming the session of a ticket.
    Ticket(Ticket),
}

/// The result of a start.
#[derive(Clone, Debug)]
#[must_use = "a start that failed has no session"]
pub enum StartResult {
    /// The session was started.
    Succeeded {
        /// The session.
        session: Session,
    },
    /// There is no new session.
    Failed {
        /// Why.
        error: StartError,
    },
}

impl StartResult {
    /// Whether the session was started.
    #[must_use]
    pub const fn succeeded(&self) -> bool {
        matches!(self, Self::Succeeded { .. })
    }

    /// Whether there is no new session.
    #[must_use]
    pub const fn failed(&self) -> bool {
        !self.succeeded()
    }

    /// The session, if it was started.
    #[must_use]
    pub const fn session(&self) -> Option<&Session> {
        match self {
            Self::Succeeded { session } => Some(session),
            Self::Failed { .. } => None,
        }
    }

    /// The error, if there is no new session.
    #[must_use]
    pub const fn error(&self) -> Option<&StartError> {
        match self {
            Self::Succeeded { .. } => None,
            Self::Failed { error } => Some(error),
        }
    }

    /// The same as a [`Result`].
    ///
    /// # Errors
    /// Why the start failed.
    pub fn into_result(self) -> Result<Session, StartError> {
        match self {
            Self::Succeeded { session } => Ok(session),
            Self::Failed { error } => Err(error),
        }
    }
}

impl From<Result<Session, StartError>> for StartResult {
    fn from(result: Result<Session, StartError>) -> Self {
        match result {
            Ok(session) => Self::Succeeded { session },
            Err(error) => Self::Failed { error },
        }
    }
}

/// Why a session manager has no session for its caller.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// A session is active or being started; stop it first.
    #[error("a session is active; stop it first")]
    SessionActive,
    /// There is no session, and no loader to start one.
    #[error("no active session; start one first")]
    NoActiveSession,
    /// The session was stopped while it was being started.
    #[error("stopped during the start")]
    Stopped,
    /// The gateway rejected the session or was unreachable.
    #[error("cannot start a session: {0}")]
    Connect(#[source] Arc<ConnectError>),
    /// The loader has no credentials.
    #[error("the session loader failed: {0}")]
    Loader(#[source] Arc<dyn std::error::Error + Send + Sync>),
}
