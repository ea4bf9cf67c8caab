//! A client that knows a room only from pushes: snapshots, and deltas of higher versions.

use std::collections::BTreeMap;

use stagedoor_proto::{
    FeedEntry, Joined, Link, MuteForced, Participant, ParticipantId, Push, Reply, Role, RoomMute,
    RoomSnapshot, SessionFeed, Stream, StreamId,
};

/// A session's view of the room.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Client {
    me: ParticipantId,
    version: u64,
    pub(super) is_large: bool,
    pub(super) participants: BTreeMap<ParticipantId, Participant>,
    pub(super) streams: BTreeMap<StreamId, Stream>,
    pub(super) mute: RoomMute,
    pub(super) locked: bool,
    /// What the session feed said, if it is on.
    pub(super) feed: BTreeMap<ParticipantId, FeedEntry>,
}

impl Client {
    pub(super) fn joined(joined: &Joined) -> Self {
        Self::of(joined.participant.id, &joined.room)
    }

    pub(super) fn of(me: ParticipantId, snapshot: &RoomSnapshot) -> Self {
        let is_suspended = |member: &Participant| member.id == me && member.link == Link::Suspended;
        assert!(
            !snapshot.participants.iter().any(is_suspended),
            "no participant sees itself suspended"
        );
        let others = snapshot.participants.iter().filter(|member| member.id != me);
        Self {
            me,
            version: snapshot.version,
            is_large: snapshot.is_large,
            participants: others.map(|member| (member.id, member.clone())).collect(),
            streams: snapshot.streams.iter().map(|stream| (stream.id, stream.clone())).collect(),
            mute: snapshot.mute,
            locked: snapshot.locked,
            feed: BTreeMap::new(),
        }
    }

    /// The view without its version and feed, for comparison.
    pub(super) fn view(&self) -> Self {
        Self { version: 0, feed: BTreeMap::new(), ..self.clone() }
    }

    fn feed(&mut self, push: &SessionFeed) {
        if push.snapshot {
            self.feed.clear();
        }
        for change in &push.changes {
            match change.state {
                Some(_) => self.feed.insert(change.participant, change.clone()),
                None => self.feed.remove(&change.participant),
            };
        }
    }

    pub(super) fn answered(&mut self, reply: &Reply) {
        let stream = match reply {
            Reply::Published(body) => &body.stream,
            Reply::Updated(body) => &body.stream,
            _ => return,
        };
        self.streams.insert(stream.id, stream.clone());
    }

    pub(super) fn unpublished(&mut self, stream: StreamId) {
        self.streams.remove(&stream);
    }

    pub(super) fn apply(&mut self, push: &Push) {
        match push {
            Push::RoomReset(reset) => {
                assert_eq!(reset.participant, self.me);
                let feed = std::mem::take(&mut self.feed);
                *self = Self { feed, ..Self::of(self.me, &reset.snapshot) };
            }
            Push::SessionFeed(push) => self.feed(push),
            Push::ParticipantJoined(body) if body.version > self.version => {
                assert_ne!(
                    body.participant.id, self.me,
                    "no participant gets a push about its own join"
                );
                let known = self.participants.insert(body.participant.id, body.participant.clone());
                assert_eq!(known, None, "a participant is announced once");
            }
            Push::ParticipantLeft(body) if body.version > self.version => {
                self.participants.remove(&body.participant);
            }
            Push::ParticipantLink(body) if body.version > self.version => {
                let member = self.participants.get_mut(&body.participant);
                member.expect("link pushes are about listed participants").link = body.link;
            }
            Push::RoleChanged(body) if body.version > self.version => {
                if let Some(member) = self.participants.get_mut(&body.participant) {
                    member.role = body.role;
                }
                self.unlist(body.participant);
            }
            Push::StreamPublished(body) if body.version > self.version => {
                assert!(!self.streams.contains_key(&body.stream.id), "a stream is published once");
                self.streams.insert(body.stream.id, body.stream.clone());
            }
            Push::StreamUpdated(body) if body.version > self.version => {
                let known = self.streams.insert(body.stream.id, body.stream.clone());
                assert!(known.is_some(), "updates are about known streams");
            }
            Push::StreamUnpublished(body) if body.version > self.version => {
                if let Some(stream) = self.streams.remove(&body.stream) {
                    self.unlist(stream.participant);
                }
            }
            Push::MuteForced(body) if body.version > self.version => self.muted(body),
            Push::RoomState(body) if body.version > self.version => {
                self.mute = body.mute;
                self.locked = body.locked;
            }
            _ => {}
        }
    }

    /// In a large room only moderators and publishers are listed.
    fn unlist(&mut self, id: ParticipantId) {
        let publishes = self.streams.values().any(|stream| stream.participant == id);
        let moderates =
            self.participants.get(&id).is_some_and(|member| member.role == Role::Moderator);
        if self.is_large && !publishes && !moderates {
            self.participants.remove(&id);
        }
    }

    fn muted(&mut self, body: &MuteForced) {
        let is_selected = |stream: &Stream| match (body.stream, body.participant) {
            (Some(id), _) => stream.id == id,
            (None, Some(id)) => stream.participant == id,
            (None, None) => body.active && !body.except.contains(&stream.participant),
        };
        for stream in self.streams.values_mut().filter(|stream| is_selected(stream)) {
            stream.muted = body.active;
            stream.has_audio &= !body.active;
        }
        match (body.stream, body.participant) {
            (Some(_), _) => {}
            (None, Some(id)) => {
                if let Some(member) = self.participants.get_mut(&id) {
                    member.mute_locked = body.lock;
                }
            }
            (None, None) => self.mute = RoomMute { active: body.active, lock: body.lock },
        }
    }
}
