//! Several nodes in one process, without faults: what tests join gateways with.
//!
//! A [`MemoryCluster`] holds what the nodes share; [`MemoryCluster::node`] gives one node's view of it. Nothing is
//! answered before it went through queues and tasks, as with an engine of its own across a network: a node's operations
//! on rooms take effect in the order in which it asked for them, and what is for a node reaches its handler through one
//! inbox, in order. Both queues are bounded: a full operations queue refuses, a full inbox holds the senders up.

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
