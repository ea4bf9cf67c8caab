//! Request bodies of the server API that are not protocol commands; shared by `http` and `cli`.
//!
//! Pure. The path gives the app, and the user or dead letter.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use stagedoor_proto::{MAX_DURATION_MS, Reason, Ref, RoomId, Timestamp, object};

use crate::room::RoomOverrides;

/// A body with only a `ref`.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "RefAlone")]
pub struct EmptyBody {
    /// Idempotency key.
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    pub ref_: Option<Ref>,
}

/// A room to create.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRoom {
    /// Room id.
    pub room: RoomId,
    /// Settings that override those of the app.
    #[serde(default, deserialize_with = "object")]
    pub settings: RoomOverrides,
    /// The initial room mute.
    #[serde(default, deserialize_with = "object", skip_serializing_if = "NewMute::is_absent")]
    pub mute: NewMute,
    /// Whether the room is created locked.
    #[serde(default)]
    pub locked: bool,
    /// Idempotency key.
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    pub ref_: Option<Ref>,
}

/// The initial mute of a room.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct NewMute {
    /// Whether new streams are muted.
    pub active: bool,
    /// Whether participants are prevented from unmuting.
    pub lock: bool,
}

impl NewMute {
    fn is_absent(&self) -> bool {
        *self == Self::default()
    }
}

/// A ban.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Ban")]
pub struct BanBody {
    /// Duration; permanent if absent.
    #[schemars(range(min = 1, max = MAX_DURATION_MS))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub for_ms: Option<u64>,
    /// Reason, shown to the user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// Idempotency key.
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    pub ref_: Option<Ref>,
}

/// A revocation of all tokens of an app.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "RevokeAll")]
pub struct RevokeAllBody {
    /// Tokens issued before this time are void; default now. Not in the future.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before_ms: Option<Timestamp>,
    /// Reason, for the audit log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// Idempotency key.
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    pub ref_: Option<Ref>,
}

/// Replays all dead letters of an endpoint.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReplayAll {
    /// The endpoint's id.
    pub endpoint: String,
    /// Idempotency key.
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    pub ref_: Option<Ref>,
}
