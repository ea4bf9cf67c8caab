//! Which session of a user holds which client instance: the rows, and what is asked of them.
//!
//! A start *prepares* before it asks the store whether the user is welcome, and *claims* after. So a ban, which writes
//! first and then moves the user's fence, always meets it: a start that was prepared before the ban prepares again.
//! Generations follow the moment of arrival; of racing claims of an instance the highest generation is held in the end,
//! in whatever order they are made.

mod key;
mod rows;
mod table;

pub use key::DirectoryKey;
pub(super) use table::Table;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use stagedoor_proto::{ClientInfo, FamilyId, InstanceId, SessionId, Timestamp};

use crate::config::DuplicatePolicy;
use crate::grant::Grant;
use crate::room::NodeEpoch;
use crate::session::SecretHash;
use crate::store::UserKey;

/// One client instance of a user, and the session that holds it.
#[derive(Clone, Debug, PartialEq)]
pub struct SessionRow {
    /// The client instance.
    pub instance: InstanceId,
    /// The session.
    pub session: SessionId,
    /// The generation of its newest connection.
    pub generation: u64,
    /// The node that has the session.
    pub node: NodeEpoch,
    /// Whether it has a connection, as far as its node said.
    pub is_live: bool,
    /// What it takes to go on with the session when its node is lost; kept where there are other nodes.
    pub record: Option<Arc<SessionRecord>>,
}

/// A session without its replay buffer.
#[derive(Clone, Debug, PartialEq)]
pub struct SessionRecord {
    /// The user.
    pub user: UserKey,
    /// Whether the user is a guest.
    pub guest: bool,
    /// The family of its access token.
    pub family: FamilyId,
    /// The client's software.
    pub client: Option<Box<ClientInfo>>,
    /// The address from which it started.
    pub address: IpAddr,
    /// The `User-Agent` with which it started.
    pub user_agent: Option<Box<str>>,
    /// When it started.
    pub started: Timestamp,
    /// What its credentials allow.
    pub grant: Arc<Grant>,
    /// When the user was last fully authenticated.
    pub authenticated: Timestamp,
    /// When it expires.
    pub expires: Timestamp,
}

/// The rules a claim is held to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClaimRules {
    /// Who gives way when an instance connects twice.
    pub policy: DuplicatePolicy,
    /// Sessions a user may have; at least 1.
    pub max_sessions: usize,
}

/// The beginning of a start.
#[derive(Clone, Debug)]
pub struct Prepare {
    /// The user that starts.
    pub user: UserKey,
    /// On which client instance.
    pub instance: InstanceId,
    /// How long ago the attempt arrived, by the monotonic clock of its node.
    pub age: Duration,
    /// The generation is not below this.
    pub at_least: u64,
    /// What the claim will be held to.
    pub rules: ClaimRules,
    /// Whether a guest starts: of guests, only the claim says which sessions count together.
    pub is_guest: bool,
}

/// How a start stands before the store is asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Prepared {
    /// The user's fence; the claim names it.
    pub fence: u64,
    /// The generation that the claim will have: microseconds of the engine's clock at the attempt's arrival.
    pub generation: u64,
    /// The newest generation that any attempt of this user had before.
    pub newest: u64,
    /// The newest generation that held the instance; 0 for none. An attempt that is not newer has come too late.
    pub held: u64,
    /// The session that keeps the start out unless it proves dead, where the policy protects it.
    pub protected: Option<SessionRow>,
}

/// A start that the store has admitted.
#[derive(Clone, Debug)]
pub struct Claim {
    /// The user.
    pub user: UserKey,
    /// The client instance that is claimed.
    pub instance: InstanceId,
    /// The guest's proof; sessions with one proof count together. `None`: a registered user.
    pub guest: Option<FamilyId>,
    /// The session that claims it.
    pub session: SessionId,
    /// As it was prepared.
    pub generation: u64,
    /// As it was prepared.
    pub fence: u64,
    /// The hash of the session's resume secret.
    pub secret: SecretHash,
    /// The rules it is held to.
    pub rules: ClaimRules,
    /// The generation of a protected session that proved dead.
    pub evict: Option<u64>,
    /// What other nodes need to go on with it.
    pub record: Option<Arc<SessionRecord>>,
}

/// What a claim came to.
#[derive(Clone, Debug, PartialEq)]
pub enum Claimed {
    /// The session holds its instance; these gave way to it.
    Held {
        /// Those of this node are the caller's to end; the nodes of others were notified.
        displaced: Vec<SessionRow>,
    },
    /// What the store said may have changed: prepare again.
    Fenced,
    /// A newer attempt holds the instance, or held it.
    Superseded,
    /// An older session is protected by the policy.
    Protected(Box<SessionRow>),
}

/// A session whose row was given to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Displaced {
    /// The user.
    pub user: UserKey,
    /// The session that lost its instance.
    pub session: SessionId,
    /// The generation by which it held it: a connection with a higher one is not meant.
    pub generation: u64,
}

/// A resume on a node.
#[derive(Clone, Debug)]
pub struct Move {
    /// The user's place in the directory, from the resume secret.
    pub user: DirectoryKey,
    /// The session that is resumed.
    pub session: SessionId,
    /// How long ago the attempt arrived, by the monotonic clock of its node.
    pub age: Duration,
    /// The hash of the secret that the client showed. Where the row is of this node, its session decides about it.
    pub shown: SecretHash,
    /// The hash of the next secret.
    pub next: SecretHash,
}

/// What a move came to.
#[derive(Clone, Debug, PartialEq)]
pub enum Moved {
    /// The row is of this node.
    Here {
        /// The generation of the new connection.
        generation: u64,
        /// The row as it was.
        former: Box<SessionRow>,
    },
    /// No such session is held, or the secret is not its own.
    Denied,
}

/// A row that a node held before.
#[derive(Clone, Debug)]
pub struct Restore {
    /// The user.
    pub user: UserKey,
    /// The guest's proof. `None`: a registered user.
    pub guest: Option<FamilyId>,
    /// The client instance.
    pub instance: InstanceId,
    /// The session.
    pub session: SessionId,
    /// The generation of its newest connection.
    pub generation: u64,
    /// What other nodes need to go on with it.
    pub record: Option<Arc<SessionRecord>>,
}
