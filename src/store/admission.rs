//! Admission requests, their results, and blocks of users.
//!
//! Not here: the decision (`policy`), and the close code of a rejected start (`hub`).

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use stagedoor_proto::{ActiveBlock, Data, FamilyId, InstanceId, Timestamp};

use super::key::UserKey;
use crate::address::network;
use crate::blocks::BlockSetter;
use crate::revocation::Issued;

/// What an app reports about a user. Stored, so that a restart with an access token needs no auth hook.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Profile {
    /// The display name.
    pub name: Option<String>,
    /// Application data, opaque to the gateway.
    pub properties: Option<Data>,
}

/// How a user authenticated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthMethod {
    /// By name alone. Rejected if the name is registered.
    Guest,
    /// An auth hook authenticated the user. Registers the name.
    Hook {
        /// When the credentials were issued. `None`: the hook verified them itself, during this start.
        issued: Option<Issued>,
    },
    /// An access token of the gateway. Rejected unless its family is the current one of the instance.
    AccessToken {
        family: FamilyId,
        guest: bool,
        /// When the user last presented other credentials.
        authenticated: Timestamp,
        /// When the token was minted; the epoch if it does not say.
        issued: Timestamp,
    },
}

/// A start to check and record in one transaction.
#[derive(Clone, Debug, PartialEq)]
pub struct Admission {
    pub user: UserKey,
    pub instance: InstanceId,
    /// The client's address. Stored for guests only.
    pub address: IpAddr,
    pub method: AuthMethod,
    /// The profile from an auth hook; replaces the stored one. Ignored for other methods.
    pub profile: Profile,
    /// The token family to begin, unless `method` continues one. It voids the instance's former family.
    pub new_family: FamilyId,
    /// Increases with each start of the user. Of concurrent starts, the family of the highest one stays.
    pub generation: u64,
    /// The app's `revocation_leeway`.
    pub revocation_leeway: Duration,
    pub now: Timestamp,
}

/// A start that was admitted and recorded.
#[derive(Clone, Debug, PartialEq)]
pub struct Admitted {
    pub family: FamilyId,
    /// Whether the name is not registered.
    pub guest: bool,
    pub profile: Profile,
    /// The instance's family that this start replaced; `None` if it began none.
    pub former: Option<FormerFamily>,
    /// The time of the user's last revocation.
    pub revoked: Option<Timestamp>,
    /// This start registered a name that a guest used. The caller ends the guest's sessions; their families are void
    /// already.
    pub was_guest: bool,
}

/// The token family of an instance before a start began another. The default is that of a new instance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FormerFamily {
    /// The generation of the start that began it.
    pub generation: u64,
    /// `None`: it was voided.
    pub family: Option<FamilyId>,
    /// The family before it.
    pub former_family: Option<FamilyId>,
}

/// Why a start was rejected, or a session may not continue.
#[derive(Clone, Debug, PartialEq)]
pub enum Refusal {
    Blocked(Block),
    Deleted,
    /// A guest used a registered name.
    NameTaken,
    /// The access token's family is not the current one.
    Revoked,
    /// The credentials were issued before a revocation.
    IssuedBeforeRevocation {
        /// How long the client waits before it fetches a token.
        retry_after: Option<Duration>,
    },
    /// A newer start of the same instance was recorded first.
    Superseded {
        /// The generation of the newer start.
        generation: u64,
    },
}

/// The command that set a block. Decides the close code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BlockKind {
    /// A moderator, by an app-wide `force_disconnect` (4010).
    Kick,
    /// An operator, by a ban through the server API (4011).
    Ban,
}

/// A block of a user from an app.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Block {
    pub kind: BlockKind,
    pub set_by: BlockSetter,
    pub reason: Option<String>,
    pub since: Timestamp,
    /// `None`: until it is lifted.
    pub until: Option<Timestamp>,
}

impl Block {
    #[must_use]
    pub fn is_in_force(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| until > now)
    }

    /// [`Timestamp::MAX`]: until it is lifted.
    #[must_use]
    pub fn end(&self) -> Timestamp {
        self.until.unwrap_or(Timestamp::MAX)
    }

    #[must_use]
    pub const fn active(&self) -> ActiveBlock {
        ActiveBlock { set_by: self.set_by.slot(), until_ms: self.until }
    }
}

/// The instances and addresses covered by a guest's block. Other guests on them are rejected too.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockedIdentities {
    pub instances: BTreeSet<InstanceId>,
    /// As [`network`] makes them of addresses.
    pub addresses: BTreeSet<IpAddr>,
}

impl BlockedIdentities {
    /// Whether the block covers a guest on this instance or address.
    #[must_use]
    pub fn includes(&self, instance: &InstanceId, address: IpAddr) -> bool {
        self.instances.contains(instance) || self.addresses.contains(&network(address))
    }
}

/// A check of a user whose session has started: on resume, renewal and join.
#[derive(Clone, Debug, PartialEq)]
pub struct Check {
    pub user: UserKey,
    pub instance: InstanceId,
    pub address: IpAddr,
    /// The family of the session's access token.
    pub family: FamilyId,
    pub now: Timestamp,
}

/// A user who passed a [`Check`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CheckedUser {
    /// The time of the user's last revocation. Room tokens and auth tokens issued before it are void.
    pub revoked: Option<Timestamp>,
}
