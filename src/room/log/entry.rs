//! An entry of a room's log.

use serde::{Deserialize, Serialize};

use crate::room::log::commands::RoomCommand;
use crate::room::log::origin::NodeEpoch;
use crate::time::Now;

/// A command with its version and time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Greater than that of every earlier entry.
    pub version: u64,
    /// The time of the engine that placed it, on both clocks.
    pub now: Now,
    /// The node that appended it.
    pub origin: NodeEpoch,
    pub command: RoomCommand,
}
