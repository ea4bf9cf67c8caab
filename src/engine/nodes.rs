//! Nodes: their leases and burial, the engine's health, and what a node has missed.

use std::time::Duration;

use crate::room::{NodeEpoch, RoomKey};

/// How long a node may be silent before others may declare it dead.
pub const LEASE: Duration = Duration::from_secs(10);
/// How often a node renews its lease.
pub const LEASE_RENEWAL: Duration = Duration::from_secs(2);

/// A node as the engine knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The node's registration.
    pub node: NodeEpoch,
    /// The node's name, for operators.
    pub name: Box<str>,
    /// How long ago it was renewed, by the engine's clock.
    pub age: Duration,
}

impl Lease {
    /// Whether the node may be buried. It may also renew its lease as long as nobody did that.
    #[must_use]
    pub fn has_lapsed(&self) -> bool {
        self.age > LEASE
    }
}

/// What the renewal of a lease came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Renewal {
    /// The node is registered; these are all leases, its own too.
    Held(Vec<Lease>),
    /// The node was buried, or the engine lost its data: it needs another epoch.
    Lost,
}

/// What an attempt to bury a node came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Burial {
    /// The caller buried it, and so answers for what it left: these are the rooms it was interested in.
    Buried(Vec<RoomKey>),
    /// Its lease has not lapsed.
    Alive,
    /// It was buried before, has left, or was never there.
    Gone,
    /// The caller's own lease lapsed within the last [`LEASE`]: perhaps nobody could renew then.
    NotWatched,
}

/// Whether the engine can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// It can.
    Ready,
    /// What needs other nodes is refused for now.
    Degraded,
    /// The node has left it.
    Closed,
}

/// What a node may have missed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Gap {
    /// Signals of this room. Of its log nothing is missing.
    Room(RoomKey),
    /// Notices of displaced sessions: the node compares its sessions with their rows.
    Directory,
}
