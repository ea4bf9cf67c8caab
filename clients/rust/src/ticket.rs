//! What a client keeps of a session to resume it.

use stagedoor_proto::{Secret, SessionId};

/// What takes a session up again after its connection was lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ticket {
    /// The session.
    pub session: SessionId,
    /// The newest resume secret.
    pub secret: Secret,
    /// The highest frame number received.
    pub last_seq: u64,
}
