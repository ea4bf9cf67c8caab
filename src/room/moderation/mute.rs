//! Mutes of a stream, a participant, a user or the room.
//!
//! A lock belongs to a user in a room: it mutes all their audio, on any stream and instance, until it is lifted. The
//! room's mute is separate: while it is active, new streams start muted, and its lock applies to everyone who is not
//! exempt. Exempt are users, with all their streams. A mute turns audio off in the room's state at once, and receivers
//! silence it, so the owner's acknowledgement changes nothing that others see. Only a lock has targets without audio.
//! Lifting a mute permits audio and turns nothing on.
//!
//! Invariant: a stream with audio on is not muted, and its owner may have it on.

use std::collections::BTreeSet;

use stagedoor_proto::{
    Actor, Error, ForceMute, ForceMuteAll, MuteForced, MuteTarget, Outcome, ParticipantId, Push,
    RoomMute, StreamId, Target, Who,
};

use crate::principal::Coverage;
use crate::room::durable::rows::MuteOverride;
use crate::room::effect::{Audience, Effects};
use crate::room::errors;
use crate::room::moderation::context::{
    ModeratorContext, coverage_of, coverage_of_owner, target_participant,
};
use crate::room::state::RoomState;
use crate::room::state::participants::Membership;
use crate::room::state::receipts::{ModerationProgress, TargetProgress};
use crate::room::state::streams::PublishedStream;
use crate::room::streams::acks::{
    mute_audio, resolve_ended_locks, resolve_mutes, target_stream, unacknowledged_locks,
};
use crate::room::visibility::audience::{audience_about, push_of_stream};

struct ResolvedTarget {
    coverage: Coverage,
    target: Target,
    scope: MuteScope,
}

/// How much of a user's audio to mute.
#[derive(Clone, Copy)]
enum MuteScope {
    Stream(StreamId),
    Participant(ParticipantId),
    All,
}

pub(in crate::room) fn force_mute(
    state: &mut RoomState,
    moderator: &ModeratorContext,
    body: &ForceMute,
    out: &mut Effects,
) -> Result<ModerationProgress, Error> {
    let resolved = resolve_target(state, &body.target)?;
    moderator.ensure_not_self(&resolved.coverage)?;
    let is_present = !state.participants.covered(&resolved.coverage).is_empty();
    if body.lock {
        state.records.set_mute_override(
            &resolved.coverage,
            Some(MuteOverride::Locked),
            &mut out.changes,
        )?;
    } else if !is_present {
        return Err(errors::participant_not_found("username"));
    } else {
        state.records.end_exemption(&resolved.coverage, &mut out.changes);
    }
    let scope = if body.lock { MuteScope::All } else { resolved.scope };
    let progress = mute_scope(state, &resolved.coverage, scope, true, moderator, out);
    if is_present {
        Ok(ModerationProgress { audit_target: resolved.target, ..progress })
    } else {
        Ok(ModerationProgress::done(resolved.target))
    }
}

/// Whether lifting a mute stores an exemption from the room's mute, instead of removing or replacing a lock.
pub(in crate::room) fn adds_exemption(state: &RoomState, body: &ForceMute) -> bool {
    let target = resolve_target(state, &body.target);
    let is_unlocked = |target: ResolvedTarget| !state.records.locks(&target.coverage);
    state.records.mute.active && target.is_ok_and(is_unlocked)
}

pub(in crate::room) fn lift_mute(
    state: &mut RoomState,
    moderator: &ModeratorContext,
    body: &ForceMute,
    out: &mut Effects,
) -> Result<ModerationProgress, Error> {
    let resolved = resolve_target(state, &body.target)?;
    moderator.ensure_not_self(&resolved.coverage)?;
    let is_present = !state.participants.covered(&resolved.coverage).is_empty();
    let under_room = state.records.mute.active;
    let was_locked = state.records.locks(&resolved.coverage);
    if !is_present && !was_locked && !under_room {
        return Err(errors::participant_not_found("username"));
    }
    let mute_override = under_room.then_some(MuteOverride::Exempt);
    state.records.set_mute_override(&resolved.coverage, mute_override, &mut out.changes)?;
    // A lock covers all their audio, and so does lifting it.
    let scope = if was_locked || under_room { MuteScope::All } else { resolved.scope };
    let progress = mute_scope(state, &resolved.coverage, scope, false, moderator, out);
    if is_present {
        Ok(ModerationProgress { audit_target: resolved.target, ..progress })
    } else {
        Ok(ModerationProgress::done(resolved.target))
    }
}

pub(in crate::room) fn force_mute_all(
    state: &mut RoomState,
    moderator: &ModeratorContext,
    body: &ForceMuteAll,
    out: &mut Effects,
) -> Result<ModerationProgress, Error> {
    let exempt = exempt_participants(state, moderator, body)?;
    let members = exempt.iter().filter_map(|id| state.participants.find(*id));
    // Another mute of such a user stays.
    let unlocked = members.filter(|member| !state.records.is_locked(member.principal()));
    let coverages: Vec<_> = unlocked.map(|member| Coverage::of(member.principal())).collect();
    let locked = unacknowledged_locks(state);
    state.records.replace_exemptions(&coverages, &mut out.changes)?;
    // A mute without a lock keeps an existing lock.
    let lock = body.lock || (state.records.mute.active && state.records.mute.lock);
    state.records.mute = RoomMute { active: true, lock };
    state.records.push_room_change(&mut out.changes);
    let muted = state.streams.iter().filter(|stream| !is_exempt(state, stream.wire.participant));
    let muted: Vec<_> = muted.map(|stream| stream.wire.id).collect();
    let mut progress = ModerationProgress::default();
    for target in muted.into_iter().filter_map(|id| mute_audio(state, id)) {
        if target.is_awaited {
            progress.targets.push(target);
        } else {
            progress.enforced += 1;
        }
    }
    resolve_ended_locks(state, locked);
    push_room_mute(state, moderator, &exempt, out);
    Ok(progress)
}

/// The participants that a mute of the room excludes: the listed ones, and the acting moderator.
fn exempt_participants(
    state: &RoomState,
    moderator: &ModeratorContext,
    body: &ForceMuteAll,
) -> Result<BTreeSet<ParticipantId>, Error> {
    let listed = body.except.iter().enumerate().map(|(index, id)| {
        let of_stream = state.streams.find(StreamId::from_bits(id.bits()));
        let participant = ParticipantId::from_bits(id.bits());
        let owner = of_stream.map(|stream| stream.wire.participant);
        let found = owner.or_else(|| state.participants.find(participant).map(|member| member.id));
        found.ok_or_else(|| errors::unknown_exception(index, *id))
    });
    let mut exempt = listed.collect::<Result<BTreeSet<_>, _>>()?;
    if let (Actor::Participant(acting), false) = (&moderator.by, body.include_self) {
        exempt.insert(*acting);
    }
    Ok(exempt)
}

fn is_exempt(state: &RoomState, participant: ParticipantId) -> bool {
    let member = state.participants.find(participant);
    let mute = member.and_then(|member| state.records.mute_override(member.principal()));
    mute == Some(MuteOverride::Exempt)
}

pub(in crate::room) fn disable_force_mute(
    state: &mut RoomState,
    moderator: &ModeratorContext,
    out: &mut Effects,
) -> ModerationProgress {
    if state.records.mute.active {
        let locked = unacknowledged_locks(state);
        state.records.mute = RoomMute::default();
        state.records.clear_exemptions(&mut out.changes);
        state.records.push_room_change(&mut out.changes);
        resolve_ended_locks(state, locked);
        push_room_mute(state, moderator, &BTreeSet::new(), out);
    }
    ModerationProgress::done(Target::default())
}

/// Locks the mute of a renamed user.
pub(in crate::room) fn lock_mute(state: &mut RoomState, coverage: &Coverage, out: &mut Effects) {
    let moderator = ModeratorContext::gateway();
    if state
        .records
        .set_mute_override(coverage, Some(MuteOverride::Locked), &mut out.changes)
        .is_ok()
    {
        mute_scope(state, coverage, MuteScope::All, true, &moderator, out);
    }
}

fn resolve_target(state: &RoomState, target: &MuteTarget) -> Result<ResolvedTarget, Error> {
    match target {
        MuteTarget::Stream(id) => {
            let target = target_stream(state, *id)?;
            let coverage = coverage_of_owner(state, *id)?;
            Ok(ResolvedTarget { coverage, target, scope: MuteScope::Stream(*id) })
        }
        MuteTarget::Person { who, .. } => {
            let coverage = coverage_of(state, who)?;
            Ok(match who {
                Who::Participant(id) => ResolvedTarget {
                    coverage,
                    target: target_participant(state, *id),
                    scope: MuteScope::Participant(*id),
                },
                Who::Username(username) => {
                    let target = Target { username: Some(username.clone()), ..Target::default() };
                    ResolvedTarget { coverage, target, scope: MuteScope::All }
                }
            })
        }
    }
}

/// Mutes a scope of a user's audio, or lifts its mute, and pushes the change.
fn mute_scope(
    state: &mut RoomState,
    coverage: &Coverage,
    scope: MuteScope,
    active: bool,
    moderator: &ModeratorContext,
    out: &mut Effects,
) -> ModerationProgress {
    let mut progress = ModerationProgress::default();
    let participants = match scope {
        MuteScope::Stream(id) => {
            let is_target =
                !active || state.streams.find(id).is_some_and(PublishedStream::is_audible);
            if is_target {
                progress.targets.extend(mute_stream(state, id, active));
                push_stream_mute(state, id, active, moderator, out);
            }
            return progress;
        }
        MuteScope::Participant(id) => vec![id],
        MuteScope::All => state.participants.covered(coverage),
    };
    for id in participants {
        let Some(member) = state.participants.find(id) else { continue };
        // A guest who is known under several names may be under another lock.
        if !active && state.records.is_locked(member.principal()) {
            continue;
        }
        let is_locked = state.records.is_locked(member.principal());
        let streams = member.streams.clone();
        let mut published = streams.iter().filter_map(|id| state.streams.find(*id));
        let is_affected = is_locked || state.records.mute.active;
        if active && !is_affected && !published.any(PublishedStream::is_audible) {
            continue;
        }
        if streams.is_empty() && (is_locked || !active) {
            progress.targets.push(TargetProgress::enforced(target_participant(state, id)));
        }
        for stream in streams {
            progress.targets.extend(mute_stream(state, stream, active));
        }
        state.feed.mark_changed(id);
        push_participant_mute(state, id, active, moderator, out);
    }
    progress
}

fn mute_stream(state: &mut RoomState, id: StreamId, active: bool) -> Option<TargetProgress> {
    if active {
        return mute_audio(state, id);
    }
    let target = target_stream(state, id).ok()?;
    state.set_muted(id, false);
    // The mute held until it was lifted.
    resolve_mutes(state, id, Outcome::Enforced);
    Some(TargetProgress::enforced(target))
}

fn mute_push(
    state: &RoomState,
    moderator: &ModeratorContext,
    active: bool,
    lock: bool,
) -> MuteForced {
    let (room, version, by) = (state.id.clone(), state.version, moderator.by.clone());
    MuteForced {
        room,
        version,
        stream: None,
        participant: None,
        except: Vec::new(),
        active,
        lock,
        by,
    }
}

fn push_stream_mute(
    state: &RoomState,
    id: StreamId,
    active: bool,
    moderator: &ModeratorContext,
    out: &mut Effects,
) {
    let Some(stream) = state.streams.find(id) else { return };
    let owner = state.participants.find(stream.wire.participant);
    let lock = active && owner.is_some_and(|owner| state.records.is_locked(owner.principal()));
    let push = MuteForced { stream: Some(id), ..mute_push(state, moderator, active, lock) };
    push_of_stream(state, stream.wire.participant, false, Push::MuteForced(push), out);
}

/// Pushes to the participants who list this one, and to itself.
fn push_participant_mute(
    state: &RoomState,
    id: ParticipantId,
    active: bool,
    moderator: &ModeratorContext,
    out: &mut Effects,
) {
    let Some(member) = state.participants.find(id) else { return };
    let lock = active && state.records.is_locked(member.principal());
    let push = MuteForced { participant: Some(id), ..mute_push(state, moderator, active, lock) };
    let push = Push::MuteForced(push);
    out.push(Audience::One(member.session), push.clone());
    if let Some(about) = audience_about(state, id) {
        out.push(about.except(member.session), push);
    }
}

/// Pushes to everyone once. The exempt participants are those that the command excluded, and who publish. A participant
/// who gets no pushes about streams only gets its own exemption.
fn push_room_mute(
    state: &RoomState,
    moderator: &ModeratorContext,
    excluded: &BTreeSet<ParticipantId>,
    out: &mut Effects,
) {
    let RoomMute { active, lock } = state.records.mute;
    let push = mute_push(state, moderator, active, lock);
    let mute = |except: Vec<ParticipantId>| Push::MuteForced(MuteForced { except, ..push.clone() });
    let affected = excluded.union(state.participants.publishers()).copied();
    let exempt: Vec<_> = affected.filter(|id| active && is_exempt(state, *id)).collect();
    if exempt.is_empty() {
        out.push(Audience::All { except: None }, mute(Vec::new()));
        return;
    }
    let is_exempt = |member: &&Membership| exempt.binary_search(&member.id).is_ok();
    let non_subscribers = || state.participants.iter().filter(|one| !one.capabilities.subscribe);
    let own: Vec<_> = non_subscribers().filter(is_exempt).collect();
    let rest = non_subscribers().filter(|member| !is_exempt(member)).map(|member| member.session);
    out.push(Audience::Sessions(rest.collect()), mute(Vec::new()));
    for member in own {
        out.push(Audience::One(member.session), mute(vec![member.id]));
    }
    out.push(Audience::Viewers { except: None }, mute(exempt));
}
