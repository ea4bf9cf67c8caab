//! The handoff from one process to the next: sessions, rooms and unsent frames, over the time when none runs.
//!
//! A gateway that has stopped is saved as rows of JSON, which the store takes in one step; the next one reads them
//! ([`HandoffSnapshot::read`]), and restores all of them, or nothing, before it serves. Invariants: no row names a
//! secret; a snapshot that does not add up is not restored in part; a room goes on at its version, and each frame keeps
//! its number and the tag of its room.
//! Not here: when a gateway stops (`server`), and what a session or room saves of itself (`session`, `room`).

mod restore;
mod save;

use std::net::IpAddr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use stagedoor_proto::{ClientInfo, FamilyId, InstanceId, SessionId, Timestamp, Username};

pub(super) use restore::restore;
pub use restore::{HandoffError, HandoffSnapshot};
pub(super) use save::save;

use crate::grant::Grant;
use crate::session::{RoomTag, SavedSession};

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

/// A session.
#[derive(Serialize, Deserialize)]
struct SessionRow {
    about: SavedMeta,
    session: SavedSession,
}

/// What a session is, and what its credentials allow.
#[derive(Serialize, Deserialize)]
struct SavedMeta {
    id: SessionId,
    app: Arc<str>,
    username: Username,
    instance: InstanceId,
    guest: bool,
    family: FamilyId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    client: Option<Box<ClientInfo>>,
    address: IpAddr,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    user_agent: Option<Box<str>>,
    started: Timestamp,
    heard: Timestamp,
    grant: Arc<Grant>,
    auth: Timestamp,
    /// The generation by which it is active on its instance, if it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    generation: Option<u64>,
}
