//! What the store has of a room.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use stagedoor_proto::{InstanceId, Role, RoomMute, SessionId, Timestamp, Username};

/// How mutes apply to a user, otherwise than to everybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MuteOverride {
    /// A moderator's lock keeps all their audio off.
    Locked,
    /// A moderator lets them speak while the room's mute stands.
    #[serde(rename = "spared")]
    Exempt,
}

/// A user who may not enter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockRow {
    /// Who.
    pub username: Username,
    /// The instances a guest was seen on: no guest enters from them.
    pub instances: BTreeSet<InstanceId>,
    /// Until when.
    pub until: Timestamp,
}

/// A room token that a session has shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RedeemedToken {
    /// The token's id.
    pub jti: Box<str>,
    /// Which session showed it.
    pub session: SessionId,
    /// When it runs out and need not be remembered.
    pub until: Timestamp,
}

/// What the store knows of a room when it opens.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DurableState {
    /// Users who may not join.
    pub blocks: Vec<BlockRow>,
    /// To whom mutes apply otherwise than to everybody.
    pub mute_overrides: Vec<(Username, MuteOverride)>,
    /// Roles from `set_role`.
    pub roles: Vec<(Username, Role)>,
    /// The standing mute.
    pub mute: RoomMute,
    /// Whether the room is locked.
    pub locked: bool,
    /// When it was last ended.
    pub ended: Option<Timestamp>,
    /// Room tokens that were redeemed.
    pub redeemed_tokens: Vec<RedeemedToken>,
}
