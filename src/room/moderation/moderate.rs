//! Moderation commands: permission, idempotency, reply, report and audit row.
//!
//! A command is decided before its first change, so a rejected one leaves the room unchanged. The commands themselves
//! are in `mute`, `remove` and `roles`.

use stagedoor_proto::{
    Accepted, ActiveBlock, Error, ErrorCode, ParticipantId, Push, Ref, Reply, Role,
    RoomStateChange, StreamId, Target, Timestamp, UnmuteRequested,
};

use crate::idempotency::Fingerprint;
use crate::principal::Coverage;
use crate::revocation::Revocation;
use crate::room::effect::{Appender, Audience, Effects, Everywhere};
use crate::room::errors;
use crate::room::log::commands::Moderation;
use crate::room::log::origin::Origin;
use crate::room::moderation::context::{ModeratorContext, moderator_of};
use crate::room::moderation::mute::{
    adds_exemption, disable_force_mute, force_mute, force_mute_all, lift_mute,
};
use crate::room::moderation::remove::{end_room, force_disconnect, force_unpublish, unblock};
use crate::room::moderation::roles::set_role;
use crate::room::settings::BATCH_INTERVAL;
use crate::room::state::RoomState;
use crate::room::state::receipts::{ModerationAction, ModerationProgress, TargetProgress};
use crate::room::streams::acks::{begin_unmute_request, target_stream};

struct ActionResult {
    progress: ModerationProgress,
    role: Option<(ParticipantId, Role)>,
    block: Option<ActiveBlock>,
}

impl From<ModerationProgress> for ActionResult {
    fn from(progress: ModerationProgress) -> Self {
        Self { progress, role: None, block: None }
    }
}

/// Whether a command may add to what the store holds of the room or of the app. What only removes, may run when it is
/// full.
pub(in crate::room) fn adds_records(state: &RoomState, command: &Moderation) -> bool {
    match command {
        Moderation::ForceDisconnect(_)
        | Moderation::ForceMuteAll(_)
        | Moderation::SetRole(_)
        | Moderation::LockRoom(_)
        | Moderation::EndRoom(_) => true,
        Moderation::ForceMute(body) => body.lock,
        Moderation::LiftMute(body) => adds_exemption(state, body),
        Moderation::Unblock(_)
        | Moderation::ForceUnpublish(_)
        | Moderation::DisableForceMute(_)
        | Moderation::RequestUnmute(_)
        | Moderation::UnlockRoom(_) => false,
    }
}

pub(in crate::room) fn moderate(
    state: &mut RoomState,
    origin: Origin,
    command: &Moderation,
    server: Option<Box<str>>,
    out: &mut Effects,
) {
    let key = command.ref_().map(|ref_| (ref_, Fingerprint::of(command)));
    let result = match state.lookup_reply(origin, key) {
        Ok(Some(first)) => return out.reply(origin, Ok(first)),
        Ok(None) => moderator_of(state, origin, server)
            .and_then(|moderator| try_moderate(state, origin, &moderator, command, key, out)),
        Err(conflict) => Err(conflict),
    };
    if let Err(error) = result {
        count_denial(state, origin, command, &error, out);
        out.reply(origin, Err(error));
    }
}

fn try_moderate(
    state: &mut RoomState,
    origin: Origin,
    moderator: &ModeratorContext,
    command: &Moderation,
    key: Option<(&Ref, Fingerprint)>,
    out: &mut Effects,
) -> Result<(), Error> {
    if is_at_receipt_limit(state, command) {
        let message = "too many commands with open receipts; retry shortly";
        return Err(errors::rate_limited(message, BATCH_INTERVAL));
    }
    let ActionResult { progress, role, block } = execute(state, moderator, command, out)?;
    let accepted = Reply::Accepted(Accepted {
        version: state.version,
        target_count: progress.len(),
        participant: role.map(|(participant, _)| participant),
        role: role.map(|(_, role)| role),
        block,
        accepted_from_ms: accepted_from(state, command),
    });
    state.insert_reply(moderator.ref_owner(origin), key, &accepted);
    out.reply(origin, Ok(accepted));
    let action = ModerationAction {
        version: state.version,
        command: command.name(),
        by: moderator.by.clone(),
        username: moderator.username.clone(),
        server: moderator.server.clone(),
        node: out.node(),
        origin,
        request: out.cause(),
        ref_: command.ref_().cloned(),
        reason: command.reason().cloned(),
        at: state.now.monotonic,
    };
    let (report, audit) = state.receipts.begin(&state.id, action, progress);
    out.add(Everywhere::Report { node: out.node(), origin, report: Box::new(report) });
    out.add(Appender::Audit(Box::new(audit)));
    Ok(())
}

/// Whether the command needs answers, and too many commands wait for theirs.
fn is_at_receipt_limit(state: &RoomState, command: &Moderation) -> bool {
    match command {
        Moderation::ForceMute(_) | Moderation::ForceMuteAll(_) => state.receipts.is_full(false),
        Moderation::RequestUnmute(_) => state.receipts.is_full(true),
        Moderation::ForceDisconnect(_)
        | Moderation::Unblock(_)
        | Moderation::ForceUnpublish(_)
        | Moderation::LiftMute(_)
        | Moderation::DisableForceMute(_)
        | Moderation::SetRole(_)
        | Moderation::LockRoom(_)
        | Moderation::UnlockRoom(_)
        | Moderation::EndRoom(_) => false,
    }
}

/// From when on room tokens are accepted, after the end of the room.
fn accepted_from(state: &RoomState, command: &Moderation) -> Option<Timestamp> {
    let ended = state.records.ended.filter(|_| matches!(command, Moderation::EndRoom(_)))?;
    Some(Revocation::new(ended, state.settings.revocation_leeway).accepted_from())
}

fn execute(
    state: &mut RoomState,
    moderator: &ModeratorContext,
    command: &Moderation,
    out: &mut Effects,
) -> Result<ActionResult, Error> {
    match command {
        Moderation::ForceDisconnect(body) => {
            force_disconnect(state, moderator, body, out).map(ActionResult::from)
        }
        Moderation::Unblock(body) => {
            let (progress, block) = unblock(state, moderator, body, out)?;
            Ok(ActionResult { progress, role: None, block })
        }
        Moderation::ForceUnpublish(body) => {
            force_unpublish(state, moderator, body, out).map(ActionResult::from)
        }
        Moderation::ForceMute(body) => {
            force_mute(state, moderator, body, out).map(ActionResult::from)
        }
        Moderation::LiftMute(body) => {
            lift_mute(state, moderator, body, out).map(ActionResult::from)
        }
        Moderation::ForceMuteAll(body) => {
            force_mute_all(state, moderator, body, out).map(ActionResult::from)
        }
        Moderation::DisableForceMute(_) => Ok(disable_force_mute(state, moderator, out).into()),
        Moderation::RequestUnmute(body) => {
            request_unmute(state, moderator, body.stream, out).map(ActionResult::from)
        }
        Moderation::SetRole(body) => {
            let progress = set_role(state, moderator, body, out)?;
            Ok(ActionResult { progress, role: Some((body.participant, body.role)), block: None })
        }
        Moderation::LockRoom(_) => Ok(set_locked(state, true, out).into()),
        Moderation::UnlockRoom(_) => Ok(set_locked(state, false, out).into()),
        Moderation::EndRoom(_) => Ok(end_room(state, moderator, out).into()),
    }
}

fn count_denial(
    state: &RoomState,
    origin: Origin,
    command: &Moderation,
    error: &Error,
    out: &mut Effects,
) {
    let is_denial = matches!(error.code, ErrorCode::Forbidden | ErrorCode::SelfModeration);
    if is_denial && let Ok(member) = state.requester(origin) {
        out.add(Appender::Denied { username: member.username.clone(), command: command.name() });
    }
}

fn request_unmute(
    state: &mut RoomState,
    moderator: &ModeratorContext,
    stream: StreamId,
    out: &mut Effects,
) -> Result<ModerationProgress, Error> {
    let target = target_stream(state, stream)?;
    let owner =
        target.participant.and_then(|id| state.participants.find(id)).expect("it was just found");
    moderator.ensure_not_self(&Coverage::of(owner.principal()))?;
    let session = owner.session;
    if state.streams.find(stream).is_some_and(|stream| stream.wire.has_audio) {
        return Ok(ModerationProgress::done(target));
    }
    let asked = UnmuteRequested { room: state.id.clone(), stream, by: moderator.by.clone() };
    out.push(Audience::One(session), Push::UnmuteRequested(asked));
    let outcome = begin_unmute_request(state, stream).expect("it was just found");
    let targets = vec![TargetProgress { target: target.clone(), outcome, is_awaited: true }];
    Ok(ModerationProgress { audit_target: target, targets, ..ModerationProgress::default() })
}

fn set_locked(state: &mut RoomState, locked: bool, out: &mut Effects) -> ModerationProgress {
    if state.records.locked != locked {
        state.records.locked = locked;
        state.records.push_room_change(&mut out.changes);
        let (room, version, mute) = (state.id.clone(), state.version, state.records.mute);
        let change = RoomStateChange { room, version, mute, locked };
        out.push(Audience::All { except: None }, Push::RoomState(change));
    }
    ModerationProgress::done(Target::default())
}
