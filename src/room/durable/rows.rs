//! The stored state of a room.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use stagedoor_proto::{InstanceId, Role, RoomMute, SessionId, Timestamp, Username};

use crate::principal::{Guest, NameCoverage};

/// How mutes apply to a user, if unlike to others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MuteOverride {
    /// A moderator's lock mutes all their audio.
    Locked,
    /// The same for guests of the name, not for a registered user.
    LockedGuests,
    /// A moderator exempted them from the room's mute.
    #[serde(rename = "spared")]
    Exempt,
}

/// A user who may not join.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockRow {
    pub username: Username,
    /// A guest's instances, from which no guest may join.
    pub instances: BTreeSet<InstanceId>,
    /// Who may not join under the name.
    #[serde(default)]
    pub name: NameCoverage,
    pub until: Timestamp,
}

/// What a moderator set for one guest. Penalties follow the instance to other names; privileges need the proof.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuestRow {
    pub username: Username,
    #[serde(flatten)]
    pub guest: Guest,
    #[serde(default, rename = "voice", skip_serializing_if = "Option::is_none")]
    pub mute: Option<MuteOverride>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
}

/// A room token that a session has used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RedeemedToken {
    pub jti: Box<str>,
    pub session: SessionId,
    /// When the token expires and its row can be removed.
    pub until: Timestamp,
}

/// The state of a room when it opens.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DurableState {
    pub blocks: Vec<BlockRow>,
    pub mute_overrides: Vec<(Username, MuteOverride)>,
    pub roles: Vec<(Username, Role)>,
    pub guests: Vec<GuestRow>,
    pub mute: RoomMute,
    pub locked: bool,
    pub ended: Option<Timestamp>,
    pub redeemed_tokens: Vec<RedeemedToken>,
}
