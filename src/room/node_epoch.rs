//! Which node wrote an entry of a room's log.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One registration of a node with the engine: a node that restarts, or that was declared dead, gets another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NodeEpoch(pub u64);

impl fmt::Display for NodeEpoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}
