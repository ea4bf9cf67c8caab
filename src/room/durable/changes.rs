//! Changes of what outlives the process, and what each is about.

use serde::{Deserialize, Serialize};
use stagedoor_proto::{Role, RoomMute, Timestamp, Username};

use crate::room::durable::rows::{BlockRow, MuteOverride, RedeemedToken};

/// A change of what outlives the process. Its serialized form is what a store keeps, and stays as it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DurableChange {
    /// A user may not enter until then; takes the place of an earlier block.
    Blocked(BlockRow),
    /// A user may enter again.
    Unblocked {
        /// Who.
        username: Username,
    },
    /// How mutes apply to a user.
    #[serde(rename = "voice")]
    Mute {
        /// The user.
        username: Username,
        /// `None`: as to everybody.
        #[serde(rename = "voice")]
        mute: Option<MuteOverride>,
    },
    /// A user's role, from `set_role`.
    Role {
        /// Whose.
        username: Username,
        /// What it is.
        role: Role,
    },
    /// The room's standing mute and lock.
    Room {
        /// The mute.
        mute: RoomMute,
        /// Whether it is locked.
        locked: bool,
    },
    /// The room was ended: tokens issued up to then are refused.
    Ended {
        /// When.
        at: Timestamp,
        /// No token from before lives longer.
        keep_until: Timestamp,
    },
    /// A room token was redeemed.
    #[serde(rename = "spent")]
    Redeemed(RedeemedToken),
    /// Somebody is in the room: voices, roles, mute and lock are kept.
    Occupied,
    /// Nobody is in the room: voices, roles, mute and lock are kept until then.
    Emptied {
        /// Until when.
        keep_until: Timestamp,
    },
}

/// What a change is about: of two about the same, the later counts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DurableKey {
    /// The block of a user.
    Block(Username),
    /// How mutes apply to a user.
    Mute(Username),
    /// A user's role.
    Role(Username),
    /// The room's mute and lock.
    Room,
    /// The room's end.
    End,
    /// A room token that was redeemed.
    RedeemedToken(Box<str>),
    /// Whether anybody is in the room.
    Occupancy,
}

impl DurableChange {
    /// What it is about.
    #[must_use]
    pub fn key(&self) -> DurableKey {
        match self {
            Self::Blocked(row) => DurableKey::Block(row.username.clone()),
            Self::Unblocked { username } => DurableKey::Block(username.clone()),
            Self::Mute { username, .. } => DurableKey::Mute(username.clone()),
            Self::Role { username, .. } => DurableKey::Role(username.clone()),
            Self::Room { .. } => DurableKey::Room,
            Self::Ended { .. } => DurableKey::End,
            Self::Redeemed(row) => DurableKey::RedeemedToken(row.jti.clone()),
            Self::Occupied | Self::Emptied { .. } => DurableKey::Occupancy,
        }
    }
}
