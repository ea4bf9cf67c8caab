//! The watchers of the session feed and their pending updates.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use stagedoor_proto::{FeedEntry, ParticipantId};

use crate::time::Monotonic;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(in crate::room) struct FeedState {
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    watchers: BTreeMap<ParticipantId, Progress>,
    /// Participants changed since the last push; for one that left, its last entry.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    changed: BTreeMap<ParticipantId, Option<FeedEntry>>,
    pub(in crate::room) sent: Monotonic,
}

/// How much of the snapshot a watcher has received.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::room) enum Progress {
    UpTo(ParticipantId),
    Whole,
}

impl FeedState {
    pub(in crate::room) fn watchers(&self) -> impl Iterator<Item = ParticipantId> {
        self.watchers.keys().copied()
    }

    /// Whether nothing is pending.
    pub(in crate::room) fn is_idle(&self) -> bool {
        self.changed.is_empty() && self.watchers.values().all(|had| *had == Progress::Whole)
    }

    /// Watchers with an incomplete snapshot, and the last participant each received.
    pub(in crate::room) fn unfinished(&self) -> Vec<(ParticipantId, ParticipantId)> {
        let unfinished = self.watchers.iter().filter_map(|(id, progress)| match progress {
            Progress::UpTo(last) => Some((*id, *last)),
            Progress::Whole => None,
        });
        unfinished.collect()
    }

    pub(in crate::room) fn watch(&mut self, id: ParticipantId, progress: Progress) {
        self.watchers.insert(id, progress);
    }

    pub(in crate::room) fn unwatch(&mut self, id: ParticipantId) {
        self.watchers.remove(&id);
        if self.watchers.is_empty() {
            self.clear();
        }
    }

    /// Queues an update of a participant.
    pub(in crate::room) fn mark_changed(&mut self, id: ParticipantId) {
        if !self.watchers.is_empty() {
            self.changed.insert(id, None);
        }
    }

    /// Removes a participant. `last` is its final entry, computed only if there are watchers.
    pub(in crate::room) fn remove(&mut self, id: ParticipantId, last: impl FnOnce() -> FeedEntry) {
        self.unwatch(id);
        if !self.watchers.is_empty() {
            self.changed.insert(id, Some(last()));
        }
    }

    pub(in crate::room) fn pop_changed(&mut self) -> Option<(ParticipantId, Option<FeedEntry>)> {
        self.changed.pop_first()
    }

    /// Returns a change that did not fit into a push.
    pub(in crate::room) fn requeue(&mut self, id: ParticipantId, last: Option<FeedEntry>) {
        self.changed.insert(id, last);
    }

    pub(in crate::room) fn clear(&mut self) {
        *self = Self { sent: self.sent, ..Self::default() };
    }
}
