//! Muted streams and acknowledgements: a connected owner who does not acknowledge a mute in time loses the stream.
//!
//! The time runs from the push while the owner is connected, and restarts when it returns. Any update of the stream's
//! audio by its owner, and the end of the stream, resolve all its unacknowledged mutes.
//! Not here: the expiry (`expiry`), and the mute commands (`moderation`).

use stagedoor_proto::{Link, Outcome, StreamId};

use crate::principal::Principal;
use crate::room::durable::rows::MuteOverride;
use crate::room::settings::ACKNOWLEDGE_TIMEOUT;
use crate::room::state::RoomState;
use crate::room::state::timers::Timer;

pub(in crate::room) fn starts_muted(state: &RoomState, owner: Principal<'_>) -> bool {
    match state.records.mute_override(owner) {
        Some(MuteOverride::Locked | MuteOverride::LockedGuests) => true,
        Some(MuteOverride::Exempt) => false,
        None => state.records.mute.active,
    }
}

/// Whether the owner of a stream may not turn its audio on.
pub(in crate::room) fn is_mute_locked(state: &RoomState, id: StreamId) -> bool {
    let Some(stream) = state.streams.find(id) else { return false };
    let Some(owner) = state.participants.find(stream.wire.participant) else { return false };
    match state.records.mute_override(owner.principal()) {
        Some(MuteOverride::Locked | MuteOverride::LockedGuests) => true,
        Some(MuteOverride::Exempt) => false,
        None => state.records.mute.active && state.records.mute.lock && !stream.is_exempt,
    }
}

/// Turns a stream's audio off. Returns the initial outcome: the owner must acknowledge unless audio was off.
pub(in crate::room) fn mute_audio(state: &mut RoomState, id: StreamId) -> Outcome {
    let Some(stream) = state.streams.find_mut(id) else { return Outcome::Enforced };
    let was_on = std::mem::replace(&mut stream.wire.has_audio, false);
    stream.wire.muted = true;
    if !was_on && stream.unacknowledged.is_empty() {
        return Outcome::Enforced;
    }
    stream.unacknowledged.push(state.version);
    let owner = state.participants.find(stream.wire.participant).expect("a stream has an owner");
    let timer = Timer::Acknowledgement(id);
    if owner.link == Link::Live && state.timers.get(timer).is_none() {
        state.timers.set(timer, state.now.monotonic + ACKNOWLEDGE_TIMEOUT);
    }
    initial_outcome(owner.link)
}

/// Resolves the unacknowledged mutes of a stream.
pub(in crate::room) fn resolve_mutes(state: &mut RoomState, id: StreamId, outcome: Outcome) {
    let Some(stream) = state.streams.find_mut(id) else { return };
    state.timers.stop(Timer::Acknowledgement(id));
    for version in std::mem::take(&mut stream.unacknowledged) {
        state.receipts.record_outcome(version, id, outcome, state.now.monotonic, &mut state.timers);
    }
}

/// Restarts the timer when the owner is connected, and stops it when the owner is suspended.
pub(in crate::room) fn restart_acknowledge_timer(state: &mut RoomState, id: StreamId, link: Link) {
    let Some(stream) = state.streams.find(id).filter(|stream| !stream.unacknowledged.is_empty())
    else {
        return;
    };
    let deadline = (link == Link::Live).then_some(state.now.monotonic + ACKNOWLEDGE_TIMEOUT);
    state.timers.reset(Timer::Acknowledgement(id), deadline);
    let outcome = initial_outcome(link);
    for version in &stream.unacknowledged {
        state.receipts.record_outcome(
            *version,
            id,
            outcome,
            state.now.monotonic,
            &mut state.timers,
        );
    }
}

/// The outcome of a target that must acknowledge, by its link.
pub(in crate::room) const fn initial_outcome(link: Link) -> Outcome {
    match link {
        Link::Live => Outcome::Pending,
        Link::Suspended => Outcome::Offline,
    }
}
