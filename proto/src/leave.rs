//! Why a participant left its room, and why a stream ended.

use serde::{Deserialize, Serialize};

/// Why a participant is no longer in a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum LeaveReason {
    /// The participant left.
    Left,
    /// The session ended.
    Ended,
    /// A moderator removed the participant.
    ForceDisconnected,
    /// The user was banned.
    Banned,
    /// A newer session replaced the session.
    Replaced,
    /// The session was not resumed in time.
    NetworkLost,
    /// The token expired.
    TokenExpired,
    /// Its session was renewed with a grant that does not allow the room.
    NotGranted,
    /// The room ended.
    RoomEnded,
    /// The gateway shut down.
    ServerShutdown,
}

/// Why a stream ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum StreamEndReason {
    /// The owner ended the stream.
    Unpublished,
    /// A moderator ended the stream, or the owner ignored a mute.
    ForceUnpublished,
    /// The owner left.
    Left,
    /// The session of the owner ended.
    Ended,
    /// A moderator removed the owner.
    ForceDisconnected,
    /// The user of the owner was banned.
    Banned,
    /// A newer session replaced the session of the owner.
    Replaced,
    /// The session of the owner was not resumed in time.
    NetworkLost,
    /// The token of the owner expired.
    TokenExpired,
    /// Its owner's session was renewed with a grant that does not allow the room.
    NotGranted,
    /// The room ended.
    RoomEnded,
    /// The gateway shut down.
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
            LeaveReason::NotGranted => Self::NotGranted,
            LeaveReason::RoomEnded => Self::RoomEnded,
            LeaveReason::ServerShutdown => Self::ServerShutdown,
        }
    }
}
