//! Changes of durable state, and their keys.

use serde::{Deserialize, Serialize};
use stagedoor_proto::{InstanceId, Role, RoomMute, Timestamp, Username};

use crate::room::durable::rows::{BlockRow, GuestRow, MuteOverride, RedeemedToken};

/// A change of durable state. The store persists its serialized form, which must not change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DurableChange {
    /// A user may not join until the block ends. Replaces an earlier block.
    Blocked(BlockRow),
    /// The block of a user was lifted.
    Unblocked { username: Username },
    /// How mutes apply to a user.
    #[serde(rename = "voice")]
    Mute {
        username: Username,
        /// `None`: like to all others.
        #[serde(rename = "voice")]
        mute: Option<MuteOverride>,
    },
    /// A user's role, from `set_role`.
    Role { username: Username, role: Role },
    /// The mute and role of one guest.
    Guest(GuestRow),
    /// A guest has neither any more.
    GuestCleared { instance: InstanceId },
    /// The room's mute and lock.
    Room { mute: RoomMute, locked: bool },
    /// The room was ended. Tokens issued before are rejected.
    Ended {
        at: Timestamp,
        /// All tokens issued before have expired then.
        keep_until: Timestamp,
    },
    #[serde(rename = "spent")]
    Redeemed(RedeemedToken),
    /// The room is occupied: mutes, roles, and the room's mute and lock do not expire.
    Occupied,
    /// The room is empty: mutes, roles, and the room's mute and lock expire.
    Emptied { keep_until: Timestamp },
}

/// What a change is about. Of two changes with one key the later one counts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DurableKey {
    Block(Username),
    Mute(Username),
    Role(Username),
    Guest(InstanceId),
    Room,
    End,
    /// By `jti`.
    RedeemedToken(Box<str>),
    /// Whether the room is occupied.
    Occupancy,
}

impl DurableChange {
    #[must_use]
    pub fn key(&self) -> DurableKey {
        match self {
            Self::Blocked(row) => DurableKey::Block(row.username.clone()),
            Self::Unblocked { username } => DurableKey::Block(username.clone()),
            Self::Mute { username, .. } => DurableKey::Mute(username.clone()),
            Self::Role { username, .. } => DurableKey::Role(username.clone()),
            Self::Guest(row) => DurableKey::Guest(row.guest.instance.clone()),
            Self::GuestCleared { instance } => DurableKey::Guest(instance.clone()),
            Self::Room { .. } => DurableKey::Room,
            Self::Ended { .. } => DurableKey::End,
            Self::Redeemed(row) => DurableKey::RedeemedToken(row.jti.clone()),
            Self::Occupied | Self::Emptied { .. } => DurableKey::Occupancy,
        }
    }
}
