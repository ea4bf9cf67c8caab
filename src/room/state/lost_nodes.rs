//! Nodes that were declared dead while the room was open: what they append later has no effect.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::room::log::origin::NodeEpoch;

/// Most registrations remembered; the lowest is forgotten first. An entry of a node so long dead is in no log's tail.
const MAX_LOST_NODES: usize = 1_024;

/// The registrations of nodes that were declared dead.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(in crate::room) struct LostNodes(BTreeSet<NodeEpoch>);

impl LostNodes {
    pub(in crate::room) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(in crate::room) fn contains(&self, node: NodeEpoch) -> bool {
        self.0.contains(&node)
    }

    pub(in crate::room) fn insert(&mut self, node: NodeEpoch) {
        self.0.insert(node);
        if self.0.len() > MAX_LOST_NODES {
            self.0.pop_first();
        }
    }

    pub(in crate::room) fn is_bounded(&self) -> bool {
        self.0.len() <= MAX_LOST_NODES
    }
}
