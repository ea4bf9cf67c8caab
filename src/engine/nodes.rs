//! Nodes: their leases and burial, the health of the engine, and gaps in a node's deliveries.

use std::time::Duration;

use crate::room::{NodeEpoch, RoomKey};

/// How long a lease is valid; after that other nodes may declare the node dead.
pub const LEASE: Duration = Duration::from_secs(10);
/// How often a node renews its lease.
pub const LEASE_RENEWAL: Duration = Duration::from_secs(2);

/// A node in the engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    pub node: NodeEpoch,
    /// The name of the node, for operators.
    pub name: Box<str>,
    /// The time since the last renewal, by the engine's clock.
    pub age: Duration,
}

impl Lease {
    /// Whether the node may be buried. Until it is buried, it may still renew its lease.
    #[must_use]
    pub fn has_lapsed(&self) -> bool {
        self.age > LEASE
    }
}

/// The result of a lease renewal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Renewal {
    /// The node is registered; the leases of all nodes, including its own.
    Held(Vec<Lease>),
    /// The node was buried, or the engine lost its data: the node needs a new epoch.
    Lost,
}

/// The result of burying a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Burial {
    /// The caller buried the node and must take over these rooms, in which it was interested.
    Buried(Vec<RoomKey>),
    /// The lease of the node has not lapsed.
    Alive,
    /// The node was buried before, has left, or never existed.
    Gone,
    /// The caller's own lease lapsed within the last [`LEASE`]: the engine may have been unavailable for all nodes.
    NotWatched,
}

/// The health of the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    Ready,
    /// Commands that need other nodes are rejected for now.
    Degraded,
    /// The node has left the engine.
    Closed,
}

/// A gap in the deliveries to a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Gap {
    /// Signals of this room may be missing; its log is complete.
    Room(RoomKey),
    /// Notices of displaced sessions may be missing: the node must compare its sessions with their rows.
    Directory,
}
