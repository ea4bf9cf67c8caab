//! Roles set by moderators.
//!
//! Such a role belongs to a user in a room: it applies to all their current and future memberships.

use stagedoor_proto::{Error, Outcome, Push, RoleChanged, SetRole};

use crate::principal::Coverage;
use crate::room::effect::{Audience, Effects};
use crate::room::errors;
use crate::room::moderation::context::{ModeratorContext, target_participant};
use crate::room::participants::roles::assign;
use crate::room::permissions::retains_all;
use crate::room::state::RoomState;
use crate::room::state::receipts::ModerationProgress;
use crate::room::visibility::size::reset_one;

pub(in crate::room) fn set_role(
    state: &mut RoomState,
    moderator: &ModeratorContext,
    body: &SetRole,
    out: &mut Effects,
) -> Result<ModerationProgress, Error> {
    let member = state.participants.find(body.participant);
    let member = member.ok_or_else(|| errors::participant_not_found("participant"))?;
    let coverage = Coverage::of(member.principal());
    moderator.ensure_not_self(&coverage)?;
    state.records.set_role(&coverage, body.role, &mut out.changes)?;
    let mut progress = ModerationProgress {
        audit_target: target_participant(state, body.participant),
        ..ModerationProgress::default()
    };
    for id in state.participants.covered(&coverage) {
        progress.targets.push((target_participant(state, id), Outcome::Enforced));
    }
    apply_role(state, &coverage, out);
    Ok(progress)
}

/// Applies the set roles of these principals to their memberships.
pub(in crate::room) fn apply_role(state: &mut RoomState, coverage: &Coverage, out: &mut Effects) {
    let covered = state.participants.covered(coverage).into_iter();
    let members = covered.filter_map(|id| state.participants.find(id));
    let changing = members.filter_map(|member| {
        let role = state.records.role(member.principal(), member.role)?;
        (member.role != role).then_some((member.id, role, member.scopes, member.capabilities))
    });
    let changing: Vec<_> = changing.collect();
    for (id, role, scopes, _) in &changing {
        assign(state, *id, *role, *scopes, out);
    }
    // After all assignments, so that no reset misses the change of the next membership.
    for (id, role, _, before) in changing {
        let Some(member) = state.participants.find(id) else { continue };
        let after = member.capabilities;
        let (room, version) = (state.id.clone(), state.version);
        let changed =
            RoleChanged { room, version, participant: id, role, capabilities: Some(after) };
        out.push(Audience::One(member.session), Push::RoleChanged(changed));
        // Frames were discarded, or the visible streams changed. A reset repairs both.
        if !retains_all(before, after) || before.subscribe != after.subscribe {
            reset_one(state, id, out);
        }
    }
}
