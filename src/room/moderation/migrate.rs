//! Renamed users: penalties follow, and roles below moderator.

use stagedoor_proto::Role;

use crate::principal::{Coverage, Principal};
use crate::room::effect::Effects;
use crate::room::moderation::mute::lock_mute;
use crate::room::moderation::remove::remove_blocked;
use crate::room::moderation::roles::apply_role;
use crate::room::state::RoomState;

/// Copies the moderation state of the former principal.
pub(in crate::room) fn migrate_user(
    state: &mut RoomState,
    from: Principal<'_>,
    to: Principal<'_>,
    out: &mut Effects,
) {
    let coverage = Coverage::of(to);
    if state.records.is_locked(from) {
        lock_mute(state, &coverage, out);
    }
    // There is no request to fail: if a table is full, the role stays with the former name alone.
    if let Some(role) = state.records.role(from, Role::Moderator)
        && role != Role::Moderator
        && state.records.set_role(&coverage, role, &mut out.changes).is_ok()
    {
        apply_role(state, &coverage, out);
    }
    if state.records.migrate_blocks(from, &coverage, state.now.wall, &mut out.changes) {
        remove_blocked(state, out);
    }
}
