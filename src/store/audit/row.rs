//! What a row of an audit log says, in the form in which it is kept and told.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use stagedoor_proto::{OutcomeCounts, Ref, RoomId, Target, Timestamp, Username};

/// Who did something that the audit log keeps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AuditActor {
    /// A user, as a moderator.
    User(Username),
    /// A server key or token: `key:9f86d081` by its fingerprint, `token:billing` by its name.
    Server(Box<str>),
    /// The gateway itself.
    Gateway,
}

/// Something that happened, to be kept in the audit log of an app.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AuditEvent {
    /// When.
    pub at_ms: Timestamp,
    /// Who did it.
    pub actor: AuditActor,
    /// What: a verb's name on the wire, or that of a call of the server API.
    pub verb: Box<str>,
    /// In which room, where it was in one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room: Option<RoomId>,
    /// The place in the room's log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u64>,
    /// Whom it was aimed at.
    #[serde(default)]
    pub target: Target,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Box<str>>,
    /// The caller's idempotency key.
    #[serde(default, rename = "ref", skip_serializing_if = "Option::is_none")]
    pub ref_: Option<Ref>,
    /// What became of it.
    pub outcome: AuditOutcome,
}

/// What became of something in the audit log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AuditOutcome {
    /// Its receipts, so far or in the end.
    Receipts {
        /// Targets by outcome.
        counts: OutcomeCounts,
        /// From the verb until these outcomes.
        elapsed_ms: u64,
    },
    /// It was done.
    Done,
    /// It was refused so often within the minute that begins with `at_ms`.
    Denied {
        /// How often.
        times: u64,
    },
}

/// A row of the audit log, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AuditRow {
    /// Its place in the app's log: 1, 2, 3 and so on.
    pub number: u64,
    /// What happened.
    #[serde(flatten)]
    pub event: AuditEvent,
    /// HMAC-SHA-256 over the hash of the row before and this row, in hexadecimal.
    pub hash: Box<str>,
}
