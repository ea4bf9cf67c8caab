//! From one process to the next: sessions, rooms and what was not yet told, over the time when nobody runs.
//!
//! A gateway that has stopped is written down ([`Hub::hand_over`](super::Hub::hand_over)) as rows of JSON, which the
//! store keeps in one step; the next one reads them ([`Inheritance::read`]), and takes all up, or nothing, before it
//! serves anybody. Invariants: no row names a secret; what does not add up is not taken up in part; a room goes on at
//! the place in its log where it stood, and each frame keeps its number and the mark of its room.
//! Not here: when a gateway stops (`drain`, `server`), and what a session or room keeps of itself (`session`, `room`).

mod restore;
mod save;

use std::net::IpAddr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use stagedoor_proto::{ClientInfo, FamilyId, InstanceId, SessionId, Timestamp, Username};

pub use restore::{Inheritance, Unreadable};

use crate::grant::Grant;
use crate::session::{RoomTag, SavedSession};

/// Which form the rows have. It changes with them: a gateway reads its own form alone.
const FORMAT: u32 = 1;

/// What the rows are, and how many.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Head {
    format: u32,
    /// The last place in any room's log.
    last: u64,
    /// The last mark that was given to a room.
    tag: u32,
    rooms: usize,
    sessions: usize,
    bodies: usize,
}

/// A room; `R` is a reference to one where it is written.
#[derive(Serialize, Deserialize)]
struct RoomRow<R> {
    app: Arc<str>,
    tag: RoomTag,
    room: R,
}

/// A session.
#[derive(Serialize, Deserialize)]
struct SessionRow {
    about: About,
    session: SavedSession,
}

/// Whose a session is, and by what it lives.
#[derive(Serialize, Deserialize)]
struct About {
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
    /// By which generation it holds its instance, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    generation: Option<u64>,
}
