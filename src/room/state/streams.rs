//! The streams of a room: wire form, subscribers, and unacknowledged mutes.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use serde::{Deserialize, Serialize};
use stagedoor_proto::{ParticipantId, Stream, StreamId};

use crate::room::state::participants::wire_bytes;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(in crate::room) struct PublishedStream {
    pub(in crate::room) wire: Stream,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(in crate::room) subscribers: BTreeSet<ParticipantId>,
    /// Versions of the commands whose mute the owner has not acknowledged.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(in crate::room) unacknowledged: Vec<u64>,
    /// Versions of the commands that request to unmute it, and are not answered.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(in crate::room) unmute_requests: Vec<u64>,
    /// Maximum size on the wire, in bytes.
    pub(in crate::room) wire_bytes: usize,
}

/// Bytes by which a stream's wire form can grow without its owner: three flags and a comma.
const FLAGS_SLACK: usize = 8;

impl PublishedStream {
    pub(in crate::room) fn new(wire: Stream) -> Self {
        let wire_bytes = wire_bytes(&wire) + FLAGS_SLACK;
        Self {
            wire,
            subscribers: BTreeSet::new(),
            unacknowledged: Vec::new(),
            unmute_requests: Vec::new(),
            wire_bytes,
        }
    }

    /// Whether its audio is on, or may be: its owner has not acknowledged a mute yet.
    pub(in crate::room) const fn is_audible(&self) -> bool {
        self.wire.has_audio || !self.unacknowledged.is_empty()
    }

    /// Call after changing its name or layout classes.
    pub(in crate::room) fn measure(&mut self) {
        self.wire_bytes = wire_bytes(&self.wire) + FLAGS_SLACK;
    }
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(in crate::room) struct Streams(BTreeMap<StreamId, PublishedStream>);

impl Streams {
    pub(in crate::room) fn len(&self) -> usize {
        self.0.len()
    }

    pub(in crate::room) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(in crate::room) fn contains(&self, id: StreamId) -> bool {
        self.0.contains_key(&id)
    }

    pub(in crate::room) fn find(&self, id: StreamId) -> Option<&PublishedStream> {
        self.0.get(&id)
    }

    pub(in crate::room) fn find_mut(&mut self, id: StreamId) -> Option<&mut PublishedStream> {
        self.0.get_mut(&id)
    }

    pub(in crate::room) fn insert(&mut self, stream: PublishedStream) {
        self.0.insert(stream.wire.id, stream);
    }

    pub(in crate::room) fn remove(&mut self, id: StreamId) -> Option<PublishedStream> {
        self.0.remove(&id)
    }

    pub(in crate::room) fn iter(&self) -> impl Iterator<Item = &PublishedStream> {
        self.0.values()
    }

    /// Streams with ids after `after`, in order.
    pub(in crate::room) fn after(
        &self,
        after: Option<StreamId>,
    ) -> impl Iterator<Item = &PublishedStream> {
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.0.range((start, Bound::Unbounded)).map(|(_, stream)| stream)
    }
}
