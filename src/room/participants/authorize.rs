//! Changes of a session's grant: what it allows now holds at once.
//!
//! A membership by grant follows the grant, and ends with it. One by room token keeps the token's role, limited by the
//! session's scopes. A role set by a moderator stays, as far as the scopes allow it.

use stagedoor_proto::{
    Actor, Capabilities, LeaveReason, ParticipantId, Push, Removed, Role, RoleChanged, SessionId,
};

use crate::room::effect::{Audience, Effects, Everywhere};
use crate::room::log::commands::SessionGrant;
use crate::room::participants::leave::remove_participant;
use crate::room::participants::roles::assign;
use crate::room::permissions::{ScopeSet, retains_all, role_within};
use crate::room::state::RoomState;
use crate::room::state::participants::{Basis, Membership};
use crate::room::visibility::size::reset_one;

pub(in crate::room) fn authorize(
    state: &mut RoomState,
    session: SessionId,
    grant: SessionGrant,
    out: &mut Effects,
) {
    let Some(member) = state.participants.of_session_mut(session) else { return };
    if grant.version <= member.grant_version {
        return;
    }
    let (id, before) = (member.id, (member.role, member.capabilities));
    let basis = match (member.basis, grant.role) {
        (Basis::Grant { .. }, None) => {
            return end_membership(state, id, session, LeaveReason::NotGranted, out);
        }
        (Basis::Grant { .. }, Some(role)) => Basis::Grant { role },
        (token @ Basis::Token { .. }, _) => token,
    };
    (member.basis, member.grant_version) = (basis, grant.version);
    member.app_moderator = grant.app_moderator || basis.app_moderator();
    let Some(member) = state.participants.find(id) else { return };
    let role = role_of(state, member, basis, grant.scopes);
    assign(state, id, role, grant.scopes, out);
    push_own_role(state, id, before, out);
}

/// The role of a member with this basis and these scopes.
pub(in crate::room) fn role_of(
    state: &RoomState,
    member: &Membership,
    basis: Basis,
    scopes: ScopeSet,
) -> Role {
    let own = basis.role();
    role_within(state.records.role(member.principal(), own), own, scopes)
}

/// Notifies a participant of its own role and capabilities, if they changed.
pub(in crate::room) fn push_own_role(
    state: &RoomState,
    id: ParticipantId,
    before: (Role, Capabilities),
    out: &mut Effects,
) {
    let Some(member) = state.participants.find(id) else { return };
    let (role, capabilities) = (member.role, member.capabilities);
    if (role, capabilities) == before {
        return;
    }
    let (room, version) = (state.id.clone(), state.version);
    let changed =
        RoleChanged { room, version, participant: id, role, capabilities: Some(capabilities) };
    out.push(Audience::One(member.session), Push::RoleChanged(changed));
    // Frames were discarded, or the visible streams changed. A reset repairs both.
    let before = before.1;
    if !retains_all(before, capabilities) || before.subscribe != capabilities.subscribe {
        reset_one(state, id, out);
    }
}

/// Ends a membership that has lost its basis. Its user may join again with another one.
pub(in crate::room) fn end_membership(
    state: &mut RoomState,
    id: ParticipantId,
    session: SessionId,
    reason: LeaveReason,
    out: &mut Effects,
) {
    let room = state.id.clone();
    let removed = Removed { room, by: Actor::Server {}, reason: None, until_ms: None };
    out.add(Everywhere::Withdraw(Audience::One(session)));
    out.push(Audience::One(session), Push::Removed(removed));
    if let Some(member) = remove_participant(state, id, reason, out) {
        state.recent_leavers.add(member.principal(), true, state.now.monotonic);
    }
}
