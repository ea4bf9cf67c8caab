//! How a session ends for its client.

#![deny(clippy::wildcard_enum_match_arm)]

use stagedoor_proto::{Action, Disconnect, Error};

use crate::{Cause, ConnectError, Disconnected};

/// Why a client does not return by itself, or no more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The connection ended: for good, as this program asked, or with reconnecting switched off.
    Disconnected(Disconnected),
    /// The way back was refused for good.
    Refused {
        /// Why, where the gateway answered.
        error: Option<Error>,
        /// What it said before it closed.
        disconnect: Option<Box<Disconnect>>,
    },
    /// New credentials are needed (41xx), and there are none.
    Unauthenticated {
        /// What the gateway said before it closed.
        disconnect: Option<Box<Disconnect>>,
    },
    /// The way back cannot be gone: what answers there is no gateway of this protocol.
    Failed {
        /// What went wrong.
        why: String,
    },
}

impl Ending {
    /// What the program may do next: of [`Action::Stop`] nothing, until its user says otherwise.
    #[must_use]
    pub fn action(&self) -> Action {
        match self {
            Self::Disconnected(end) => end.action(),
            Self::Refused { disconnect, .. } => {
                disconnect.as_ref().map_or(Action::Stop, |disconnect| disconnect.action)
            }
            Self::Unauthenticated { .. } => Action::Reauth,
            Self::Failed { .. } => Action::Stop,
        }
    }

    /// What the gateway said before it closed.
    #[must_use]
    pub fn disconnect(&self) -> Option<&Disconnect> {
        match self {
            Self::Disconnected(end) => end.disconnect.as_ref(),
            Self::Refused { disconnect, .. } | Self::Unauthenticated { disconnect } => {
                disconnect.as_deref()
            }
            Self::Failed { .. } => None,
        }
    }

    /// The code that ended it.
    #[must_use]
    pub fn close_code(&self) -> Option<u16> {
        match (self, self.disconnect()) {
            (_, Some(disconnect)) => Some(disconnect.code.code()),
            (Self::Disconnected(end), None) => end.close_code,
            (_, None) => None,
        }
    }

    /// What the client saw, where it was the end of a connection.
    #[must_use]
    pub const fn cause(&self) -> Option<Cause> {
        match self {
            Self::Disconnected(end) => Some(end.cause),
            Self::Refused { .. } | Self::Unauthenticated { .. } | Self::Failed { .. } => None,
        }
    }

    /// The same ending, because credentials are missing.
    pub(crate) fn unauthenticated(ending: Self) -> Self {
        let disconnect = match ending {
            Self::Disconnected(end) => end.disconnect.map(Box::new),
            Self::Refused { disconnect, .. } | Self::Unauthenticated { disconnect } => disconnect,
            Self::Failed { .. } => None,
        };
        Self::Unauthenticated { disconnect }
    }

    /// This program detached from a session that is to be resumed.
    pub(crate) const fn detached() -> Self {
        let cause = Cause::Detached;
        Self::Disconnected(Disconnected { disconnect: None, close_code: None, cause })
    }
}

impl From<ConnectError> for Ending {
    fn from(error: ConnectError) -> Self {
        match error {
            ConnectError::Refused { error, disconnect } => {
                Self::Refused { error: Some(error), disconnect }
            }
            ConnectError::Disconnected(disconnect) => {
                Self::Refused { error: None, disconnect: Some(disconnect) }
            }
            ConnectError::Lost { close_code: close_code @ Some(_) } => {
                let cause = Cause::Closed;
                Self::Disconnected(Disconnected { disconnect: None, close_code, cause })
            }
            other @ (ConnectError::Dial(_)
            | ConnectError::Lost { close_code: None }
            | ConnectError::Protocol(_)
            | ConnectError::Timeout(_)
            | ConnectError::Incomplete(_)) => Self::Failed { why: other.to_string() },
        }
    }
}
