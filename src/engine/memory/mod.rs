//! Several nodes in one process, without faults, for tests of several gateways.
//!
//! A [`MemoryCluster`] has the shared state; [`MemoryCluster::node`] is the engine of one node. Answers
//! go through queues and tasks, as with an engine across a network: a node's operations
//! on rooms take effect in order, and deliveries to a node reach its handler in order, through one
//! inbox. Both queues are bounded: a full queue of operations rejects, and a full inbox blocks its senders.

mod cluster;
mod delivery;
mod inbox;
mod node;
mod operations;
mod shared;

pub use cluster::MemoryCluster;

#[cfg(test)]
mod tests {
    use super::MemoryCluster;
    use crate::engine::conformance::{Harness, every_cluster_rule, every_rule};

    fn harness() -> Harness {
        let cluster = std::sync::OnceLock::<MemoryCluster>::new();
        Harness::new(move |clock| {
            cluster.get_or_init(|| MemoryCluster::new(clock.clone())).node("node")
        })
    }

    every_rule!(harness());
    every_cluster_rule!(harness());
}
