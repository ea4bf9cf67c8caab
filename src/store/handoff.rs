//! Live state that a stopping gateway leaves to the next.

use std::fmt;
use std::sync::Arc;

/// What a stopping gateway leaves to the next. The store does not read the parts.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Handoff {
    /// Which parts there are, and how many.
    pub head: Arc<[u8]>,
    /// A room each.
    pub rooms: Vec<Arc<[u8]>>,
    /// A session each.
    pub sessions: Vec<Arc<[u8]>>,
    /// Bodies of sessions' frames; several frames may share one.
    pub bodies: Vec<Arc<[u8]>>,
}

impl fmt::Debug for Handoff {
    /// Counts the parts, and shows nothing of what users said.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { head: _, rooms, sessions, bodies } = self;
        f.debug_struct("Handoff")
            .field("rooms", &rooms.len())
            .field("sessions", &sessions.len())
            .field("bodies", &bodies.len())
            .finish_non_exhaustive()
    }
}
