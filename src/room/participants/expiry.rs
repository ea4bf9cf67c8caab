//! Expiry: memberships end with their tokens, and streams end if their owners ignore a mute.

use stagedoor_proto::{
    LeaveReason, Outcome, Push, SessionId, StreamEndReason, Timestamp, TokenExpiring,
};

use crate::room::effect::{Audience, Effects};
use crate::room::participants::authorize::end_membership;
use crate::room::state::RoomState;
use crate::room::state::timers::Timer;
use crate::room::streams::end::end_stream;

pub(in crate::room) fn expire(state: &mut RoomState, out: &mut Effects) {
    while let Some(id) = state.timers.pop_due(state.now, Timer::as_lease) {
        let member = state.participants.find_mut(id).expect("a lease timer has a participant");
        let session = member.session;
        let lease = member.lease.as_mut().expect("a participant with a lease timer has a lease");
        let expires = lease.expires;
        if lease.warn.take().is_some() && expires > state.now {
            state.timers.set(Timer::Lease(id), expires);
            warn(state, session, expires, out);
        } else {
            end_membership(state, id, session, LeaveReason::TokenExpired, out);
        }
    }
    while let Some(stream) = state.timers.pop_due(state.now, Timer::as_acknowledgement) {
        end_stream(state, stream, StreamEndReason::ForceUnpublished, Outcome::Ignored, out);
    }
}

fn warn(state: &RoomState, session: SessionId, expires: Timestamp, out: &mut Effects) {
    let push = TokenExpiring { expires_at_ms: expires, room: Some(state.id.clone()) };
    out.push(Audience::One(session), Push::TokenExpiring(push));
}
