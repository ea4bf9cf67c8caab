//! Roles set by moderators.
//!
//! Such a role belongs to a user in a room: it applies to all their current and future memberships.

use stagedoor_proto::{Error, ErrorCode, SetRole};

use crate::principal::Coverage;
use crate::room::effect::Effects;
use crate::room::errors;
use crate::room::moderation::context::{ModeratorContext, target_participant};
use crate::room::participants::authorize::{push_own_role, role_of};
use crate::room::participants::roles::assign;
use crate::room::permissions::role_within;
use crate::room::state::RoomState;
use crate::room::state::participants::Membership;
use crate::room::state::receipts::{ModerationProgress, TargetProgress};

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
    if role_within(Some(body.role), body.role, member.scopes) != body.role {
        let message = "the participant's credentials do not allow this role";
        return Err(Error::new(ErrorCode::InvalidArgument, message).at("role"));
    }
    state.records.set_role(&coverage, body.role, &mut out.changes)?;
    let mut progress = ModerationProgress {
        audit_target: target_participant(state, body.participant),
        ..ModerationProgress::default()
    };
    for id in state.participants.covered(&coverage) {
        let may_have = |member: &Membership| role_within(Some(body.role), body.role, member.scopes);
        if state.participants.find(id).map(may_have) == Some(body.role) {
            progress.targets.push(TargetProgress::enforced(target_participant(state, id)));
        }
    }
    apply_role(state, &coverage, out);
    Ok(progress)
}

/// Applies the set roles of these principals to their memberships, as far as their scopes allow it.
pub(in crate::room) fn apply_role(state: &mut RoomState, coverage: &Coverage, out: &mut Effects) {
    let covered = state.participants.covered(coverage).into_iter();
    let members = covered.filter_map(|id| state.participants.find(id));
    let changing = members.map(|member| {
        let role = role_of(state, member, member.basis, member.scopes);
        (member.id, role, member.scopes, (member.role, member.capabilities))
    });
    let changing: Vec<_> = changing.collect();
    for (id, role, scopes, _) in &changing {
        assign(state, *id, *role, *scopes, out);
    }
    // After all assignments, so that no reset misses the change of the next membership.
    for (id, _, _, before) in changing {
        push_own_role(state, id, before, out);
    }
}
