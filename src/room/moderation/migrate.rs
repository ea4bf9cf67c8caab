//! Renamed users: mute, role and block follow.

use stagedoor_proto::Username;

use crate::room::durable::rows::BlockRow;
use crate::room::effect::Effects;
use crate::room::moderation::mute::lock_mute;
use crate::room::moderation::remove::remove_blocked;
use crate::room::moderation::roles::apply_role;
use crate::room::state::RoomState;

/// Copies the moderation state of the former name.
pub(in crate::room) fn migrate_user(
    state: &mut RoomState,
    from: &Username,
    to: &Username,
    out: &mut Effects,
) {
    if from == to {
        return;
    }
    if state.records.is_locked(from) {
        lock_mute(state, to, out);
    }
    // There is no request to fail: if a table is full, the role stays with the former name alone.
    if let Some(role) = state.records.role(from)
        && state.records.set_role(to, role, &mut out.changes).is_ok()
    {
        apply_role(state, to, role, out);
    }
    if let Some(row) = state.records.block_of(from).filter(|row| row.until > state.now).cloned() {
        let row = BlockRow { username: to.clone(), ..row };
        if state.records.block(row, state.now, &mut out.changes).is_ok() {
            remove_blocked(state, out);
        }
    }
}
