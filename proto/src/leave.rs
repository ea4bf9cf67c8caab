//! Why a participant left its room, and why a stream ended.

use serde::{Deserialize, Serialize};

/// Why a participant is no longer in a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum LeaveReason {
    /// It left.
    Left,
    /// Its session ended.
    Ended,
    /// A moderator removed it.
    ForceDisconnected,
    /// Its user was banned.
    Banned,
    /// A newer session took its place.
    Replaced,
    /// Its connection did not come back in time.
    NetworkLost,
    /// Its token ran out.
    TokenExpired,
    /// The room ended.
    RoomEnded,
    /// The gateway stopped.
    ServerShutdown,
}

/// Why a stream ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum StreamEndReason {
    /// Its owner ended it.
    Unpublished,
    /// A moderator ended it, or its owner ignored a mute.
    ForceUnpublished,
    /// Its owner left.
    Left,
    /// Its owner's session ended.
    Ended,
    /// A moderator removed its owner.
    ForceDisconnected,
    /// Its owner's user was banned.
    Banned,
    /// A newer session took its owner's place.
    Replaced,
    /// Its owner's connection did not come back in time.
    NetworkLost,
    /// Its owner's token ran out.
    TokenExpired,
    /// The room ended.
    RoomEnded,
    /// The gateway stopped.
    ServerShutdown,
}

impl From<LeaveReason> for StreamEndReason {
    fn from(reason: LeaveReason) -> Self {
        match reason {
            LeaveReason::Left => Self::Left,
            LeaveReason::Ended => Self::Ended,
            LeaveReason::ForceDisconnected => Self::ForceDisconnected,
            LeaveReason::Banned => Self::Banned,
            LeaveReason::Replaced => Self::Replaced,
            LeaveReason::NetworkLost => Self::NetworkLost,
            LeaveReason::TokenExpired => Self::TokenExpired,
            LeaveReason::RoomEnded => Self::RoomEnded,
            LeaveReason::ServerShutdown => Self::ServerShutdown,
        }
    }
}
