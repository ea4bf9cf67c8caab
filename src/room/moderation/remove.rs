//! Removal of participants and streams, and the end of the room.
//!
//! A removal holds until its block ends, for any token and instance. It takes effect with its log entry. Removed
//! participants get a push, and their unsent frames of the room are discarded.

use std::time::Duration;

use stagedoor_proto::{
    ActiveBlock, Actor, BlockScope, BlockSource, Error, ErrorCode, ForceDisconnect, ForceUnpublish,
    LeaveReason, MAX_DURATION_MS, Outcome, ParticipantId, Push, Reason, Removed, RoomEnded, Scope,
    StreamEndReason, Target, Timestamp, Unblock, Who,
};

use crate::room::durable::changes::DurableChange;
use crate::room::effect::{Appender, Audience, Effects, Everywhere, RemovedUser};
use crate::room::errors;
use crate::room::events::RoomEvent;
use crate::room::moderation::context::{
    ModeratorContext, coverage_of, coverage_of_name, coverage_of_owner, target_participant,
};
use crate::room::participants::leave::{emit_left, remove_all, remove_participant};
use crate::room::permissions::missing;
use crate::room::settings::END_RETENTION;
use crate::room::state::RoomState;
use crate::room::state::participants::Membership;
use crate::room::state::receipts::{ModerationProgress, TargetProgress};
use crate::room::streams::acks::target_stream;
use crate::room::streams::end::{emit_unpublished, end_stream};
use crate::room::visibility::snapshot::counts;

pub(in crate::room) fn force_disconnect(
    state: &mut RoomState,
    moderator: &ModeratorContext,
    body: &ForceDisconnect,
    out: &mut Effects,
) -> Result<ModerationProgress, Error> {
    let coverage = coverage_of(state, &body.who)?;
    moderator.ensure_not_self(&coverage)?;
    let is_app_wide = body.block.scope == BlockScope::App;
    let length = block_duration(state, moderator, body)?;
    let leaving = match &body.who {
        Who::Participant(id) if length.is_zero() && !is_app_wide => vec![*id],
        Who::Participant(_) | Who::Username(_) => state.participants.covered(&coverage),
    };
    if leaving.is_empty() && length.is_zero() && !is_app_wide {
        return Err(errors::participant_not_found("username"));
    }
    let until = (!length.is_zero()).then_some(state.now.wall + length);
    if let Some(until) = until.filter(|_| !is_app_wide) {
        let set_by = moderator.setter();
        state.records.block(&coverage, set_by, until, state.now.wall, &mut out.changes)?;
    }
    let username = coverage.username.clone();
    state.recent_leavers.forbid_rejoin(&coverage);
    if is_app_wide {
        let (reason, request) = (body.reason.clone(), out.cause());
        let (set_by, ref_) = (moderator.setter(), body.ref_.clone());
        let user = RemovedUser { coverage, until, set_by, reason, ref_, request };
        if until.is_some() {
            out.add(Appender::BlockUser(user.clone()));
        }
        out.add(Everywhere::EndSessions(user));
    }
    let audit_target = match &body.who {
        Who::Participant(id) => target_participant(state, *id),
        Who::Username(_) => Target { username: Some(username), ..Target::default() },
    };
    let notice = RemovalNotice { by: &moderator.by, reason: body.reason.as_ref(), until };
    let mut progress = ModerationProgress { audit_target, ..ModerationProgress::default() };
    for id in leaving {
        progress.targets.push(TargetProgress::enforced(target_participant(state, id)));
        remove(state, id, notice, out);
    }
    // A user who is not in the room is blocked all the same, and is no target.
    Ok(progress)
}

fn block_duration(
    state: &RoomState,
    moderator: &ModeratorContext,
    body: &ForceDisconnect,
) -> Result<Duration, Error> {
    let asked = body.block.for_ms.map(Duration::from_millis);
    let default = state.settings.default_block_duration;
    match body.block.scope {
        BlockScope::Room => {
            let most = Duration::from_millis(MAX_DURATION_MS);
            bounded(asked.unwrap_or(default.min(most)), most, "a block")
        }
        BlockScope::App if !moderator.is_app_moderator => Err(no_app_moderator("remove a user")),
        BlockScope::App => {
            let most = state.settings.max_block_duration;
            bounded(asked.unwrap_or(default.min(most)), most, "an app-wide block")
        }
    }
}

fn bounded(length: Duration, most: Duration, what: &str) -> Result<Duration, Error> {
    if length > most {
        let message = format!("{what} lasts at most {} ms", most.as_millis());
        return Err(Error::new(ErrorCode::InvalidArgument, message).at("block.for_ms"));
    }
    Ok(length)
}

fn no_app_moderator(what: &str) -> Error {
    let message = format!("only app moderators may {what} from the app");
    Error { message, ..missing(Scope::Moderate) }
}

/// Removes all blocked participants.
pub(in crate::room) fn remove_blocked(state: &mut RoomState, out: &mut Effects) {
    let until = |member: &Membership| state.records.blocked(member.principal(), state.now.wall);
    let blocked = state.participants.iter().filter_map(|member| Some((member.id, until(member)?)));
    let blocked: Vec<_> = blocked.collect();
    for (id, until) in blocked {
        let until = Some(until);
        remove(state, id, RemovalNotice { by: &Actor::Server {}, reason: None, until }, out);
    }
}

fn remove(state: &mut RoomState, id: ParticipantId, removal: RemovalNotice<'_>, out: &mut Effects) {
    let Some(session) = state.participants.find(id).map(|member| member.session) else { return };
    let removed = Removed {
        room: state.id.clone(),
        by: removal.by.clone(),
        reason: removal.reason.cloned(),
        until_ms: removal.until,
    };
    out.add(Everywhere::Withdraw(Audience::One(session)));
    out.push(Audience::One(session), Push::Removed(removed));
    if let Some(member) = remove_participant(state, id, LeaveReason::ForceDisconnected, out) {
        // Later penalties of the name cover the guest.
        state.recent_leavers.add(member.principal(), false, state.now.monotonic);
    }
}

/// Lifts what moderators set. For the server it also lifts what the server set in this room; a ban needs an unban.
/// Returns what still blocks the user from the room; the store knows it of the app.
pub(in crate::room) fn unblock(
    state: &mut RoomState,
    moderator: &ModeratorContext,
    body: &Unblock,
    out: &mut Effects,
) -> Result<(ModerationProgress, Option<ActiveBlock>), Error> {
    moderator.ensure_not_self(&coverage_of_name(state, &body.username))?;
    let block = match body.scope {
        BlockScope::Room => {
            let slot = moderator.username.as_ref().map(|_| BlockSource::Moderator);
            state.records.unblock(&body.username, slot, state.now.wall, &mut out.changes)
        }
        BlockScope::App if !moderator.is_app_moderator => {
            return Err(no_app_moderator("unblock a user"));
        }
        BlockScope::App => {
            out.add(Appender::UnblockUser(body.username.clone()));
            None
        }
    };
    let target = Target { username: Some(body.username.clone()), ..Target::default() };
    Ok((ModerationProgress::done(target), block))
}

pub(in crate::room) fn force_unpublish(
    state: &mut RoomState,
    moderator: &ModeratorContext,
    body: &ForceUnpublish,
    out: &mut Effects,
) -> Result<ModerationProgress, Error> {
    let target = target_stream(state, body.stream)?;
    moderator.ensure_not_self(&coverage_of_owner(state, body.stream)?)?;
    end_stream(state, body.stream, StreamEndReason::ForceUnpublished, Outcome::Enforced, out);
    Ok(ModerationProgress::done(target))
}

pub(in crate::room) fn end_room(
    state: &mut RoomState,
    moderator: &ModeratorContext,
    out: &mut Effects,
) -> ModerationProgress {
    state.has_ended = true;
    // The wall clock may have been set back since an earlier end.
    let at = state.records.ended.map_or(state.now.wall, |ended| ended.max(state.now.wall));
    state.records.ended = Some(at);
    out.changes.push(DurableChange::Ended { at, keep_until: at + END_RETENTION });
    let enforced = counts(state).participants;
    emit_end(state, &moderator.by, out);
    remove_all(state);
    let ended = RoomEnded { room: state.id.clone(), by: moderator.by.clone() };
    out.add(Everywhere::CloseRoom(Box::new(Push::RoomEnded(ended))));
    ModerationProgress { enforced, ..ModerationProgress::default() }
}

/// Emits the events of all streams and participants before they are removed at once.
fn emit_end(state: &RoomState, by: &Actor, out: &mut Effects) {
    if !out.has_events() || state.participants.is_empty() {
        return;
    }
    for stream in state.streams.iter() {
        emit_unpublished(state, &stream.wire, StreamEndReason::RoomEnded, out);
    }
    for member in state.participants.iter() {
        emit_left(member, LeaveReason::RoomEnded, out);
    }
    out.emit(|| RoomEvent::Ended { by: Some(by.clone()) });
}

/// The content of the push to removed participants.
#[derive(Clone, Copy)]
struct RemovalNotice<'a> {
    by: &'a Actor,
    reason: Option<&'a Reason>,
    until: Option<Timestamp>,
}
