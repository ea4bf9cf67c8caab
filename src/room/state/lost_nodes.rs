//! Nodes declared dead while the room was open. Their later entries have no effect.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::room::log::origin::NodeEpoch;

/// Maximum registrations. The lowest is evicted first: an entry of a node dead for so long is in no log.
const MAX_LOST_NODES: usize = 1_024;

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
