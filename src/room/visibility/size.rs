//! Large rooms: who lists which participants, and crossing the roster limit.
//!
//! Up to the roster limit everyone is listed and announced to everyone. Beyond it, until the room has been large for a
//! minute and shrinks below half of it, only moderators and publishers are listed: moderators to everyone, publishers
//! to those who see streams. The rest appear as counts. A client in a large room therefore lists the moderators and the
//! owners of the streams it knows.
//! Each crossing sends a `room_reset` to everyone.

use stagedoor_proto::{Link, ParticipantId, Push, RoomCounts, SessionId};

use crate::room::effect::{Audience, Effects, Everywhere};
use crate::room::settings::{COUNTS_INTERVAL, MIN_LARGE_TIME};
use crate::room::state::RoomState;
use crate::room::state::size::SizeClass;
use crate::room::state::timers::Timer;
use crate::room::visibility::snapshot::{View, counts, snapshot};

/// Crosses the roster limit if the number of participants requires it, and pushes the counts of a large room.
///
/// Returns whether it crossed. `newcomer` gets its snapshot in the reply to its join.
pub(in crate::room) fn update_size_class(
    state: &mut RoomState,
    newcomer: Option<SessionId>,
    out: &mut Effects,
) -> bool {
    let (now, was_large) = (state.now.monotonic, state.size.is_large);
    let is_large = is_large(state);
    let has_crossed = is_large != was_large;
    if has_crossed {
        let large_since = if is_large { now } else { state.size.large_since };
        state.size = SizeClass { is_large, large_since, sent: counts(state), sent_at: now };
        reset_all(state, newcomer, out);
    }
    let shrinks = is_large && is_below_half(state);
    state.timers.reset(Timer::Shrink, shrinks.then(|| state.size.large_since + MIN_LARGE_TIME));
    push_counts(state, out);
    has_crossed
}

fn is_large(state: &RoomState) -> bool {
    let size = &state.size;
    if !size.is_large {
        return state.participants.len() > state.settings.roster_limit as usize;
    }
    let is_recent = state.now.monotonic < size.large_since + MIN_LARGE_TIME;
    !state.participants.is_empty() && (is_recent || !is_below_half(state))
}

/// Whether a large room has few enough participants to become small.
pub(in crate::room) fn is_below_half(state: &RoomState) -> bool {
    state.participants.len() < (state.settings.roster_limit as usize).div_ceil(2)
}

fn push_counts(state: &mut RoomState, out: &mut Effects) {
    let counts = counts(state);
    if !state.size.is_large || counts == state.size.sent {
        state.timers.stop(Timer::Counts);
        return;
    }
    let due = state.size.sent_at + COUNTS_INTERVAL;
    if state.now.monotonic < due {
        state.timers.set(Timer::Counts, due);
        return;
    }
    state.timers.stop(Timer::Counts);
    (state.size.sent, state.size.sent_at) = (counts, state.now.monotonic);
    let push = RoomCounts { room: state.id.clone(), version: state.version, counts };
    out.push(Audience::All { except: None }, Push::Counts(push));
}

fn reset_all(state: &RoomState, except: Option<SessionId>, out: &mut Effects) {
    let (mut viewers, mut others) = (Vec::new(), Vec::new());
    for member in state.participants.iter().filter(|member| except != Some(member.session)) {
        // A publisher who may not subscribe sees only its own streams. A suspended participant reads the snapshot when
        // it is connected again.
        let has_own_view = member.link == Link::Suspended
            || (!member.capabilities.subscribe && !member.streams.is_empty());
        if has_own_view {
            reset(state, Audience::One(member.session), View::of(member), out);
        } else if member.capabilities.subscribe {
            viewers.push(member.session);
        } else {
            others.push(member.session);
        }
    }
    for (sessions, view) in [(viewers, View::VIEWER), (others, View::NON_SUBSCRIBER)] {
        if !sessions.is_empty() {
            reset(state, Audience::Sessions(sessions.into()), view, out);
        }
    }
}

/// Sends a reset to a participant whose view of the room changed.
pub(in crate::room) fn reset_one(state: &RoomState, id: ParticipantId, out: &mut Effects) {
    if let Some(member) = state.participants.find(id) {
        reset(state, Audience::One(member.session), View::of(member), out);
    }
}

fn reset(state: &RoomState, to: Audience, view: View, out: &mut Effects) {
    let snapshot = snapshot(state, view);
    out.add(Everywhere::Reset { to, snapshot: Box::new(snapshot) });
}
