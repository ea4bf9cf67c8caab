//! How a session ends for its client.

#![deny(clippy::wildcard_enum_match_arm)]

use stagedoor_proto::{Action, Disconnect, Error};

use crate::{Cause, ConnectError, Disconnected};

/// Why a client does not reconnect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The connection ended: for good, at the request of this program, or with reconnection disabled.
    Disconnected(Disconnected),
    /// The gateway rejected reconnection for good.
    Refused {
        /// The error of the gateway, if it answered.
        error: Option<Error>,
        /// The `disconnect` of the gateway before it closed.
        disconnect: Option<Box<Disconnect>>,
    },
    /// The client needs new credentials (41xx) and has none.
    Unauthenticated {
        /// The `disconnect` of the gateway before it closed.
        disconnect: Option<Box<Disconnect>>,
    },
    /// Reconnection is impossible: the server is not a gateway of this protocol.
    Failed {
        /// The error of the last attempt.
        why: String,
    },
}

impl Ending {
    /// What the program may do next. After [`Action::Stop`] it waits for a decision of its user.
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

    /// The `disconnect` of the gateway before it closed.
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

    /// The close code, if there is one.
    #[must_use]
    pub fn close_code(&self) -> Option<u16> {
        match (self, self.disconnect()) {
            (_, Some(disconnect)) => Some(disconnect.code.code()),
            (Self::Disconnected(end), None) => end.close_code,
            (_, None) => None,
        }
    }

    /// The cause as the client saw it, if a connection ended.
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

    /// The program detached from a session that can be resumed.
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
