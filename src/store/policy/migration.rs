//! What follows a user to another name in a room.

use stagedoor_proto::{Timestamp, Username};

use crate::room::{BlockRow, DurableChange, MuteOverride};

/// What of a fact about a user holds for `to` as well; nothing where it stays behind. `own` is the block that `to` has
/// in the room: one that is in force is made no shorter, nor forgets an instance.
///
/// A room that is open decides by the same rules in `room`.
pub(in crate::store) fn migrated(
    fact: DurableChange,
    own: Option<BlockRow>,
    to: &Username,
    now: Timestamp,
) -> Option<DurableChange> {
    let username = to.clone();
    match fact {
        DurableChange::Blocked(row) => {
            let mut row = BlockRow { username, ..row };
            if let Some(own) = own.filter(|own| own.until > now) {
                row.until = row.until.max(own.until);
                row.instances.extend(own.instances);
            }
            Some(DurableChange::Blocked(row))
        }
        DurableChange::Mute { mute: Some(MuteOverride::Locked), .. } => {
            Some(DurableChange::Mute { username, mute: Some(MuteOverride::Locked) })
        }
        DurableChange::Role { role, .. } => Some(DurableChange::Role { username, role }),
        // To be spared is no burden; the others are not of a user.
        DurableChange::Mute { .. }
        | DurableChange::Unblocked { .. }
        | DurableChange::Room { .. }
        | DurableChange::Ended { .. }
        | DurableChange::Redeemed(_)
        | DurableChange::Occupied
        | DurableChange::Emptied { .. } => None,
    }
}
