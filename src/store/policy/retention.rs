//! Retention of guests.

use stagedoor_proto::Timestamp;

use crate::store::admission::Block;

/// A guest not seen for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::store) struct GuestRow {
    pub(in crate::store) revoked: Option<Timestamp>,
    pub(in crate::store) block: Option<Block>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum Retention {
    /// Retained: the block of a guest covers the guest's instances.
    Retain,
    /// The instances are removed; the revocation stays.
    RetainRevocation,
    Remove,
}

/// Decides about a guest not seen since `before`.
pub(in crate::store) fn guest_retention(guest: &GuestRow, before: Timestamp) -> Retention {
    if guest.block.as_ref().is_some_and(|block| block.is_in_force(before)) {
        Retention::Retain
    } else if guest.revoked.is_some() {
        Retention::RetainRevocation
    } else {
        Retention::Remove
    }
}
