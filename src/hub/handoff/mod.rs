//! The handoff of sessions, rooms and unsent frames from one process to the next.
//!
//! A stopped gateway is saved as JSON rows, which the store writes in one transaction. The next process reads them
//! ([`HandoffSnapshot::read`]), and restores all or nothing before it accepts connections. Invariants: no row contains
//! a secret; an inconsistent snapshot is not restored in part; rooms keep their version, and frames keep their number
//! and the tag of their room.
//! Not here: when a gateway stops (`server`), and the saved state of a session or room (`session`, `room`).

mod moved;
mod restore;
mod save;

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use stagedoor_proto::Timestamp;

pub(super) use moved::{MovedSession, accept, give};
pub(super) use restore::restore;
pub use restore::{HandoffError, HandoffSnapshot};
pub(super) use save::save;

use super::session_meta::{AuthContext, SessionMeta};
use crate::session::RoomTag;
use crate::time::Now;

/// The format of the rows. It changes with their structure; a gateway only reads its own format.
const FORMAT: u32 = 3;

/// The format and number of the rows.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct HandoffHeader {
    format: u32,
    /// Both clocks when the snapshot was saved. Its monotonic times belong to this clock.
    saved_at: Now,
    /// The highest version in any room's log.
    last: u64,
    /// The highest tag of a room.
    tag: u32,
    rooms: usize,
    sessions: usize,
    bodies: usize,
}

/// A room; `R` and `L` are references for writing.
#[derive(Serialize, Deserialize)]
struct RoomRow<R, L> {
    app: Arc<str>,
    /// `None`: the room has emptied, and this is its stub.
    tag: Option<RoomTag>,
    room: R,
    local: L,
}

/// A session; `S` is its saved or restored state.
#[derive(Serialize, Deserialize)]
struct SessionRow<S> {
    meta: SessionMeta,
    auth: AuthContext,
    /// When the last frame was received.
    last_frame: Timestamp,
    /// The generation of its claim on the client instance, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    generation: Option<u64>,
    /// When the oldest room token was issued that the session joined a room with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    oldest_room_token: Option<Timestamp>,
    session: S,
}
