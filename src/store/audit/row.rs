//! Audit events and rows, in the form in which they are stored and returned.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use stagedoor_proto::{OutcomeCounts, Ref, RoomId, Target, Timestamp, Username};

/// The actor of an audit event.
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

/// An event of an app's audit log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AuditEvent {
    /// When it happened.
    pub at_ms: Timestamp,
    /// Who did it.
    pub actor: AuditActor,
    /// The name of the moderation command on the wire, or of the server API call.
    pub command: Box<str>,
    /// In which room, where it was in one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room: Option<RoomId>,
    /// The version of the room's log entry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u64>,
    /// The target of the action.
    #[serde(default)]
    pub target: Target,
    /// The reason given by the actor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Box<str>>,
    /// The caller's idempotency key.
    #[serde(default, rename = "ref", skip_serializing_if = "Option::is_none")]
    pub ref_: Option<Ref>,
    /// The result of the action.
    pub outcome: AuditOutcome,
}

/// The result of an audited action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AuditOutcome {
    /// Receipts of the targets, so far or final.
    Receipts {
        /// Targets by outcome.
        counts: OutcomeCounts,
        /// From the command until these outcomes.
        elapsed_ms: u64,
    },
    /// It was applied.
    Done,
    /// It was denied `times` times within the minute that begins at `at_ms`.
    Denied {
        /// Denied attempts.
        times: u64,
    },
}

/// A stored row of the audit log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AuditRow {
    /// Its number in the app's log, from 1.
    pub number: u64,
    /// The event.
    #[serde(flatten)]
    pub event: AuditEvent,
    /// HMAC-SHA-256 over the hash of the previous row and this row, in hexadecimal.
    pub hash: Box<str>,
}
