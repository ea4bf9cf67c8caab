//! The session feed: state, link, role and mutes of every session in the room, for moderators who watch.
//!
//! A snapshot first, then what changed, each push at most [`BATCH_INTERVAL`] after the one before and never longer than
//! a message may be: a long snapshot goes on with the next push. An entry takes the place of the former one of the same
//! participant, so one that comes twice does no harm.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use stagedoor_proto::{
    Error, FeedEntry, ParticipantId, Push, Reply, Scope, SessionFeed, SessionId, Timestamp,
    Watching,
};

use crate::room::effect::{Audience, Effects};
use crate::room::log::origin::Origin;
use crate::room::settings::BATCH_INTERVAL;
use crate::room::state::Room;
use crate::room::state::participants::{Membership, wire_bytes};

/// Who watches, and what they are to be told.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(in crate::room) struct Feed {
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    watchers: BTreeMap<ParticipantId, Progress>,
    /// Who changed since the last push; with the last entry where it is gone.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    changed: BTreeMap<ParticipantId, Option<FeedEntry>>,
    sent: Timestamp,
    due: Option<Timestamp>,
}

/// How much of the snapshot a watcher has.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Progress {
    /// Up to this participant.
    UpTo(ParticipantId),
    /// All of it.
    Whole,
}

impl Feed {
    pub(in crate::room) const fn next_due(&self) -> Option<Timestamp> {
        self.due
    }

    pub(in crate::room) fn watchers(&self) -> impl Iterator<Item = ParticipantId> {
        self.watchers.keys().copied()
    }

    pub(in crate::room) fn is_watching(&self, id: ParticipantId) -> bool {
        self.watchers.contains_key(&id)
    }

    /// Notes that something of a participant changed.
    pub(in crate::room) fn mark(&mut self, id: ParticipantId) {
        if !self.watchers.is_empty() {
            self.changed.insert(id, None);
        }
    }

    pub(in crate::room) fn remove_participant(&mut self, person: &Membership, mute_locked: bool) {
        self.unwatch(person.id);
        if !self.watchers.is_empty() {
            let gone = FeedEntry { state: None, ..entry(person, mute_locked) };
            self.changed.insert(person.id, Some(gone));
        }
    }

    pub(in crate::room) fn unwatch(&mut self, id: ParticipantId) {
        self.watchers.remove(&id);
        if self.watchers.is_empty() {
            self.clear();
        }
    }

    pub(in crate::room) fn clear(&mut self) {
        *self = Self { sent: self.sent, ..Self::default() };
    }
}

impl Room {
    pub(in crate::room) fn watch(
        &mut self,
        origin: Origin,
        on: bool,
        out: &mut Effects,
    ) -> Result<Reply, Error> {
        let person = self.requester(origin)?;
        person.permit(Scope::Moderate)?;
        let (id, session) = (person.id, person.session);
        if on {
            let progress = self.send_snapshot(id, session, None, out);
            self.feed.watchers.insert(id, progress);
        } else {
            self.feed.unwatch(id);
        }
        Ok(Reply::Watching(Watching { on }))
    }

    /// Sends what is due.
    pub(in crate::room) fn send_feed(&mut self, out: &mut Effects) {
        let behind = |progress: &Progress| *progress != Progress::Whole;
        let is_idle = self.feed.changed.is_empty() && !self.feed.watchers.values().any(behind);
        if is_idle {
            self.feed.due = None;
            return;
        }
        let due = self.feed.sent + BATCH_INTERVAL;
        if self.now < due {
            self.feed.due = Some(due);
            return;
        }
        self.feed.sent = self.now;
        for (id, progress) in self.feed.watchers.clone() {
            if let Progress::UpTo(last) = progress
                && let Some(session) = self.people.find(id).map(|person| person.session)
            {
                let progress = self.send_snapshot(id, session, Some(last), out);
                self.feed.watchers.insert(id, progress);
            }
        }
        self.send_changes(out);
        let is_idle = self.feed.changed.is_empty() && !self.feed.watchers.values().any(behind);
        self.feed.due = (!is_idle).then_some(self.now + BATCH_INTERVAL);
    }

    fn send_changes(&mut self, out: &mut Effects) {
        let (mut changes, mut bytes) = (Vec::new(), 0);
        while let Some((id, gone)) = self.feed.changed.pop_first() {
            let person = self.people.find(id);
            let here = person.map(|person| entry(person, self.held.is_locked(&person.username)));
            let Some(change) = here.or_else(|| gone.clone()) else { continue };
            bytes += wire_bytes(&change) + 1;
            if bytes > self.settings.page_bytes() {
                self.feed.changed.insert(id, gone);
                break;
            }
            changes.push(change);
        }
        if !changes.is_empty() {
            let (room, version) = (self.id.clone(), self.version);
            let feed = SessionFeed { room, version, snapshot: false, changes };
            out.tell(Audience::Watchers, Push::SessionFeed(feed));
        }
    }

    /// Sends the part of the snapshot after `after`; how far it came.
    fn send_snapshot(
        &self,
        id: ParticipantId,
        session: SessionId,
        after: Option<ParticipantId>,
        out: &mut Effects,
    ) -> Progress {
        let (mut changes, mut bytes, mut progress) = (Vec::new(), 0, Progress::Whole);
        let mut last = after.unwrap_or(id);
        for person in self.people.after(after).filter_map(|id| self.people.find(id)) {
            let change = entry(person, self.held.is_locked(&person.username));
            bytes += wire_bytes(&change) + 1;
            if bytes > self.settings.page_bytes() {
                progress = Progress::UpTo(last);
                break;
            }
            last = person.id;
            changes.push(change);
        }
        let (room, version) = (self.id.clone(), self.version);
        let feed = SessionFeed { room, version, snapshot: after.is_none(), changes };
        out.tell(Audience::One(session), Push::SessionFeed(feed));
        progress
    }
}

fn entry(person: &Membership, mute_locked: bool) -> FeedEntry {
    FeedEntry {
        participant: person.id,
        username: person.username.clone(),
        state: Some(person.state),
        link: person.link,
        role: person.role,
        mute_locked,
    }
}
