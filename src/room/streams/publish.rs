//! Streams: publishing, changing and ending them.
//!
//! Others are told through pushes; the owner by its reply, and by a push where somebody else did it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use stagedoor_proto::{
    Error, ErrorCode, NewStream, Outcome, ParticipantId, Published as PublishedReply, Push, Ref,
    Reply, Role, Scope, SessionId, Stream, StreamChange, StreamEndReason, StreamId,
    StreamUnpublished, Timestamp, UpdateStream, Updated,
};

use crate::idempotency::Fingerprint;
use crate::room::effect::{Audience, Effects};
use crate::room::errors;
use crate::room::events::Happening;
use crate::room::log::origin::Origin;
use crate::room::state::Room;
use crate::room::state::participants::wire_bytes;
use crate::room::state::refs::RefOwner;

/// A stream in the room.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(in crate::room) struct Published {
    /// As it is told.
    pub(in crate::room) wire: Stream,
    /// Who watches it.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(in crate::room) subscribers: BTreeSet<ParticipantId>,
    /// Whether the room's mute leaves it alone.
    pub(in crate::room) is_spared: bool,
    /// The verbs whose mute its owner has not acknowledged, by their versions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(in crate::room) unacknowledged: Vec<u64>,
    /// When it is ended for that, while its owner is connected.
    pub(in crate::room) deadline: Option<Timestamp>,
    /// The most bytes it takes on the wire.
    pub(in crate::room) wire_bytes: usize,
}

/// How much longer a stream may become on the wire without its owner: three flags, and a comma.
const FLAGS_SLACK: usize = 8;

impl Room {
    /// Whether it has as many streams as it may.
    #[must_use]
    pub fn has_all_streams(&self) -> bool {
        self.streams.len() >= self.settings.streams as usize
    }

    pub(in crate::room) fn publish(
        &mut self,
        origin: Origin,
        id: StreamId,
        new: NewStream,
        out: &mut Effects,
    ) -> Result<Reply, Error> {
        let person = self.requester(origin)?;
        person.permit(Scope::Publish)?;
        if person.streams.len() >= self.settings.streams_per_participant as usize {
            let message = "the participant publishes as many streams as it may";
            return Err(Error::new(ErrorCode::TooManyStreams, message));
        }
        if self.has_all_streams() {
            let message = "the room has as many streams as it may";
            return Err(Error::new(ErrorCode::TooManyStreams, message));
        }
        if self.streams.contains_key(&id) {
            return Err(errors::id_taken("stream"));
        }
        let (owner, session, is_first) = (person.id, person.session, person.streams.is_empty());
        let is_listed = person.role == Role::Moderator || !is_first || !self.size.is_large;
        let starts_muted = self.starts_muted(&person.username);
        let layout_classes = if new.layout_classes.is_empty() {
            person.layout_classes.clone()
        } else {
            new.layout_classes
        };
        let wire = Stream {
            id,
            participant: owner,
            kind: new.kind,
            name: new.name,
            has_audio: new.has_audio && !starts_muted,
            has_video: new.has_video,
            muted: starts_muted,
            layout_classes,
        };
        let published = Published {
            wire_bytes: wire_bytes(&wire) + FLAGS_SLACK,
            wire: wire.clone(),
            subscribers: BTreeSet::new(),
            is_spared: false,
            unacknowledged: Vec::new(),
            deadline: None,
        };
        self.streams.insert(id, published);
        self.people.add_stream(owner, id);
        if !is_listed {
            self.push_joined(owner, Audience::Viewers { except: None }, out);
        }
        self.happened(out, || {
            let owner = self.people.find(owner).expect("a stream's owner is here");
            Happening::Published { stream: wire.clone(), username: owner.username.clone() }
        });
        let change =
            StreamChange { room: self.id.clone(), version: self.version, stream: wire.clone() };
        out.tell(Audience::Viewers { except: Some(session) }, Push::StreamPublished(change));
        Ok(Reply::Published(PublishedReply { stream: wire }))
    }

    pub(in crate::room) fn update_stream(
        &mut self,
        origin: Origin,
        update: UpdateStream,
        out: &mut Effects,
    ) -> Result<Reply, Error> {
        let stream = self.streams.get(&update.stream).ok_or_else(errors::stream_not_found)?;
        let owner = self.people.find(stream.wire.participant).expect("a stream's owner is here");
        let owner_session = match origin {
            Origin::Session { .. } => {
                let person = self.requester(origin)?;
                if person.id != owner.id {
                    return Err(errors::not_owner());
                }
                Some(person.session)
            }
            Origin::Call(_) => {
                let owners_own =
                    (update.has_audio.is_some(), update.has_video.is_some(), &update.name);
                if owners_own != (false, false, &None) {
                    return Err(errors::not_owner());
                }
                None
            }
        };
        if update.has_audio == Some(true) && self.is_mute_locked(update.stream) {
            let message = "a moderator's lock keeps the audio off; only a moderator can lift it";
            return Err(Error::new(ErrorCode::MutedByModerator, message).at("has_audio"));
        }
        let is_answer = update.has_audio.is_some();
        let (before, after) = self.change(update);
        if is_answer {
            self.resolve_mutes(after.id, Outcome::Enforced);
        }
        if before != after {
            let (room, version) = (self.id.clone(), self.version);
            let change = StreamChange { room, version, stream: after.clone() };
            self.push_of_stream(after.participant, owner_session, Push::StreamUpdated(change), out);
        }
        Ok(Reply::Updated(Updated { stream: after }))
    }

    /// Makes the change; the stream before and after.
    fn change(&mut self, update: UpdateStream) -> (Stream, Stream) {
        let stream = self.streams.get_mut(&update.stream).expect("the caller found it");
        let before = stream.wire.clone();
        let wire = &mut stream.wire;
        if let Some(has_audio) = update.has_audio {
            wire.has_audio = has_audio;
            // An owner who speaks again, where no lock forbids it, has undone the mute.
            wire.muted &= !has_audio;
        }
        wire.has_video = update.has_video.unwrap_or(wire.has_video);
        if update.name.is_some() {
            wire.name = update.name;
        }
        if let Some(layout_classes) = update.layout_classes {
            wire.layout_classes = layout_classes;
        }
        stream.wire_bytes = wire_bytes(&stream.wire) + FLAGS_SLACK;
        (before, stream.wire.clone())
    }

    pub(in crate::room) fn unpublish(
        &mut self,
        origin: Origin,
        id: StreamId,
        ref_: Option<&Ref>,
        out: &mut Effects,
    ) -> Result<Reply, Error> {
        let key = ref_.map(|ref_| (ref_, Fingerprint::of(&("unpublish", id))));
        if let Some(first) = self.lookup(origin, key)? {
            return Ok(first);
        }
        let person = self.requester(origin)?;
        let owner = RefOwner { username: person.username.clone(), session: person.session };
        let stream = self.streams.get(&id).ok_or_else(errors::stream_not_found)?;
        if stream.wire.participant != person.id {
            return Err(errors::not_owner());
        }
        self.end_stream(id, StreamEndReason::Unpublished, Outcome::Enforced, out);
        let reply = Reply::Unpublished {};
        self.remember(Some(owner), key, &reply);
        Ok(reply)
    }

    /// Ends a stream and tells of it; mutes that waited for its owner come to `outcome`.
    pub(in crate::room) fn end_stream(
        &mut self,
        id: StreamId,
        reason: StreamEndReason,
        outcome: Outcome,
        out: &mut Effects,
    ) {
        self.resolve_mutes(id, outcome);
        let Some(stream) = self.streams.remove(&id) else { return };
        let owner = stream.wire.participant;
        self.happened_unpublished(&stream.wire, reason, out);
        self.people.remove_stream(owner, id);
        for subscriber in stream.subscribers {
            if let Some(person) = self.people.find_mut(subscriber) {
                person.subscriptions.remove(&id);
            }
        }
        let (room, version) = (self.id.clone(), self.version);
        let push = Push::StreamUnpublished(StreamUnpublished { room, version, stream: id, reason });
        // The owner knows what it did itself; it is told what was done to it.
        let is_forced = reason == StreamEndReason::ForceUnpublished;
        let owner_session = self.people.find(owner).map(|person| person.session);
        self.push_of_stream(owner, owner_session.filter(|_| !is_forced), push, out);
    }

    /// Tells those who are told of streams, and the owner though it may not be one of them, but not `except`.
    pub(in crate::room) fn push_of_stream(
        &self,
        owner: ParticipantId,
        except: Option<SessionId>,
        push: Push,
        out: &mut Effects,
    ) {
        let owner = self.people.find(owner).filter(|owner| !owner.capabilities.subscribe);
        if let Some(owner) = owner.filter(|owner| except != Some(owner.session)) {
            out.tell(Audience::One(owner.session), push.clone());
        }
        out.tell(Audience::Viewers { except }, push);
    }
}
