//! The view of a room: a snapshot, updated by the pushes of the gateway. Pure.
//!
//! A snapshot includes all changes up to its version; pushes of that version or an older one are ignored. One entry of
//! the room's log may cause several pushes of one version, so the version of the snapshot decides, not that of the
//! previous push. Only a [`stagedoor_proto::RoomReset`] closes a gap: it replaces the whole view.
//!
//! A large room lists only moderators and the owners of known streams; a participant that is neither any more is
//! removed from the list. Not here: subscriptions, signals and receipts, which are events and not state.

#![deny(clippy::wildcard_enum_match_arm)]

use std::collections::{BTreeMap, BTreeSet};

use stagedoor_proto::{
    Capabilities, Counts, Joined, MuteForced, Participant, ParticipantId, Push, Role, RoleChanged,
    RoomId, RoomMute, RoomSnapshot, Stream, StreamId, Timestamp,
};

/// The state of the membership in a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MembershipState {
    /// The session is in the room.
    Inside,
    /// The session left.
    Left,
    /// A moderator removed the session.
    Removed,
    /// The room ended.
    Ended,
    /// The session ended or could not return to the room; the view is outdated.
    Lost,
}

/// A room at one version, as visible to one participant.
#[derive(Clone, Debug, PartialEq)]
pub struct RoomView {
    /// The state of the membership. After its end the rest is the last known state.
    pub membership: MembershipState,
    /// The participant of this session, listed in the room or not.
    pub own: Participant,
    /// The capabilities of this participant.
    pub capabilities: Capabilities,
    /// The newest received version.
    pub version: u64,
    /// The listed participants.
    pub participants: BTreeMap<ParticipantId, Participant>,
    /// The visible streams, including those of this session.
    pub streams: BTreeMap<StreamId, Stream>,
    /// The numbers of participants and streams; for a large room or a cut list, as last announced.
    pub counts: Counts,
    /// The mute of the room.
    pub mute: RoomMute,
    /// Whether the room rejects new participants.
    pub locked: bool,
    /// Whether the room is large: only moderators and the owners of streams are listed.
    pub is_large: bool,
    /// The `after` cursor of `roster`, if the list of the snapshot was cut.
    pub next: Option<String>,
    /// When the room token expires; set some time before that, until the room is joined again.
    pub token_expires_at: Option<Timestamp>,
    /// The version of the last snapshot.
    snapshot: u64,
}

impl RoomView {
    /// The view from the reply to a `join`.
    #[must_use]
    pub fn new(joined: Joined) -> Self {
        let mut view = Self {
            membership: MembershipState::Inside,
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
            token_expires_at: None,
            snapshot: 0,
        };
        view.reset(joined.room);
        view
    }

    /// Applies a push about this room.
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
            Push::RoomReset(push) => {
                (self.own.id, self.own.role) = (push.participant, push.role);
                self.capabilities = push.capabilities;
                self.reset(push.snapshot.clone());
            }
            Push::TokenExpiring(push) => self.token_expires_at = Some(push.expires_at_ms),
            Push::Removed(_) => self.membership = MembershipState::Removed,
            Push::RoomEnded(_) => self.membership = MembershipState::Ended,
            Push::SessionState(_)
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

    /// Applies the current state of a stream. Its owner receives it only in replies.
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

    /// A mute turns audio off; lifting it does not turn audio on.
    fn mute(&mut self, mute: &MuteForced) {
        let is_meant = |stream: &Stream| match (mute.stream, mute.participant) {
            (Some(id), _) => stream.id == id,
            (None, Some(owner)) => stream.participant == owner,
            // The end of the room's own mute lifts no other.
            (None, None) => mute.active && !mute.except.contains(&stream.participant),
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

    /// Removes a participant of a large room that is no longer listed.
    fn unlist(&mut self, id: ParticipantId) {
        let is_moderator =
            self.participants.get(&id).is_some_and(|one| one.role == Role::Moderator);
        let publishes = || self.streams.values().any(|stream| stream.participant == id);
        if self.is_large && !is_moderator && !publishes() {
            self.participants.remove(&id);
        }
    }

    /// Updates the numbers if all participants are listed and all streams are known.
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

/// The room of a push, if it is about one.
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

/// The version of a change; `None` for a snapshot, which always applies.
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
