//! An entry of a room's log.

use serde::{Deserialize, Serialize};
use stagedoor_proto::Timestamp;

use crate::room::log::commands::RoomCommand;
use crate::room::log::origin::NodeEpoch;

/// A command with its version and time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Greater than that of every earlier entry.
    pub version: u64,
    pub now: Timestamp,
    /// The node that appended it.
    pub origin: NodeEpoch,
    pub command: RoomCommand,
}
