//! A cluster in memory: the shared state, and its nodes.

use std::sync::Arc;

use super::node::MemoryNode;
use super::shared::Shared;
use crate::clock::{Clock, Rng};
use crate::engine::traits::Engine;
use crate::room::NodeEpoch;

/// The shared state of the nodes in one test process.
#[derive(Clone)]
pub struct MemoryCluster(Arc<Shared>);

impl MemoryCluster {
    /// A cluster without nodes.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self(Arc::new(Shared::new(clock)))
    }

    /// Registers another node.
    #[must_use]
    pub fn node(&self, name: &str) -> Arc<dyn Engine> {
        let epoch = NodeEpoch(u64::from_be_bytes(Rng.bytes()));
        Arc::new(MemoryNode::new(epoch, name, Arc::clone(&self.0)))
    }
}
