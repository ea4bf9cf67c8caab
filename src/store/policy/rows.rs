//! Rows that decisions read.

use std::net::IpAddr;

use stagedoor_proto::{FamilyId, InstanceId, Timestamp, Username};

use crate::store::admission::{Block, FamilyTokens, Profile};

/// A user. The default is an unknown one.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::store) struct UserRow {
    /// Otherwise a guest uses the name, or no user does.
    pub(in crate::store) is_registered: bool,
    pub(in crate::store) profile: Profile,
    /// `None`: the name was only revoked or deleted.
    pub(in crate::store) seen: Option<Timestamp>,
    /// Credentials issued before this time are void.
    pub(in crate::store) revoked: Option<Timestamp>,
    pub(in crate::store) is_deleted: bool,
}

/// A user on one client instance.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::store) struct InstanceRow {
    /// The generation of the start that began the family.
    pub(in crate::store) generation: u64,
    /// The family of valid access tokens. `None`: it was voided.
    pub(in crate::store) family: Option<FamilyId>,
    /// The previous family, or the one that was voided.
    pub(in crate::store) former_family: Option<FamilyId>,
    pub(in crate::store) tokens: FamilyTokens,
    /// A guest's address, canonical.
    pub(in crate::store) address: Option<IpAddr>,
    /// The proof of a guest with an exclusive name.
    pub(in crate::store) proof: Option<FamilyId>,
    pub(in crate::store) seen: Timestamp,
}

/// An instance of a guest, for which the app or a room holds a penalty, a role or an exemption.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::store) struct ReservingInstance {
    /// Whether it is the instance that starts.
    pub(in crate::store) is_own: bool,
    /// `None`: its last session had a shared name.
    pub(in crate::store) proof: Option<FamilyId>,
    pub(in crate::store) seen: Timestamp,
}

/// The rows that decide a start.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::store) struct AdmissionRows {
    pub(in crate::store) user: UserRow,
    pub(in crate::store) instance: Option<InstanceRow>,
    /// Of a guest: the last registered user of the instance.
    pub(in crate::store) registered: Option<Username>,
    /// The user's block. For a guest, also those that cover its instance or its address, or `registered`.
    pub(in crate::store) blocks: Vec<Block>,
    /// For a claim to an exclusive name: the instances that reserve it.
    pub(in crate::store) reserving: Vec<ReservingInstance>,
    /// For a claim by a new instance: other names that guests of its address reserve.
    pub(in crate::store) reserved: Vec<Username>,
    /// Client instances of guests that the app has.
    pub(in crate::store) guests: usize,
    /// Rows written after this time may have been lost in a machine failure.
    pub(in crate::store) lost_after: Option<Timestamp>,
    /// Credentials of the app issued before this time are void.
    pub(in crate::store) app_revoked: Option<Timestamp>,
}

/// The rows that decide a check.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::store) struct CheckRows {
    /// Otherwise a guest uses the name, or no user does.
    pub(in crate::store) is_registered: bool,
    /// When the user was seen.
    pub(in crate::store) seen: Option<Timestamp>,
    /// Credentials issued before this time are void.
    pub(in crate::store) revoked: Option<Timestamp>,
    pub(in crate::store) is_deleted: bool,
    pub(in crate::store) instance: Option<CheckedInstance>,
    /// As for a start.
    pub(in crate::store) blocks: Vec<Block>,
    /// Credentials of the app issued before this time are void.
    pub(in crate::store) app_revoked: Option<Timestamp>,
}

/// What a check needs of a user on one client instance.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::store) struct CheckedInstance {
    /// The family of valid access tokens. `None`: it was voided.
    pub(in crate::store) family: Option<FamilyId>,
    /// A guest's address, canonical.
    pub(in crate::store) address: Option<IpAddr>,
    pub(in crate::store) seen: Timestamp,
}

/// An instance on which a user was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::store) struct KnownInstance {
    pub(in crate::store) instance: InstanceId,
    pub(in crate::store) address: Option<IpAddr>,
}
