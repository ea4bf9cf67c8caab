//! What mutes mean for a stream, and waiting for its owner: one who is connected and does not answer loses the stream.
//!
//! The time to answer runs from the push while the owner is connected, and anew from its return when it was not. Any
//! answer about the stream's audio resolves all mutes that wait for it, and so does its end.
//! Not here: what happens when the time has run out (`expiry`), and who mutes whom (`moderation`).

use stagedoor_proto::{Link, Outcome, StreamId, Username};

use crate::room::durable::rows::MuteOverride;
use crate::room::settings::ACKNOWLEDGE_TIMEOUT;
use crate::room::state::RoomState;
use crate::room::state::timers::Timer;

/// Whether new streams of a user start muted.
pub(in crate::room) fn starts_muted(state: &RoomState, username: &Username) -> bool {
    match state.records.mute_override(username) {
        Some(MuteOverride::Locked) => true,
        Some(MuteOverride::Exempt) => false,
        None => state.records.mute.active,
    }
}

/// Whether the owner of a stream may not turn its audio on.
pub(in crate::room) fn is_mute_locked(state: &RoomState, id: StreamId) -> bool {
    let Some(stream) = state.streams.find(id) else { return false };
    let Some(owner) = state.participants.find(stream.wire.participant) else { return false };
    match state.records.mute_override(&owner.username) {
        Some(MuteOverride::Locked) => true,
        Some(MuteOverride::Exempt) => false,
        None => state.records.mute.active && state.records.mute.lock && !stream.is_exempt,
    }
}

/// Turns a stream's audio off; what that comes to at its owner, who acknowledges it unless it was off already.
pub(in crate::room) fn mute_audio(state: &mut RoomState, id: StreamId) -> Outcome {
    let Some(stream) = state.streams.find_mut(id) else { return Outcome::Enforced };
    let was_on = std::mem::replace(&mut stream.wire.has_audio, false);
    stream.wire.muted = true;
    if !was_on && stream.unacknowledged.is_empty() {
        return Outcome::Enforced;
    }
    stream.unacknowledged.push(state.version);
    let owner = state.participants.find(stream.wire.participant).expect("a stream's owner is here");
    let timer = Timer::Acknowledgement(id);
    if owner.link == Link::Live && state.timers.get(timer).is_none() {
        state.timers.set(timer, state.now + ACKNOWLEDGE_TIMEOUT);
    }
    initial_outcome(owner.link)
}

/// Ends the waiting of mutes for a stream's owner.
pub(in crate::room) fn resolve_mutes(state: &mut RoomState, id: StreamId, outcome: Outcome) {
    let Some(stream) = state.streams.find_mut(id) else { return };
    state.timers.stop(Timer::Acknowledgement(id));
    for version in std::mem::take(&mut stream.unacknowledged) {
        state.receipts.change(version, id, outcome, state.now, &mut state.timers);
    }
}

/// The time to acknowledge runs while the owner is connected, from its return on.
pub(in crate::room) fn restart_acknowledge_timer(state: &mut RoomState, id: StreamId, link: Link) {
    let Some(stream) = state.streams.find(id).filter(|stream| !stream.unacknowledged.is_empty())
    else {
        return;
    };
    let deadline = (link == Link::Live).then_some(state.now + ACKNOWLEDGE_TIMEOUT);
    state.timers.reset(Timer::Acknowledgement(id), deadline);
    let outcome = initial_outcome(link);
    for version in &stream.unacknowledged {
        state.receipts.change(*version, id, outcome, state.now, &mut state.timers);
    }
}

/// The outcome at a target that is to answer, as far as its link says.
pub(in crate::room) const fn initial_outcome(link: Link) -> Outcome {
    match link {
        Link::Live => Outcome::Pending,
        Link::Suspended => Outcome::Offline,
    }
}
