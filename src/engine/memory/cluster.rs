//! The cluster: what its nodes share, and the nodes that join it.

use std::sync::Arc;

use super::node::MemoryNode;
use super::shared::Shared;
use crate::clock::{Clock, Rng};
use crate::engine::traits::Engine;
use crate::room::NodeEpoch;

/// What the nodes of one test process share.
#[derive(Clone)]
pub struct MemoryCluster(Arc<Shared>);

impl MemoryCluster {
    /// A cluster without nodes that goes by `clock`.
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
