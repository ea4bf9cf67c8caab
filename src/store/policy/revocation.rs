//! What a revocation voids, and who can be deleted.

use stagedoor_proto::Timestamp;

use super::rows::UserRow;
use crate::store::admission::{Block, REVOCATION_LEEWAY};

/// Whether an app's credentials issued then are covered by a revocation since.
pub(super) fn is_revoked(issued: Timestamp, revoked: Option<Timestamp>) -> bool {
    revoked.is_some_and(|revoked| issued <= revoked + REVOCATION_LEEWAY)
}

/// Up to when credentials of a user are void once they are revoked at `now`: an earlier revocation shortens no later one.
pub(in crate::store) fn revoked_until(user: &UserRow, now: Timestamp) -> Timestamp {
    user.revoked.map_or(now, |revoked| revoked.max(now))
}

/// Whether there is a user to be deleted: one who is here, was here, was revoked or is blocked, and was not deleted
/// before. Nothing undoes a deletion, so that of a mistyped name is none.
pub(in crate::store) fn may_be_deleted(
    user: Option<&UserRow>,
    block: Option<&Block>,
    is_here: bool,
    now: Timestamp,
) -> bool {
    is_here
        || match user {
            Some(user) => !user.is_deleted,
            None => block.is_some_and(|block| block.is_in_force(now)),
        }
}
