//! The moderation state that follows a renamed user.

use stagedoor_proto::{Timestamp, Username};

use crate::room::{BlockRow, DurableChange, MuteOverride};

/// The change of `to` that corresponds to a change of the former name. `None`: it does not follow the user. `own` is
/// the block of `to` in the room; one in force is never shortened and loses no instance.
///
/// An open room applies the same rules in `room`.
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
        // An exemption is not a restriction; the others are not about a user.
        DurableChange::Mute { .. }
        | DurableChange::Unblocked { .. }
        | DurableChange::Room { .. }
        | DurableChange::Ended { .. }
        | DurableChange::Redeemed(_)
        | DurableChange::Occupied
        | DurableChange::Emptied { .. } => None,
    }
}
