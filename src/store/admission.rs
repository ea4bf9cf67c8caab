//! Starts as the store is asked about them, and what keeps users out.
//!
//! Not here: how a start is decided (`policy`), and what a refusal means for a connection (`hub`).

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use stagedoor_proto::{Data, FamilyId, InstanceId, Timestamp};

use super::key::UserKey;

/// How much later than a revocation credentials may claim to have been issued and still be covered by it: other
/// machines' clocks differ.
pub const REVOCATION_LEEWAY: Duration = Duration::from_secs(30);

/// What an app says of a user, kept so that a restart with an access token shows it without asking anybody.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Profile {
    /// A name for display.
    pub name: Option<String>,
    /// Whatever else.
    pub properties: Option<Data>,
}

/// How a user proved who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthMethod {
    /// The name alone. Refused when the name is registered.
    Guest,
    /// An auth hook vouched for the user, who is or becomes registered.
    Hook {
        /// When the credentials were issued, where they say so: a later revocation refuses them.
        issued: Option<Timestamp>,
    },
    /// An access token of the gateway's own. Refused unless its family is the instance's.
    AccessToken {
        /// The family it belongs to.
        family: FamilyId,
        /// Whether it was minted for a guest.
        guest: bool,
        /// When its user last showed other credentials.
        authenticated: Timestamp,
        /// When it was minted; the epoch where it does not say.
        issued: Timestamp,
    },
}

/// One start, to be checked and recorded in one step.
#[derive(Clone, Debug, PartialEq)]
pub struct Admission {
    /// Who.
    pub user: UserKey,
    /// On which client instance.
    pub instance: InstanceId,
    /// From where; kept with a guest's instance.
    pub address: IpAddr,
    /// By which credentials.
    pub method: AuthMethod,
    /// What a hook says of the user; takes the place of what was known. Not read for the other methods.
    pub profile: Profile,
    /// The family that begins now, unless `method` continues one. It voids the instance's former family.
    pub new_family: FamilyId,
    /// Grows with each start of the user: of starts that race, the newest one's family stays.
    pub generation: u64,
    /// Now.
    pub now: Timestamp,
}

/// A start that was let in and recorded.
#[derive(Clone, Debug, PartialEq)]
pub struct Admitted {
    /// The family its access token belongs to.
    pub family: FamilyId,
    /// Whether the name is only borrowed.
    pub guest: bool,
    /// What is known of the user.
    pub profile: Profile,
    /// The name was a guest's until this start registered it: the guest's sessions are to be ended. Their families are
    /// void already.
    pub was_guest: bool,
}

/// Why somebody may not come in, or not stay.
#[derive(Clone, Debug, PartialEq)]
pub enum Refusal {
    /// A standing block.
    Blocked(Block),
    /// The user was deleted.
    Deleted,
    /// A guest came with a registered name.
    NameTaken,
    /// The access token's family is not the instance's, or the credentials were issued before a revocation.
    Revoked,
    /// A newer start of the instance was recorded before this one.
    Superseded {
        /// Its generation.
        generation: u64,
    },
}

/// Whether a block is a moderator's or an operator's; the close code tells them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockKind {
    /// An app-wide `force_disconnect` (4010).
    Kick,
    /// A ban by the server API (4011).
    Ban,
}

/// A block of a user from a whole app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// Whose verb it was.
    pub kind: BlockKind,
    /// Why.
    pub reason: Option<String>,
    /// Since when.
    pub since: Timestamp,
    /// Until when; `None`: for good.
    pub until: Option<Timestamp>,
}

impl Block {
    /// Whether it keeps anybody out then.
    #[must_use]
    pub fn is_in_force(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| until > now)
    }
}

/// Whom else a guest's block keeps out: other guests there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockedIdentities {
    /// On these client instances.
    pub instances: BTreeSet<InstanceId>,
    /// At these addresses, in their shortest form.
    pub addresses: BTreeSet<IpAddr>,
}

impl BlockedIdentities {
    /// Whether it is of a guest on this instance, at this address.
    #[must_use]
    pub fn includes(&self, instance: &InstanceId, address: IpAddr) -> bool {
        self.instances.contains(instance) || self.addresses.contains(&address.to_canonical())
    }
}

/// Somebody to be checked who is in already: on resume, renewal and joining.
#[derive(Clone, Debug, PartialEq)]
pub struct Check {
    /// Who.
    pub user: UserKey,
    /// On which client instance.
    pub instance: InstanceId,
    /// From where.
    pub address: IpAddr,
    /// The family of their access token.
    pub family: FamilyId,
    /// Now.
    pub now: Timestamp,
}
