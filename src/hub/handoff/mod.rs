//! The handoff from one process to the next: sessions, rooms and unsent frames, over the time when none runs.
//!
//! A gateway that has stopped is saved as rows of JSON, which the store takes in one step; the next one reads them
//! ([`HandoffSnapshot::read`]), and restores all of them, or nothing, before it serves. Invariants: no row names a
//! secret; a snapshot that does not add up is not restored in part; a room goes on at its version, and each frame keeps
//! its number and the tag of its room.
//! Not here: when a gateway stops (`server`), and what a session or room saves of itself (`session`, `room`).

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

/// Which form the rows have. It changes with them: a gateway reads its own form alone.
const FORMAT: u32 = 2;

/// What the rows are, and how many.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct HandoffHeader {
    format: u32,
    /// The last version in any room's log.
    last: u64,
    /// The last tag that was given to a room.
    tag: u32,
    rooms: usize,
    sessions: usize,
    bodies: usize,
}

/// A room; `R` and `L` are references where it is written.
#[derive(Serialize, Deserialize)]
struct RoomRow<R, L> {
    app: Arc<str>,
    tag: RoomTag,
    room: R,
    local: L,
}

/// A session; `S` is what is saved of it, or what was restored from that.
#[derive(Serialize, Deserialize)]
struct SessionRow<S> {
    meta: SessionMeta,
    auth: AuthContext,
    /// When a frame last came in.
    last_frame: Timestamp,
    /// The generation by which it holds its client instance, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    generation: Option<u64>,
    session: S,
}
