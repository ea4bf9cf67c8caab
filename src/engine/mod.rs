//! The shared state of nodes: the logs of rooms, fan-out, the directory of sessions, leases, requests between nodes.
//!
//! A node calls [`Engine`], and the engine calls [`NodeHandler`]. A room is a log: [`Engine::append`] gives a
//! command its version and its time in one step, all interested nodes apply the same entries in the same order, and
//! the appending node replies to its client when it applies the entry. Commands are opaque here, and
//! no caller may assume that a room lives in one process. Every implementation passes the tests of `conformance`.

mod answer;
#[cfg(test)]
mod conformance;
mod directory;
mod error;
mod local;
mod log;
mod memory;
mod nodes;
mod traits;

pub use answer::Answer;
pub use directory::{
    Claim, ClaimRules, Claimed, DirectoryKey, Displaced, Move, Moved, NameHolder, Prepare,
    Prepared, ProvedSession, Restore, SessionRecord, SessionRow,
};
pub use error::{EngineError, RequestError};
pub use local::Local;
pub use log::{AppendError, Appended, Checkpoint, Condition, Delivered, RoomLog, RoomMessage};
pub use memory::MemoryCluster;
pub use nodes::{Burial, Gap, Health, LEASE, LEASE_RENEWAL, Lease, Renewal};
pub use traits::{Engine, NodeHandler};
