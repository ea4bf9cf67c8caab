//! How a connection ended, and what its client does next.

use stagedoor_proto::{Action, Disconnect};

/// How a connection ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disconnected {
    /// What the gateway said before it closed.
    pub disconnect: Option<Disconnect>,
    /// The code of the close frame.
    pub close_code: Option<u16>,
    /// What the client saw.
    pub cause: Cause,
}

impl Disconnected {
    /// What to do next, by the gateway's word, else by the close code, else resume.
    #[must_use]
    pub fn action(&self) -> Action {
        match (&self.disconnect, self.close_code) {
            (Some(disconnect), _) => disconnect.action,
            (None, Some(code)) => Action::of(code),
            (None, None) => Action::Resume,
        }
    }

    /// Whether the session is over; otherwise it waits to be resumed.
    #[must_use]
    pub fn ends_session(&self) -> bool {
        !matches!(self.action(), Action::Retry | Action::Resume)
    }
}

/// What a client saw when a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cause {
    /// A close frame came.
    Closed,
    /// The socket ended without one.
    Lost,
    /// Nothing came for the announced interval and timeout.
    Silent,
    /// The program left more events unread than the queue holds.
    Overflow,
    /// A message came that the protocol does not know.
    Malformed,
    /// This program closed the connection, not the session.
    Detached,
}
