//! The data with which a client resumes a session later.

use stagedoor_proto::{Secret, SessionId};

/// The arguments of a later resume. A program may store it across restarts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ticket {
    /// The id of the session.
    pub session: SessionId,
    /// The newest resume secret.
    pub secret: Secret,
    /// The highest frame number received.
    pub last_seq: u64,
}
