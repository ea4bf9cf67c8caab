//! Role changes of a participant.
//!
//! When capabilities are lost, the streams, subscriptions and session feed that need them end.

use stagedoor_proto::{Outcome, ParticipantId, Push, Role, RoleChanged, StreamEndReason};

use crate::room::effect::{Audience, Effects, Everywhere};
use crate::room::permissions::{ScopeSet, capabilities, retains_all};
use crate::room::state::RoomState;
use crate::room::streams::end::end_stream;
use crate::room::streams::subscriptions::drop_subscriptions;
use crate::room::visibility::audience::{audience_about, promotion_audience, push_joined};

/// Sets a participant's role and scopes.
pub(in crate::room) fn assign(
    state: &mut RoomState,
    id: ParticipantId,
    role: Role,
    scopes: ScopeSet,
    out: &mut Effects,
) {
    let Some(member) = state.participants.find_mut(id) else { return };
    member.scopes = scopes;
    let (session, former, before) = (member.session, member.role, member.capabilities);
    let streams = member.streams.clone();
    let after = capabilities(role, scopes, state.settings.subscriber_signals);
    if former == role && before == after {
        return;
    }
    if !retains_all(before, after) {
        out.add(Everywhere::Withdraw(Audience::One(session)));
    }
    if before.publish && !after.publish {
        for stream in streams {
            end_stream(state, stream, StreamEndReason::ForceUnpublished, Outcome::Enforced, out);
        }
    }
    if before.subscribe && !after.subscribe {
        drop_subscriptions(state, id, out);
    }
    if before.moderate && !after.moderate {
        state.feed.unwatch(id);
    }
    let about = audience_about(state, id);
    state.participants.assign(id, role, after);
    state.feed.mark_changed(id);
    if former != role {
        if let Some(about) = about {
            let (room, version) = (state.id.clone(), state.version);
            let changed = RoleChanged { room, version, participant: id, role, capabilities: None };
            out.push(about.except(session), Push::RoleChanged(changed));
        }
        if let Some(audience) = promotion_audience(state, id, former, role) {
            push_joined(state, id, audience, out);
        }
    }
}
