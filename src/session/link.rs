//! Whether a session has a connection.

use stagedoor_proto::{Disconnect, Timestamp};

/// Whether a session has a connection, and until when it matters that it has none.
#[derive(Debug)]
pub enum Link {
    /// The connection of this generation carries it.
    Live {
        /// Its generation.
        generation: u64,
    },
    /// Its connection was lost; it may be taken up again.
    Suspended {
        /// Until then.
        until: Timestamp,
    },
    /// It is over, and remembered so that a late `resume` learns why.
    Ended {
        /// What it is told.
        ending: Box<Disconnect>,
        /// Until then.
        until: Timestamp,
    },
}
