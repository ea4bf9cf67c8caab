//! A room as one of its participants knows it: a snapshot, kept up to date by what the gateway pushes. Pure.
//!
//! A snapshot holds up to its version; a change of that version or an older one says nothing new and is passed over.
//! One log entry may bring several changes of one version, so it is the snapshot's version that counts, not that of the
//! change before. Only a [`stagedoor_proto::RoomReset`] makes up for a gap: it takes the place of all that was known.
//!
//! In a large room only moderators and the owners of known streams are listed, and a participant that stops being
//! either is dropped from the list. Not here: who is subscribed to what, signals, and receipts, which are events and no
//! state.

#![deny(clippy::wildcard_enum_match_arm)]

use std::collections::{BTreeMap, BTreeSet};

use stagedoor_proto::{
    Capabilities, Counts, Joined, MuteForced, Participant, ParticipantId, Push, Role, RoleChanged,
    RoomId, RoomMute, RoomSnapshot, Stream, StreamId,
};

/// What became of one's membership of a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Standing {
    /// It goes on.
    Inside,
    /// One left.
    Left,
    /// A moderator removed one.
    Removed,
    /// The room was ended.
    Ended,
    /// The session ended, or could not return to the room: what happens there is not known.
    Lost,
}

/// A room at one version, as one participant may see it.
#[derive(Clone, Debug, PartialEq)]
pub struct RoomView {
    /// What became of one's own membership; unless it goes on, the rest is as it was last known.
    pub standing: Standing,
    /// One's own membership, listed in the room or not.
    pub own: Participant,
    /// What one may do.
    pub capabilities: Capabilities,
    /// The newest version heard of.
    pub version: u64,
    /// Who is listed.
    pub participants: BTreeMap<ParticipantId, Participant>,
    /// The streams one may know of, one's own among them.
    pub streams: BTreeMap<StreamId, Stream>,
    /// How many there are; of a large or cut room, as last announced.
    pub counts: Counts,
    /// The room's standing mute.
    pub mute: RoomMute,
    /// Whether new participants are rejected.
    pub locked: bool,
    /// Whether only moderators and the owners of streams are listed.
    pub is_large: bool,
    /// Where `roster` goes on, when the list of the snapshot was cut.
    pub next: Option<String>,
    /// The version of the snapshot all this rests on.
    snapshot: u64,
}

impl RoomView {
    /// The room as the reply to a `join` has it.
    #[must_use]
    pub fn new(joined: Joined) -> Self {
        let mut view = Self {
            standing: Standing::Inside,
            own: joined.participant,
            capabilities: joined.capabilities,
            version: 0,
            participants: BTreeMap::new(),
            streams: BTreeMap::new(),
            counts: Counts::default(),
            mute: RoomMute::default(),
            locked: false,
            is_large: false,
            next: None,
            snapshot: 0,
        };
        view.reset(joined.room);
        view
    }

    /// Takes in what was pushed about this room.
    pub fn apply(&mut self, push: &Push) {
        let version = version_of(push);
        if version.is_some_and(|version| version <= self.snapshot) {
            return;
        }
        self.version = self.version.max(version.unwrap_or(0));
        match push {
            Push::ParticipantJoined(push) => {
                self.participants.insert(push.participant.id, push.participant.clone());
            }
            Push::ParticipantLeft(push) => {
                self.participants.remove(&push.participant);
                self.streams.retain(|_, stream| stream.participant != push.participant);
            }
            Push::ParticipantLink(push) => {
                if let Some(participant) = self.participants.get_mut(&push.participant) {
                    participant.link = push.link;
                }
            }
            Push::RoleChanged(push) => self.change_role(push),
            Push::Counts(push) => self.counts = push.counts,
            Push::StreamPublished(push) | Push::StreamUpdated(push) => self.put(&push.stream),
            Push::StreamUnpublished(push) => self.remove_stream(push.stream),
            Push::MuteForced(push) => self.mute(push),
            Push::RoomState(push) => (self.mute, self.locked) = (push.mute, push.locked),
            Push::RoomReset(push) => self.reset(push.snapshot.clone()),
            Push::Removed(_) => self.standing = Standing::Removed,
            Push::RoomEnded(_) => self.standing = Standing::Ended,
            Push::SessionState(_)
            | Push::TokenExpiring(_)
            | Push::StreamSubscribed(_)
            | Push::StreamUnsubscribed(_)
            | Push::Relay(_)
            | Push::Signal(_)
            | Push::UnmuteRequested(_)
            | Push::Moderation(_)
            | Push::SessionFeed(_)
            | Push::Degraded(_) => {}
        }
        self.recount();
    }

    /// Takes in a stream as it is now; its owner hears of its own by replies alone.
    pub(crate) fn put(&mut self, stream: &Stream) {
        self.streams.insert(stream.id, stream.clone());
        self.recount();
    }

    pub(crate) fn remove_stream(&mut self, id: StreamId) {
        if let Some(stream) = self.streams.remove(&id) {
            self.unlist(stream.participant);
        }
        self.recount();
    }

    fn reset(&mut self, snapshot: RoomSnapshot) {
        let by_id = |participant: Participant| (participant.id, participant);
        self.participants = snapshot.participants.into_iter().map(by_id).collect();
        self.streams = snapshot.streams.into_iter().map(|stream| (stream.id, stream)).collect();
        if let Some(own) = self.participants.get(&self.own.id) {
            self.own = own.clone();
        }
        (self.version, self.snapshot) = (snapshot.version, snapshot.version);
        (self.mute, self.locked) = (snapshot.mute, snapshot.locked);
        (self.is_large, self.next, self.counts) =
            (snapshot.is_large, snapshot.next, snapshot.counts);
    }

    fn change_role(&mut self, change: &RoleChanged) {
        if change.participant == self.own.id {
            self.own.role = change.role;
            self.capabilities = change.capabilities.unwrap_or(self.capabilities);
        }
        if let Some(participant) = self.participants.get_mut(&change.participant) {
            participant.role = change.role;
            self.unlist(change.participant);
        }
    }

    /// A mute turns audio off; lifting one turns nothing on.
    fn mute(&mut self, mute: &MuteForced) {
        let is_meant = |stream: &Stream| match (mute.stream, mute.participant) {
            (Some(id), _) => stream.id == id,
            (None, Some(owner)) => stream.participant == owner,
            // The end of the room's own mute lifts no other.
            (None, None) => mute.active && !mute.except.contains(&stream.id),
        };
        for stream in self.streams.values_mut().filter(|stream| is_meant(stream)) {
            stream.muted = mute.active;
            stream.has_audio &= !mute.active;
        }
        match (mute.stream, mute.participant) {
            (Some(_), _) => {}
            (None, Some(id)) => {
                let listed = self.participants.get_mut(&id);
                let own = Some(&mut self.own).filter(|own| own.id == id);
                for participant in listed.into_iter().chain(own) {
                    participant.mute_locked = mute.lock;
                }
            }
            (None, None) => self.mute = RoomMute { active: mute.active, lock: mute.lock },
        }
    }

    /// Drops a participant of a large room that is no longer listed.
    fn unlist(&mut self, id: ParticipantId) {
        let is_moderator =
            self.participants.get(&id).is_some_and(|one| one.role == Role::Moderator);
        let publishes = || self.streams.values().any(|stream| stream.participant == id);
        if self.is_large && !is_moderator && !publishes() {
            self.participants.remove(&id);
        }
    }

    /// Where everybody is listed and every stream known, the numbers follow from that.
    fn recount(&mut self) {
        if self.is_large || self.next.is_some() {
            return;
        }
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        self.counts.participants = count(self.participants.len());
        if self.capabilities.subscribe {
            let owners: BTreeSet<_> =
                self.streams.values().map(|stream| stream.participant).collect();
            self.counts.publishers = count(owners.len());
            self.counts.streams = count(self.streams.len());
        }
    }
}

/// The room a push is about, where it is about one.
pub(crate) const fn room_of(push: &Push) -> Option<&RoomId> {
    match push {
        Push::SessionState(_) | Push::Degraded(_) => None,
        Push::TokenExpiring(push) => push.room.as_ref(),
        Push::ParticipantJoined(push) => Some(&push.room),
        Push::ParticipantLeft(push) => Some(&push.room),
        Push::ParticipantLink(push) => Some(&push.room),
        Push::RoleChanged(push) => Some(&push.room),
        Push::Counts(push) => Some(&push.room),
        Push::StreamPublished(push) | Push::StreamUpdated(push) => Some(&push.room),
        Push::StreamUnpublished(push) => Some(&push.room),
        Push::StreamSubscribed(push) | Push::StreamUnsubscribed(push) => Some(&push.room),
        Push::Relay(push) => Some(&push.room),
        Push::Signal(push) => Some(&push.room),
        Push::MuteForced(push) => Some(&push.room),
        Push::Removed(push) => Some(&push.room),
        Push::UnmuteRequested(push) => Some(&push.room),
        Push::RoomState(push) => Some(&push.room),
        Push::RoomReset(push) => Some(&push.room),
        Push::RoomEnded(push) => Some(&push.room),
        Push::Moderation(push) => Some(&push.room),
        Push::SessionFeed(push) => Some(&push.room),
    }
}

/// The version of a change; a new snapshot is none, and holds at any version.
const fn version_of(push: &Push) -> Option<u64> {
    match push {
        Push::ParticipantJoined(push) => Some(push.version),
        Push::ParticipantLeft(push) => Some(push.version),
        Push::ParticipantLink(push) => Some(push.version),
        Push::RoleChanged(push) => Some(push.version),
        Push::Counts(push) => Some(push.version),
        Push::StreamPublished(push) | Push::StreamUpdated(push) => Some(push.version),
        Push::StreamUnpublished(push) => Some(push.version),
        Push::MuteForced(push) => Some(push.version),
        Push::RoomState(push) => Some(push.version),
        Push::SessionState(_)
        | Push::TokenExpiring(_)
        | Push::StreamSubscribed(_)
        | Push::StreamUnsubscribed(_)
        | Push::Relay(_)
        | Push::Signal(_)
        | Push::Removed(_)
        | Push::UnmuteRequested(_)
        | Push::RoomReset(_)
        | Push::RoomEnded(_)
        | Push::Moderation(_)
        | Push::SessionFeed(_)
        | Push::Degraded(_) => None,
    }
}

#[cfg(test)]
mod tests;
