//! Live state that a stopping gateway saves for the next process.

use std::fmt;
use std::sync::Arc;

/// The saved state. Its parts are opaque to the store.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Handoff {
    /// Describes the parts and their number.
    pub head: Arc<[u8]>,
    /// One per room.
    pub rooms: Vec<Arc<[u8]>>,
    /// One per session.
    pub sessions: Vec<Arc<[u8]>>,
    /// Bodies of the sessions' frames. Frames may share a body.
    pub bodies: Vec<Arc<[u8]>>,
}

impl fmt::Debug for Handoff {
    /// Prints counts only: the parts contain user data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { head: _, rooms, sessions, bodies } = self;
        f.debug_struct("Handoff")
            .field("rooms", &rooms.len())
            .field("sessions", &sessions.len())
            .field("bodies", &bodies.len())
            .finish_non_exhaustive()
    }
}
