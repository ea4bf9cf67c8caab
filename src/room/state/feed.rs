//! Who watches the session feed, and what they are still to be sent.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use stagedoor_proto::{FeedEntry, ParticipantId, Timestamp};

/// The watchers of a room's sessions.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(in crate::room) struct FeedState {
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    watchers: BTreeMap<ParticipantId, Progress>,
    /// Who changed since the last push; with the last entry of one who left.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    changed: BTreeMap<ParticipantId, Option<FeedEntry>>,
    /// When the last push was sent.
    pub(in crate::room) sent: Timestamp,
}

/// How much of the snapshot a watcher has.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::room) enum Progress {
    /// Up to this participant.
    UpTo(ParticipantId),
    /// All of it.
    Whole,
}

impl FeedState {
    pub(in crate::room) fn watchers(&self) -> impl Iterator<Item = ParticipantId> {
        self.watchers.keys().copied()
    }

    pub(in crate::room) fn is_watching(&self, id: ParticipantId) -> bool {
        self.watchers.contains_key(&id)
    }

    /// Whether there is nothing to send.
    pub(in crate::room) fn is_idle(&self) -> bool {
        self.changed.is_empty() && self.watchers.values().all(|had| *had == Progress::Whole)
    }

    /// The watchers whose snapshot is not complete, each with the last participant it was sent.
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

    /// Notes that something of a participant changed.
    pub(in crate::room) fn mark(&mut self, id: ParticipantId) {
        if !self.watchers.is_empty() {
            self.changed.insert(id, None);
        }
    }

    /// Removes a participant, of whom `last` is sent; made only where somebody watches.
    pub(in crate::room) fn remove(&mut self, id: ParticipantId, last: impl FnOnce() -> FeedEntry) {
        self.unwatch(id);
        if !self.watchers.is_empty() {
            self.changed.insert(id, Some(last()));
        }
    }

    pub(in crate::room) fn pop_changed(&mut self) -> Option<(ParticipantId, Option<FeedEntry>)> {
        self.changed.pop_first()
    }

    /// Puts back a change that did not fit into a push.
    pub(in crate::room) fn put_back(&mut self, id: ParticipantId, last: Option<FeedEntry>) {
        self.changed.insert(id, last);
    }

    pub(in crate::room) fn clear(&mut self) {
        *self = Self { sent: self.sent, ..Self::default() };
    }
}
