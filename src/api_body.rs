//! Bodies of the server API's calls that are no commands of the protocol: what `http` takes and `cli` sends.
//!
//! Pure. The path names the app, and the user or the message that a call is about.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use stagedoor_proto::{Reason, Ref, RoomId, object};

use crate::room::RoomOverrides;

/// A body with nothing but a `ref`.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "RefAlone")]
pub struct EmptyBody {
    /// The caller's idempotency key.
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    pub ref_: Option<Ref>,
}

/// A room to be created.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRoom {
    /// Its id.
    pub room: RoomId,
    /// What is to be otherwise there than in the app's other rooms.
    #[serde(default, deserialize_with = "object")]
    pub settings: RoomOverrides,
    /// The mute that stands from the start.
    #[serde(default, deserialize_with = "object", skip_serializing_if = "NewMute::is_absent")]
    pub mute: NewMute,
    /// Whether it is locked from the start.
    #[serde(default)]
    pub locked: bool,
    /// The caller's idempotency key.
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    pub ref_: Option<Ref>,
}

/// A mute that is to stand.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct NewMute {
    /// Whether streams start muted.
    pub active: bool,
    /// Whether the muted may not undo it.
    pub lock: bool,
}

impl NewMute {
    fn is_absent(&self) -> bool {
        *self == Self::default()
    }
}

/// A ban: for how long, and why.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Ban")]
pub struct BanBody {
    /// For how long; for good when it is absent.
    #[schemars(range(min = 1))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub for_ms: Option<u64>,
    /// Why; the user is told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// The caller's idempotency key.
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    pub ref_: Option<Ref>,
}

/// Whose dead letters are to be tried again.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReplayAll {
    /// The endpoint's id.
    pub endpoint: String,
    /// The caller's idempotency key.
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    pub ref_: Option<Ref>,
}
