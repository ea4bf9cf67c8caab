//! Answers of stream owners to mutes and to requests to unmute, and the outcomes that follow from them.
//!
//! A connected owner who does not acknowledge a mute in time loses the stream. The time runs from the push while the
//! owner is connected, and restarts when it returns; that of a request runs once. An accepted update of the stream's
//! audio by its owner answers all open commands about the stream, and so does the stream's end.
//! An outcome is that of the state: a mute is enforced while a lock forbids audio, or once the owner turned it off.
//! Not here: the expiry (`expiry`), and the commands (`moderation`).

use stagedoor_proto::{Error, Link, Outcome, StreamId, Target};

use crate::principal::Principal;
use crate::room::durable::rows::MuteOverride;
use crate::room::errors;
use crate::room::settings::{ACKNOWLEDGE_TIMEOUT, UNMUTE_REQUEST_TIMEOUT};
use crate::room::state::RoomState;
use crate::room::state::receipts::TargetProgress;
use crate::room::state::timers::Timer;

/// A stream as a target, with its owner.
pub(in crate::room) fn target_stream(state: &RoomState, id: StreamId) -> Result<Target, Error> {
    let stream = state.streams.find(id).ok_or_else(errors::stream_not_found)?;
    let owner = state.participants.find(stream.wire.participant).expect("a stream has an owner");
    let username = Some(owner.username.clone());
    Ok(Target { participant: Some(owner.id), stream: Some(id), username })
}

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
        None => state.records.mute.active && state.records.mute.lock,
    }
}

/// Turns a stream's audio off. Returns the target with its initial outcome: the owner must acknowledge unless the audio
/// was off. `None`: a silent stream is no target of a mute without a lock.
pub(in crate::room) fn mute_audio(state: &mut RoomState, id: StreamId) -> Option<TargetProgress> {
    let target = target_stream(state, id).ok()?;
    let is_locked = is_mute_locked(state, id);
    state.set_muted(id, true);
    let stream = state.streams.find_mut(id)?;
    let was_audible = stream.is_audible();
    stream.wire.has_audio = false;
    if !was_audible {
        return is_locked.then(|| TargetProgress::enforced(target));
    }
    stream.unacknowledged.push(state.version);
    let owner = state.participants.find(stream.wire.participant).expect("a stream has an owner");
    let (link, timer) = (owner.link, Timer::Acknowledgement(id));
    if link == Link::Live && state.timers.get(timer).is_none() {
        state.timers.set(timer, state.now.monotonic + ACKNOWLEDGE_TIMEOUT);
    }
    record_open_outcomes(state, id);
    Some(TargetProgress { target, outcome: open_outcome(link, is_locked), is_awaited: true })
}

/// Requests the owner of a silent stream to unmute it. Returns the initial outcome.
pub(in crate::room) fn begin_unmute_request(
    state: &mut RoomState,
    id: StreamId,
) -> Option<Outcome> {
    let (version, deadline) = (state.version, state.now.monotonic + UNMUTE_REQUEST_TIMEOUT);
    let stream = state.streams.find_mut(id)?;
    stream.unmute_requests.push(version);
    let owner = state.participants.find(stream.wire.participant).expect("a stream has an owner");
    state.timers.set(Timer::UnmuteRequest(version, id), deadline);
    Some(open_outcome(owner.link, false))
}

/// The owner set the stream's audio: the answer to the open commands about it. Audio off acknowledges a mute, and does
/// not decline a request to unmute at the same time.
pub(in crate::room) fn answer(state: &mut RoomState, id: StreamId) {
    let Some(stream) = state.streams.find(id) else { return };
    let (has_audio, is_muted) = (stream.wire.has_audio, !stream.unacknowledged.is_empty());
    if is_muted {
        resolve_mutes(state, id, if has_audio { Outcome::Declined } else { Outcome::Enforced });
    }
    if has_audio || !is_muted {
        let outcome = if has_audio { Outcome::Enforced } else { Outcome::Declined };
        resolve_unmute_requests(state, id, outcome);
    }
}

/// Resolves the unacknowledged mutes of a stream.
pub(in crate::room) fn resolve_mutes(state: &mut RoomState, id: StreamId, outcome: Outcome) {
    let Some(stream) = state.streams.find_mut(id) else { return };
    state.timers.stop(Timer::Acknowledgement(id));
    for version in std::mem::take(&mut stream.unacknowledged) {
        record(state, version, id, outcome, true);
    }
}

/// Resolves the open requests to unmute a stream.
pub(in crate::room) fn resolve_unmute_requests(
    state: &mut RoomState,
    id: StreamId,
    outcome: Outcome,
) {
    let Some(stream) = state.streams.find_mut(id) else { return };
    for version in std::mem::take(&mut stream.unmute_requests) {
        state.timers.stop(Timer::UnmuteRequest(version, id));
        record(state, version, id, outcome, true);
    }
}

/// The time to answer a request to unmute is over.
pub(in crate::room) fn expire_unmute_request(state: &mut RoomState, version: u64, id: StreamId) {
    let Some(stream) = state.streams.find_mut(id) else { return };
    stream.unmute_requests.retain(|other| *other != version);
    record(state, version, id, Outcome::Ignored, true);
}

/// The streams with unacknowledged mutes whose owners may not turn audio on.
pub(in crate::room) fn unacknowledged_locks(state: &RoomState) -> Vec<StreamId> {
    let open = state.streams.iter().filter(|stream| !stream.unacknowledged.is_empty());
    open.map(|stream| stream.wire.id).filter(|id| is_mute_locked(state, *id)).collect()
}

/// Resolves the mutes of streams whose lock ended: they were enforced as long as they held.
pub(in crate::room) fn resolve_ended_locks(state: &mut RoomState, locked: Vec<StreamId>) {
    for id in locked {
        if !is_mute_locked(state, id) {
            resolve_mutes(state, id, Outcome::Enforced);
        }
    }
}

/// Restarts the timer when the owner is connected, and stops it when the owner is suspended.
pub(in crate::room) fn restart_acknowledge_timer(state: &mut RoomState, id: StreamId, link: Link) {
    let Some(stream) = state.streams.find(id) else { return };
    if !stream.unacknowledged.is_empty() {
        let deadline = (link == Link::Live).then_some(state.now.monotonic + ACKNOWLEDGE_TIMEOUT);
        state.timers.reset(Timer::Acknowledgement(id), deadline);
    }
    record_open_outcomes(state, id);
}

/// Records the outcomes of open commands about a stream, as they follow from its lock and from its owner's link.
fn record_open_outcomes(state: &mut RoomState, id: StreamId) {
    let Some(stream) = state.streams.find(id) else { return };
    let owner = state.participants.find(stream.wire.participant).expect("a stream has an owner");
    let (link, is_locked) = (owner.link, is_mute_locked(state, id));
    let (mutes, requests) = (stream.unacknowledged.clone(), stream.unmute_requests.clone());
    for version in mutes {
        record(state, version, id, open_outcome(link, is_locked), false);
    }
    for version in requests {
        record(state, version, id, open_outcome(link, false), false);
    }
}

/// The outcome at a target that has not answered.
const fn open_outcome(link: Link, is_locked: bool) -> Outcome {
    match link {
        Link::Live | Link::Suspended if is_locked => Outcome::Enforced,
        Link::Live => Outcome::Pending,
        Link::Suspended => Outcome::Offline,
    }
}

fn record(state: &mut RoomState, version: u64, id: StreamId, outcome: Outcome, is_final: bool) {
    let now = state.now.monotonic;
    state.receipts.record_outcome(version, id, outcome, is_final, now, &mut state.timers);
}
