//! Admission requests, their results, and blocks of users.
//!
//! Not here: the decision (`policy`), and the close code of a rejected start (`hub`).

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use stagedoor_proto::{ActiveBlock, Data, FamilyId, InstanceId, Timestamp, Username};

use super::key::UserKey;
use crate::address::network;
use crate::blocks::BlockSetter;
use crate::grant::Grant;
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
        position: TokenPosition,
    },
}

/// The position of an access token in its family.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TokenPosition {
    /// Larger than that of every token issued before.
    pub serial: u64,
    /// The serial number of the token that it replaces.
    pub previous: u64,
}

/// The credentials that a session lives by. They decide how it can be renewed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CredentialSource {
    /// A name alone.
    Guest,
    /// A session token, which bounds the session.
    SessionToken,
    /// A hook of the app that set no expiry.
    Hook,
    /// A hook of the app that bounded the session.
    BoundedHook,
    /// The app's api token.
    ApiToken,
}

/// What the tokens of a family grant: that of its last start with other credentials, or of its last renewal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FamilyGrant {
    pub grant: Grant,
    pub source: CredentialSource,
    /// When the user last presented other credentials than an access token.
    pub authenticated: Timestamp,
    /// When the app issued these credentials, if they were a session token; the epoch if it did not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_issued: Option<Timestamp>,
    pub expires: Timestamp,
}

/// The tokens of a family.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FamilyTokens {
    /// The serial number of the last token.
    pub serial: u64,
    /// That of the newest token with which a session was started. 0: none was.
    pub used: u64,
    /// That of the token before it. An older one has been copied: its start voids the family.
    pub before_used: u64,
    /// The number of the last recorded renewal, at most `serial`.
    pub renewal: u64,
    /// `None`: what each token says.
    pub granted: Option<FamilyGrant>,
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
    /// What the credentials grant.
    pub granted: FamilyGrant,
    /// The token family to begin, unless `method` continues one. It voids the instance's former family.
    pub new_family: FamilyId,
    /// For a guest of an app with exclusive guest names.
    pub names: Option<NameClaim>,
    /// For a registered user; `None`: any number of instances is remembered.
    pub instances: Option<InstanceLimit>,
    /// Maximum number of client instances of guests in the app, for a new one.
    pub max_guests: usize,
    /// Increases with each start of the user. Of concurrent starts, the family of the highest one stays.
    pub generation: u64,
    /// The app's `revocation_leeway`.
    pub revocation_leeway: Duration,
    pub now: Timestamp,
}

/// A guest's claim to an exclusive name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NameClaim {
    /// The proof of the session that the guest continues under the same name.
    pub proved: Option<FamilyId>,
    /// The proofs of guests with a session under the name on other instances.
    pub holders: Vec<FamilyId>,
    /// How long after a guest was last seen its name stays reserved, while a room or the app holds something of it.
    pub retention: Duration,
    /// A new client instance is rejected if guests of its address reserve this number of other names.
    pub max_reserved: usize,
}

/// The maximum number of client instances that are remembered of a registered user.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InstanceLimit {
    pub count: usize,
    /// The lifetime of access tokens.
    pub access_ttl: Duration,
    /// Instances with a session, which stay.
    pub live: Vec<InstanceId>,
}

/// A start that was admitted and recorded.
#[derive(Clone, Debug, PartialEq)]
pub struct Admitted {
    pub family: FamilyId,
    /// The position of the next token of the family, which the start issues.
    pub position: TokenPosition,
    /// What the family's tokens grant now.
    pub granted: FamilyGrant,
    /// Whether the name is not registered.
    pub guest: bool,
    pub profile: Profile,
    /// The instance's family that this start replaced; `None` if it began none.
    pub former: Option<FormerFamily>,
    /// The time of the user's last revocation.
    pub revoked: Option<Timestamp>,
    /// The proof of a guest with an exclusive name. Sessions with one proof are one person.
    pub proof: Option<FamilyId>,
    /// Of a guest: the last registered user of the instance, whose penalties apply to the guest too.
    pub registered: Option<Username>,
    /// Number of the user's other instances that were forgotten. Their access tokens are void.
    pub forgotten: usize,
    /// This start registered a name that a guest used. The caller ends the guest's sessions; their families are void
    /// already.
    pub was_guest: bool,
}

/// The token family of an instance before a start began another. The default is that of a new instance.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FormerFamily {
    /// The generation of the start that began it.
    pub generation: u64,
    /// `None`: it was voided.
    pub family: Option<FamilyId>,
    /// The family before it.
    pub former_family: Option<FamilyId>,
    pub tokens: FamilyTokens,
}

/// Why a start was rejected, or a session may not continue.
#[derive(Clone, Debug, PartialEq)]
pub enum Refusal {
    Blocked(Block),
    Deleted,
    /// A guest used a registered name.
    NameTaken,
    /// Another guest holds the exclusive name.
    NameHeld {
        /// When it is released, if nothing extends that. `None`: the holder has a session.
        until: Option<Timestamp>,
    },
    /// Guests of the address reserve so many other names. Those who have a session do not count: the caller knows them.
    NamesReserved(Vec<Username>),
    /// The app has `max_guests`.
    TooManyGuests,
    /// The access token's family is not the current one.
    Revoked,
    /// The access token is older than the one before the newest used one, so that it was copied. The caller voids the
    /// family.
    Reused {
        family: FamilyId,
    },
    /// The family's grant has expired, by a renewal after the access token was issued.
    Expired,
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

/// The guests that a block covers if it does not cover a registered user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockedGuests {
    /// Covered under any name.
    pub instances: BTreeSet<InstanceId>,
    /// Whether all guests of the name are covered, and the instances on which they are known.
    pub by_name: bool,
}

/// A check of a user whose session has started: on resume, renewal and join.
#[derive(Clone, Debug, PartialEq)]
pub struct Check {
    pub user: UserKey,
    pub instance: InstanceId,
    pub address: IpAddr,
    /// The family of the session's access token.
    pub family: FamilyId,
    /// When the session's user last presented other credentials than an access token.
    pub authenticated: Timestamp,
    /// When the app issued them, if they were a session token.
    pub token_issued: Option<Timestamp>,
    /// The app's `revocation_leeway`.
    pub revocation_leeway: Duration,
    pub now: Timestamp,
}

/// A user who passed a [`Check`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CheckedUser {
    /// The time of the user's last revocation. Auth tokens and the user's room tokens issued before it are void.
    pub revoked: Option<Timestamp>,
    /// The time of the app's last revocation. All tokens issued before it are void.
    pub app_revoked: Option<Timestamp>,
}

/// A renewal of a session, whose access token continues the family.
#[derive(Clone, Debug, PartialEq)]
pub struct FamilyRenewal {
    pub user: UserKey,
    pub instance: InstanceId,
    pub family: FamilyId,
    /// Larger than that of every renewal that arrived before, and than the serial number of the session's first token.
    pub number: u64,
    pub granted: FamilyGrant,
    pub now: Timestamp,
}
