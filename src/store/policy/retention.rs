//! Which guests are removed.

use stagedoor_proto::Timestamp;

use crate::store::admission::Block;

/// A guest who was not seen for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::store) struct GuestRow {
    pub(in crate::store) revoked: Option<Timestamp>,
    pub(in crate::store) block: Option<Block>,
}

/// What becomes of such a guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum Retention {
    /// It stays: the instances of a blocked guest are what its block reaches.
    Retain,
    /// Its visits are removed, its revocation stays.
    RetainRevocation,
    Remove,
}

/// Whether a guest who was not seen since `before` is removed.
pub(in crate::store) fn guest_retention(guest: &GuestRow, before: Timestamp) -> Retention {
    if guest.block.as_ref().is_some_and(|block| block.is_in_force(before)) {
        Retention::Retain
    } else if guest.revoked.is_some() {
        Retention::RetainRevocation
    } else {
        Retention::Remove
    }
}
