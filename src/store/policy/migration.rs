//! What follows a user to another name in a room.

use stagedoor_proto::{Timestamp, Username};

use crate::room::{BlockRow, Fact, Voice};

/// What of a fact about a user holds for `to` as well; nothing where it stays behind. `own` is the block that `to` has
/// in the room: one that is in force is made no shorter, nor forgets an instance.
///
/// A room that is open decides by the same rules in `room`.
pub(in crate::store) fn migrated(
    fact: Fact,
    own: Option<BlockRow>,
    to: &Username,
    now: Timestamp,
) -> Option<Fact> {
    let username = to.clone();
    match fact {
        Fact::Blocked(row) => {
            let mut row = BlockRow { username, ..row };
            if let Some(own) = own.filter(|own| own.until > now) {
                row.until = row.until.max(own.until);
                row.instances.extend(own.instances);
            }
            Some(Fact::Blocked(row))
        }
        Fact::Voice { voice: Some(Voice::Locked), .. } => {
            Some(Fact::Voice { username, voice: Some(Voice::Locked) })
        }
        Fact::Role { role, .. } => Some(Fact::Role { username, role }),
        // To be spared is no burden; the others are not of a user.
        Fact::Voice { .. }
        | Fact::Unblocked { .. }
        | Fact::Room { .. }
        | Fact::Ended { .. }
        | Fact::Spent(_)
        | Fact::Occupied
        | Fact::Emptied { .. } => None,
    }
}
