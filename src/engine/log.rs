//! The logs of rooms: results of appends, checkpoints, and signals.

use bytes::Bytes;
use stagedoor_proto::Push;

use super::error::EngineError;
use crate::room::{Audience, Entry};

/// The result of an append.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Appended {
    /// The entry has this version, and this node has applied it.
    Placed(u64),
    /// The entry is not in the log, and will not be.
    Refused(AppendError),
    /// The outcome is unknown; the entry may still be applied later.
    Unknown,
}

/// Why a command was not appended to a room's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// The log is not at the expected version.
    #[error("the room changed meanwhile")]
    VersionChanged,
    /// The node has no interest in the room.
    #[error("this node has no interest in the room")]
    NoInterest,
    /// The engine rejected the append.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// The condition of an append.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Condition {
    #[default]
    None,
    /// The log must end with this version.
    VersionIs(u64),
}

/// The state of a room at one version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The version of the last included entry.
    pub version: u64,
    /// The serialized state of the room, opaque to the engine.
    pub state: Bytes,
}

/// The log of a room for a node that starts with it: the newest checkpoint, and all entries after it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RoomLog {
    /// `None` if no checkpoint is stored: the tail then starts with the room's first entry.
    pub checkpoint: Option<Checkpoint>,
    /// The entries after the checkpoint, in order.
    pub tail: Vec<Entry>,
}

impl RoomLog {
    /// Whether no node has the room.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.checkpoint.is_none() && self.tail.is_empty()
    }

    /// The version of the last entry; 0 if there is none.
    #[must_use]
    pub fn version(&self) -> u64 {
        let checkpoint = self.checkpoint.as_ref().map_or(0, |checkpoint| checkpoint.version);
        self.tail.last().map_or(checkpoint, |entry| entry.version)
    }
}

/// A message to participants of a room that is not logged: a signal, or a relay.
#[derive(Clone, Debug, PartialEq)]
pub struct RoomMessage {
    /// The receivers, resolved with each node's state of the room.
    pub to: Audience,
    /// The push; each delivering node sets its `order`.
    pub push: Push,
}

/// Which component delivers a room message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivered {
    /// The caller must deliver it now with this order: there is no other node, and the engine did not call the
    /// [`NodeHandler`](super::NodeHandler).
    ByCaller(u64),
    /// The handlers of all interested nodes deliver it with this order; this node's has done so.
    ByHandlers(u64),
}
