//! Whether a session has a connection.

use stagedoor_proto::Disconnect;

/// Whether a session has a connection. Until when it matters that it has none is for the session's timers.
#[derive(Debug)]
pub enum Link {
    /// The connection of this generation carries it.
    Live {
        /// Its generation.
        generation: u64,
    },
    /// Its connection was lost; it may be resumed.
    Suspended,
    /// It is over, and remembered so that a late `resume` learns why.
    Ended {
        /// What it is told.
        ending: Box<Disconnect>,
    },
}
