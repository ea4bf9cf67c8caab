use stagedoor_proto::{Outcome, Push, Stream, StreamEndReason, StreamId, StreamUnpublished};

use crate::room::effect::Effects;
use crate::room::events::RoomEvent;
use crate::room::state::RoomState;
use crate::room::streams::acks::{resolve_mutes, resolve_unmute_requests};
use crate::room::visibility::audience::push_of_stream;

/// Ends a stream; its unacknowledged mutes get `outcome`. Requests to unmute it were not granted.
pub(in crate::room) fn end_stream(
    state: &mut RoomState,
    id: StreamId,
    reason: StreamEndReason,
    outcome: Outcome,
    out: &mut Effects,
) {
    resolve_mutes(state, id, outcome);
    resolve_unmute_requests(state, id, Outcome::Declined);
    let Some(stream) = state.streams.remove(id) else { return };
    let owner = stream.wire.participant;
    emit_unpublished(state, &stream.wire, reason, out);
    state.participants.remove_stream(owner, id);
    if stream.wire.muted {
        state.feed.mark_changed(owner);
    }
    for subscriber in stream.subscribers {
        if let Some(member) = state.participants.find_mut(subscriber) {
            member.subscriptions.remove(&id);
        }
    }
    let (room, version) = (state.id.clone(), state.version);
    let push = Push::StreamUnpublished(StreamUnpublished { room, version, stream: id, reason });
    // The owner gets no push about its own command, but one about a moderator's.
    let is_forced = reason == StreamEndReason::ForceUnpublished;
    push_of_stream(state, owner, !is_forced, push, out);
}

pub(in crate::room) fn emit_unpublished(
    state: &RoomState,
    stream: &Stream,
    reason: StreamEndReason,
    out: &mut Effects,
) {
    let Some(owner) = state.participants.find(stream.participant) else { return };
    out.emit(|| RoomEvent::Unpublished {
        stream: stream.id,
        participant: owner.id,
        username: owner.username.clone(),
        reason,
    });
}
