//! What a revocation voids, and who can be deleted.

use stagedoor_proto::Timestamp;

use super::rows::UserRow;
use crate::store::admission::{Block, REVOCATION_LEEWAY};

/// Whether a revocation covers credentials issued at `issued`.
pub(super) fn is_revoked(issued: Timestamp, revoked: Option<Timestamp>) -> bool {
    revoked.is_some_and(|revoked| issued <= revoked + REVOCATION_LEEWAY)
}

/// The revocation time to store. It never moves back.
pub(in crate::store) fn revoked_until(user: &UserRow, now: Timestamp) -> Timestamp {
    user.revoked.map_or(now, |revoked| revoked.max(now))
}

/// Whether a user can be deleted: connected, seen, revoked or blocked, and not deleted before. A deletion is permanent,
/// so an unknown name, which may be mistyped, is rejected.
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
