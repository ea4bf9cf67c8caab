//! Expiry: memberships end with their tokens, streams end if their owners ignore a mute, and requests to unmute end.

use stagedoor_proto::{
    LeaveReason, Outcome, Push, SessionId, StreamEndReason, Timestamp, TokenExpiring,
};

use crate::room::effect::{Audience, Effects};
use crate::room::participants::authorize::end_membership;
use crate::room::settings::STEP_GRACE;
use crate::room::state::RoomState;
use crate::room::state::participants::Lease;
use crate::room::state::timers::Timer;
use crate::room::streams::acks::expire_unmute_request;
use crate::room::streams::end::end_stream;

pub(in crate::room) fn expire(state: &mut RoomState, out: &mut Effects) {
    while let Some(id) = state.leases.pop_due(state.now.wall, Some) {
        let member = state.participants.find_mut(id).expect("a lease timer has a participant");
        let session = member.session;
        let lease = member.lease.as_mut().expect("a participant with a lease timer has a lease");
        let expires = lease.expires;
        if lease.warn.take().is_some() && expires > state.now.wall {
            state.leases.set(id, expires);
            warn(state, session, expires, out);
        } else {
            end_membership(state, id, session, LeaveReason::TokenExpired, out);
        }
    }
    while let Some(stream) = state.timers.pop_due(state.now.monotonic, Timer::as_acknowledgement) {
        end_stream(state, stream, StreamEndReason::ForceUnpublished, Outcome::Ignored, out);
    }
    while let Some((version, stream)) =
        state.timers.pop_due(state.now.monotonic, Timer::as_unmute_request)
    {
        expire_unmute_request(state, version, stream);
    }
}

/// The wall clock stepped: a membership that is past its end gets a warning and some time.
pub(in crate::room) fn extend_leases(state: &mut RoomState) {
    let now = state.now.wall;
    let members = state.participants.iter();
    let is_over = |lease: Lease| lease.expires <= now;
    let over = members.filter(|member| member.lease.is_some_and(is_over)).map(|member| member.id);
    for id in over.collect::<Vec<_>>() {
        let member = state.participants.find_mut(id).expect("it was just found");
        member.lease = Some(Lease { expires: now + STEP_GRACE, warn: Some(now) });
        state.leases.set(id, now);
    }
}

fn warn(state: &RoomState, session: SessionId, expires: Timestamp, out: &mut Effects) {
    let push = TokenExpiring { expires_at_ms: expires, room: Some(state.id.clone()) };
    out.push(Audience::One(session), Push::TokenExpiring(push));
}
