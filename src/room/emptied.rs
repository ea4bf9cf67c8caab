//! Emptied rooms: whether a room has to be retained for what its next participants need and the store does not have.

use stagedoor_proto::{Reply, Role};

use crate::principal::Principal;
use crate::room::state::RoomState;
use crate::time::Monotonic;

/// Whether the room is empty and every moderation command in it has its outcomes.
pub(super) fn is_settled(state: &RoomState) -> bool {
    state.participants.is_empty() && !state.receipts.has_pending()
}

/// Whether a room remembers the answer to a moderation command under its `ref`, a leaver who carries a penalty, or one
/// who left the locked room.
pub(super) fn has_memory(state: &RoomState, now: Monotonic) -> bool {
    let is_moderation = |reply: &Reply| matches!(reply, Reply::Accepted(_));
    let matters = |who: Principal<'_>| state.records.locked || has_records_of(state, who);
    state.refs.any_recent(now, is_moderation) || state.recent_leavers.any_recent(now, matters)
}

/// Whether the room has a mute, role or block of a user.
pub(super) fn has_records_of(state: &RoomState, user: Principal<'_>) -> bool {
    let (records, now) = (&state.records, state.now.wall);
    records.is_locked(user)
        || records.role(user, Role::Moderator).is_some()
        || records.blocked(user, now).is_some()
}
