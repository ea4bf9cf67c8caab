//! An entry of a room's log.

use serde::{Deserialize, Serialize};
use stagedoor_proto::Timestamp;

use crate::room::log::commands::RoomCommand;
use crate::room::log::origin::NodeEpoch;

/// A command with its version and its time in the log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Its version: greater than that of every entry before.
    pub version: u64,
    /// When it was appended.
    pub now: Timestamp,
    /// The node that appended it.
    pub origin: NodeEpoch,
    /// What it asks for.
    pub command: RoomCommand,
}
