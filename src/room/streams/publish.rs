//! Publishing, updating and unpublishing streams.
//!
//! Others get pushes. The owner gets a reply, and a push only if another actor made the change.

use stagedoor_proto::{
    Error, ErrorCode, NewStream, Outcome, Published as PublishedReply, Push, Ref, Reply, Role,
    Scope, Stream, StreamChange, StreamEndReason, StreamId, UpdateStream, Updated,
};

use crate::idempotency::Fingerprint;
use crate::room::effect::{Audience, Effects};
use crate::room::errors;
use crate::room::events::RoomEvent;
use crate::room::log::origin::Origin;
use crate::room::state::RoomState;
use crate::room::state::refs::RefOwner;
use crate::room::state::streams::PublishedStream;
use crate::room::streams::acks::{answer, is_mute_locked, starts_muted};
use crate::room::streams::end::end_stream;
use crate::room::visibility::audience::{push_joined, push_of_stream};

pub(in crate::room) fn publish(
    state: &mut RoomState,
    origin: Origin,
    id: StreamId,
    new: NewStream,
    out: &mut Effects,
) -> Result<Reply, Error> {
    let member = state.requester(origin)?;
    member.permit(Scope::Publish)?;
    if member.streams.len() >= state.settings.streams_per_participant as usize {
        let message = "stream limit reached for this participant";
        return Err(Error::new(ErrorCode::TooManyStreams, message));
    }
    if state.is_at_stream_limit() {
        let message = "stream limit reached for this room";
        return Err(Error::new(ErrorCode::TooManyStreams, message));
    }
    if state.streams.contains(id) {
        return Err(errors::id_taken("stream"));
    }
    let (owner, session, is_first) = (member.id, member.session, member.streams.is_empty());
    let is_listed = member.role == Role::Moderator || !is_first || !state.size.is_large;
    let starts_muted = starts_muted(state, member.principal());
    let layout_classes = if new.layout_classes.is_empty() {
        member.layout_classes.clone()
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
    state.streams.insert(PublishedStream::new(wire.clone()));
    state.participants.add_stream(owner, id);
    if starts_muted {
        state.feed.mark_changed(owner);
    }
    if !is_listed {
        push_joined(state, owner, Audience::Viewers { except: None }, out);
    }
    out.emit(|| {
        let owner = state.participants.find(owner).expect("a stream has an owner");
        RoomEvent::Published { stream: wire.clone(), username: owner.username.clone() }
    });
    let change =
        StreamChange { room: state.id.clone(), version: state.version, stream: wire.clone() };
    out.push(Audience::Viewers { except: Some(session) }, Push::StreamPublished(change));
    Ok(Reply::Published(PublishedReply { stream: wire }))
}

pub(in crate::room) fn update_stream(
    state: &mut RoomState,
    origin: Origin,
    update: UpdateStream,
    out: &mut Effects,
) -> Result<Reply, Error> {
    let stream = state.streams.find(update.stream).ok_or_else(errors::stream_not_found)?;
    let owner = state.participants.find(stream.wire.participant).expect("a stream has an owner");
    let is_by_owner = match origin {
        Origin::Session { .. } => {
            if state.requester(origin)?.id != owner.id {
                return Err(errors::not_owner());
            }
            true
        }
        Origin::Call(_) => {
            let owners_own = (update.has_audio.is_some(), update.has_video.is_some(), &update.name);
            if owners_own != (false, false, &None) {
                return Err(errors::not_owner());
            }
            false
        }
    };
    if update.has_audio == Some(true) && is_mute_locked(state, update.stream) {
        let message = "audio is locked off; only a moderator can lift the lock";
        return Err(Error::new(ErrorCode::MutedByModerator, message).at("has_audio"));
    }
    let is_answer = update.has_audio.is_some();
    let (before, after) = change(state, update);
    if before.muted != after.muted {
        state.feed.mark_changed(after.participant);
    }
    if is_answer {
        answer(state, after.id);
    }
    if before != after {
        let (room, version) = (state.id.clone(), state.version);
        let change = StreamChange { room, version, stream: after.clone() };
        push_of_stream(state, after.participant, is_by_owner, Push::StreamUpdated(change), out);
    }
    Ok(Reply::Updated(Updated { stream: after }))
}

/// Applies the update. Returns the stream before and after.
fn change(state: &mut RoomState, update: UpdateStream) -> (Stream, Stream) {
    let stream = state.streams.find_mut(update.stream).expect("the caller found it");
    let before = stream.wire.clone();
    let wire = &mut stream.wire;
    if let Some(has_audio) = update.has_audio {
        wire.has_audio = has_audio;
        // An owner who may turn audio on again thereby lifts the mute.
        wire.muted &= !has_audio;
    }
    wire.has_video = update.has_video.unwrap_or(wire.has_video);
    if update.name.is_some() {
        wire.name = update.name;
    }
    if let Some(layout_classes) = update.layout_classes {
        wire.layout_classes = layout_classes;
    }
    stream.measure();
    (before, stream.wire.clone())
}

pub(in crate::room) fn unpublish(
    state: &mut RoomState,
    origin: Origin,
    id: StreamId,
    ref_: Option<&Ref>,
    out: &mut Effects,
) -> Result<Reply, Error> {
    let key = ref_.map(|ref_| (ref_, Fingerprint::of(&("unpublish", id))));
    if let Some(first) = state.lookup_reply(origin, key)? {
        return Ok(first);
    }
    let member = state.requester(origin)?;
    let owner = RefOwner::of(member.principal(), member.session);
    let stream = state.streams.find(id).ok_or_else(errors::stream_not_found)?;
    if stream.wire.participant != member.id {
        return Err(errors::not_owner());
    }
    end_stream(state, id, StreamEndReason::Unpublished, Outcome::Enforced, out);
    let reply = Reply::Unpublished {};
    state.insert_reply(Some(owner), key, &reply);
    Ok(reply)
}
