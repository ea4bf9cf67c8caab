//! The logs of rooms: what an append comes to, checkpoints, and signals.

use bytes::Bytes;
use stagedoor_proto::Push;

use super::error::EngineError;
use crate::room::{Audience, Entry};

/// What became of an append.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Appended {
    /// It has this version, and this node has applied it.
    Placed(u64),
    /// It is not in the log, and never will be.
    Refused(AppendError),
    /// Whether it is in the log is not known; its entry may still come up.
    Unknown,
}

/// Why a command did not enter a room's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// The log is not at the version that the command was to follow.
    #[error("the room changed meanwhile")]
    VersionChanged,
    /// The node has not asked for the room's entries.
    #[error("this node has no interest in the room")]
    NoInterest,
    /// The engine does not take it.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// On what an append depends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Condition {
    /// Nothing.
    #[default]
    None,
    /// The log ends with this version.
    VersionIs(u64),
}

/// A room as it was at one version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The version of the last entry in it.
    pub version: u64,
    /// The room's serialized state, which means nothing to the engine.
    pub state: Bytes,
}

/// Where a node begins in a room's log: the newest checkpoint, and all entries after it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RoomLog {
    /// `None` when nobody stored one: the tail begins with the room's first entry.
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

    /// The version of the last entry; 0 when there is none.
    #[must_use]
    pub fn version(&self) -> u64 {
        let checkpoint = self.checkpoint.as_ref().map_or(0, |checkpoint| checkpoint.version);
        self.tail.last().map_or(checkpoint, |entry| entry.version)
    }
}

/// A message to participants of a room that is not logged: a signal, or a relay.
#[derive(Clone, Debug, PartialEq)]
pub struct RoomMessage {
    /// Who gets it, by the state that each node has of the room.
    pub to: Audience,
    /// A push whose `order` is set by each node that delivers it.
    pub push: Push,
}

/// Who delivers a room message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivered {
    /// The caller, now, with this order: no other node is there, and nothing was handed to the
    /// [`NodeHandler`](super::NodeHandler).
    ByCaller(u64),
    /// Each interested node's handler has it or gets it with this order; this node's has delivered it.
    ByHandlers(u64),
}
