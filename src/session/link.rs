//! Whether a session has a connection.

use stagedoor_proto::Disconnect;

/// Whether a session has a connection. Timers decide how long a session survives without one.
#[derive(Debug)]
pub enum Link {
    /// The connection of this generation serves the session.
    Live { generation: u64 },
    /// The connection was lost; the session can be resumed.
    Suspended,
    /// The session ended, and is retained so that a late `resume` is answered with its end.
    Ended {
        /// The message for its client.
        ending: Box<Disconnect>,
    },
}
