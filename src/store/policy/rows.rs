//! The rows that decisions are made from.

use std::net::IpAddr;

use stagedoor_proto::{FamilyId, InstanceId, Timestamp};

use crate::store::admission::{Block, Profile};

/// What is known of a user. The default is nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::store) struct UserRow {
    /// Whether the name belongs to a user; otherwise it is a guest's, or free.
    pub(in crate::store) is_registered: bool,
    pub(in crate::store) profile: Profile,
    /// When the user was last seen; `None` of a name that was only revoked or deleted.
    pub(in crate::store) seen: Option<Timestamp>,
    /// Credentials issued before are void.
    pub(in crate::store) revoked: Option<Timestamp>,
    pub(in crate::store) is_deleted: bool,
}

/// What is known of a user on one client instance.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::store) struct InstanceRow {
    /// Of the start that began the family.
    pub(in crate::store) generation: u64,
    /// The family whose access tokens are good; `None`: it was voided.
    pub(in crate::store) family: Option<FamilyId>,
    /// The family before that, or the one that was voided.
    pub(in crate::store) former_family: Option<FamilyId>,
    /// Of a guest, in its shortest form.
    pub(in crate::store) address: Option<IpAddr>,
    pub(in crate::store) seen: Timestamp,
}

/// What a start is decided from.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::store) struct AdmissionRows {
    pub(in crate::store) user: UserRow,
    pub(in crate::store) instance: Option<InstanceRow>,
    /// The user's block; then, of a guest, those that reach its instance, and those that reach its address.
    pub(in crate::store) blocks: Vec<Block>,
    /// Rows written since then may have been lost when the machine failed.
    pub(in crate::store) lost_after: Option<Timestamp>,
}

/// An instance on which a user was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::store) struct KnownInstance {
    pub(in crate::store) instance: InstanceId,
    pub(in crate::store) address: Option<IpAddr>,
}
