//! How a connection ended, and what its client does next.

use stagedoor_proto::{Action, Disconnect};

/// How a connection ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disconnected {
    /// The `disconnect` of the gateway before it closed.
    pub disconnect: Option<Disconnect>,
    /// The code of the close frame.
    pub close_code: Option<u16>,
    /// The cause as the client saw it.
    pub cause: Cause,
}

impl Disconnected {
    /// What to do next: by the `disconnect`, otherwise by the close code, otherwise resume.
    #[must_use]
    pub fn action(&self) -> Action {
        match (&self.disconnect, self.close_code) {
            (Some(disconnect), _) => disconnect.action,
            (None, Some(code)) => Action::of(code),
            (None, None) => Action::Resume,
        }
    }

    /// Whether the session ended; otherwise it can be resumed.
    #[must_use]
    pub fn ends_session(&self) -> bool {
        !matches!(self.action(), Action::Retry | Action::Resume)
    }
}

/// Why a connection ended, as the client saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cause {
    /// The gateway sent a close frame.
    Closed,
    /// The socket ended without a close frame.
    Lost,
    /// The gateway sent nothing for the announced interval and timeout.
    Silent,
    /// The event queue was full.
    Overflow,
    /// The gateway sent an invalid message.
    Malformed,
    /// This program closed the connection, not the session.
    Detached,
}
