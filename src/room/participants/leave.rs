use stagedoor_proto::{
    Error, LeaveReason, Outcome, ParticipantId, ParticipantLeft, Push, Reply, SessionId,
    StreamEndReason,
};

use crate::room::effect::{Audience, Effects, Everywhere};
use crate::room::errors;
use crate::room::events::RoomEvent;
use crate::room::state::RoomState;
use crate::room::state::participants::{Membership, Participants};
use crate::room::state::streams::Streams;
use crate::room::state::timers::Timer;
use crate::room::streams::acks::{resolve_mutes, resolve_unmute_requests};
use crate::room::streams::end::end_stream;
use crate::room::streams::subscriptions::drop_subscriptions;
use crate::room::visibility::audience::audience_about;
use crate::room::visibility::session_feed::last_entry;

pub(in crate::room) fn leave(
    state: &mut RoomState,
    session: SessionId,
    reason: LeaveReason,
    out: &mut Effects,
) -> Result<Reply, Error> {
    let member = state.participants.of_session(session).ok_or_else(errors::not_in_room)?;
    let id = member.id;
    if let Some(member) = remove_participant(state, id, reason, out) {
        let is_removal = matches!(reason, LeaveReason::ForceDisconnected | LeaveReason::Banned);
        state.recent_leavers.add(member.principal(), !is_removal, state.now.monotonic);
    }
    Ok(Reply::Left {})
}

/// Ends a membership with its streams and subscriptions.
pub(in crate::room) fn remove_participant(
    state: &mut RoomState,
    id: ParticipantId,
    reason: LeaveReason,
    out: &mut Effects,
) -> Option<Membership> {
    let about = audience_about(state, id);
    let streams = state.participants.find(id)?.streams.clone();
    for stream in streams {
        end_stream(state, stream, StreamEndReason::from(reason), Outcome::Enforced, out);
    }
    drop_subscriptions(state, id, out);
    let member = state.participants.remove(id)?;
    state.leases.stop(id);
    state.timers.stop(Timer::Link(id));
    state.feed.remove(id, || last_entry(&member, state.records.is_locked(member.principal())));
    if let Some(about) = about {
        let (room, version) = (state.id.clone(), state.version);
        let left = ParticipantLeft { room, version, participant: id, reason };
        out.push(about, Push::ParticipantLeft(left));
    }
    emit_left(&member, reason, out);
    out.add(Everywhere::RemoveMemberships(Audience::One(member.session)));
    Some(member)
}

/// Ends all memberships at once. No participant is left to get pushes about the others.
pub(in crate::room) fn remove_all(state: &mut RoomState) {
    let streams: Vec<_> = state.streams.iter().map(|stream| stream.wire.id).collect();
    for stream in streams {
        resolve_mutes(state, stream, Outcome::Enforced);
        resolve_unmute_requests(state, stream, Outcome::Declined);
    }
    for member in state.participants.iter() {
        state.leases.stop(member.id);
        state.timers.stop(Timer::Link(member.id));
    }
    state.participants = Participants::default();
    state.streams = Streams::default();
    state.feed.clear();
    state.recent_leavers.clear();
}

pub(in crate::room) fn emit_left(member: &Membership, reason: LeaveReason, out: &mut Effects) {
    out.emit(|| RoomEvent::Left {
        participant: member.id,
        username: member.username.clone(),
        session: member.session,
        reason,
    });
}
