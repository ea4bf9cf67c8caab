//! The directory of sessions: which session holds which client instance of a user.
//!
//! A start *prepares* before it asks the store whether the user is blocked, and *claims* after. A ban writes
//! first and then moves the user's fence, so no start misses it: a start prepared before the ban prepares again.
//! Generations follow the time of arrival; of racing claims of an instance the highest generation wins,
//! in any order of the claims.

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
    pub instance: InstanceId,
    pub session: SessionId,
    /// The generation of its newest connection.
    pub generation: u64,
    /// The node that serves the session.
    pub node: NodeEpoch,
    /// Whether the session has a connection, as its node last reported.
    pub is_live: bool,
    /// The data to restore the session after its node is lost; `None` without other nodes.
    pub record: Option<Arc<SessionRecord>>,
}

/// A session without its replay buffer.
#[derive(Clone, Debug, PartialEq)]
pub struct SessionRecord {
    pub user: UserKey,
    /// Whether the user is a guest.
    pub guest: bool,
    pub family: FamilyId,
    pub client: Option<Box<ClientInfo>>,
    pub address: IpAddr,
    pub user_agent: Option<Box<str>>,
    pub started: Timestamp,
    pub grant: Arc<Grant>,
    pub authenticated: Timestamp,
    /// When the access token expires.
    pub expires: Timestamp,
}

/// The policy for a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClaimRules {
    /// Which session wins when an instance connects twice.
    pub policy: DuplicatePolicy,
    /// Maximum number of sessions of a user; at least 1.
    pub max_sessions: usize,
    /// Whether a guest name belongs to the guests of one proof.
    pub exclusive_names: bool,
}

/// Guests of one proof with a session under a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NameHolder {
    pub proof: FamilyId,
    /// Whether one of them has a connection, as its node last reported.
    pub is_live: bool,
}

/// A guest's session whose secret the client of another start has.
#[derive(Clone, Debug, PartialEq)]
pub struct ProvedSession {
    pub proof: FamilyId,
    pub row: SessionRow,
}

/// The arguments of [`Engine::prepare`](super::Engine::prepare).
#[derive(Clone, Debug)]
pub struct Prepare {
    pub user: DirectoryKey,
    pub instance: InstanceId,
    /// How long ago the attempt arrived, by the monotonic clock of its node.
    pub age: Duration,
    /// Minimum generation.
    pub at_least: u64,
    /// The policy for the claim.
    pub rules: ClaimRules,
    /// Whether a guest starts: of guests, only the claim says which sessions count together.
    pub is_guest: bool,
    /// A session that the start continues, with the hash of the secret that the client has for it.
    pub previous: Option<(SessionId, SecretHash)>,
}

/// A prepared start, before the store is asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Prepared {
    /// The user's fence, which the claim must repeat.
    pub fence: u64,
    /// The generation of the claim: microseconds of the engine's clock at the arrival of the attempt.
    pub generation: u64,
    /// The newest generation of earlier attempts of this user.
    pub newest: u64,
    /// The newest generation that held the instance; 0 for none. An attempt that is not newer comes too late.
    pub held: u64,
    /// The protected session that rejects the start unless it is dead.
    pub protected: Option<SessionRow>,
    /// Guests with the exclusive name on other instances. At most two: one of them is another person, if any is.
    pub holders: Vec<NameHolder>,
    /// The instances of a registered user that have a session.
    pub live: Vec<InstanceId>,
    /// The session that the start continues, if it is a guest's session under this name and the secret is right.
    pub proved: Option<Box<ProvedSession>>,
}

/// A start that the store has admitted.
#[derive(Clone, Debug)]
pub struct Claim {
    pub user: UserKey,
    /// The directory key of `user`.
    pub key: DirectoryKey,
    pub instance: InstanceId,
    /// The guest's proof; sessions with one proof count together. `None`: a registered user.
    pub guest: Option<FamilyId>,
    pub session: SessionId,
    /// From [`Prepared`].
    pub generation: u64,
    /// From [`Prepared`].
    pub fence: u64,
    /// The hash of the session's resume secret.
    pub secret: SecretHash,
    pub rules: ClaimRules,
    /// The generation of a protected session that was found dead.
    pub evict: Option<u64>,
    /// The data with which other nodes can restore the session.
    pub record: Option<Arc<SessionRecord>>,
}

/// The result of a claim.
#[derive(Clone, Debug, PartialEq)]
pub enum Claimed {
    /// The session holds its instance, and displaced these sessions.
    Held {
        /// The caller ends those of this node; the nodes of others were notified.
        displaced: Vec<SessionRow>,
    },
    /// The user may have been blocked since: prepare again.
    Fenced,
    Superseded,
    /// The policy protects an older session.
    Protected(Box<SessionRow>),
    /// Another guest holds the exclusive name.
    NameTaken(NameHolder),
}

/// A displaced session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Displaced {
    pub user: UserKey,
    pub session: SessionId,
    /// The generation of its claim: connections with a higher one are not affected.
    pub generation: u64,
}

/// The arguments of a resume on a node.
#[derive(Clone, Debug)]
pub struct Move {
    /// The directory key of the user, from the resume secret.
    pub user: DirectoryKey,
    pub session: SessionId,
    /// How long ago the attempt arrived, by the monotonic clock of its node.
    pub age: Duration,
    /// The hash of the client's secret. If the row is of this node, the session checks it.
    pub shown: SecretHash,
    /// The hash of the next secret.
    pub next: SecretHash,
}

/// The result of a move.
#[derive(Clone, Debug, PartialEq)]
pub enum Moved {
    /// The row now belongs to this node.
    Here {
        /// The generation of the new connection.
        generation: u64,
        /// The previous row.
        previous: Box<SessionRow>,
    },
    /// The session holds no instance, or the secret is wrong.
    Denied,
}

/// A row that a node had before.
#[derive(Clone, Debug)]
pub struct Restore {
    pub user: UserKey,
    /// The guest's proof. `None`: a registered user.
    pub guest: Option<FamilyId>,
    pub instance: InstanceId,
    pub session: SessionId,
    /// The generation of its newest connection.
    pub generation: u64,
    /// The data with which other nodes can restore the session.
    pub record: Option<Arc<SessionRecord>>,
}
