//! Changes of what outlives the process, and what each is about.

use serde::{Deserialize, Serialize};
use stagedoor_proto::{Role, RoomMute, Timestamp, Username};

use crate::room::durable::rows::{BlockRow, SpentRow, Voice};

/// A fact that outlives the process.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fact {
    /// A user may not enter until then; takes the place of an earlier block.
    Blocked(BlockRow),
    /// A user may enter again.
    Unblocked {
        /// Who.
        username: Username,
    },
    /// A user's standing under mutes.
    Voice {
        /// Whose.
        username: Username,
        /// What it is; `None`: nothing special.
        voice: Option<Voice>,
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
    /// A room token was spent.
    Spent(SpentRow),
    /// Somebody is in the room: voices, roles, mute and lock are kept.
    Occupied,
    /// Nobody is in the room: voices, roles, mute and lock are kept until then.
    Emptied {
        /// Until when.
        keep_until: Timestamp,
    },
}

/// What a fact is about: of two about the same, the later counts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// The block of a user.
    Block(Username),
    /// A user's standing under mutes.
    Voice(Username),
    /// A user's role.
    Role(Username),
    /// The room's mute and lock.
    Room,
    /// The room's end.
    End,
    /// A room token.
    Spent(Box<str>),
    /// Whether anybody is in the room.
    Stay,
}

impl Fact {
    /// What it is about.
    #[must_use]
    pub fn subject(&self) -> Subject {
        match self {
            Self::Blocked(row) => Subject::Block(row.username.clone()),
            Self::Unblocked { username } => Subject::Block(username.clone()),
            Self::Voice { username, .. } => Subject::Voice(username.clone()),
            Self::Role { username, .. } => Subject::Role(username.clone()),
            Self::Room { .. } => Subject::Room,
            Self::Ended { .. } => Subject::End,
            Self::Spent(row) => Subject::Spent(row.jti.clone()),
            Self::Occupied | Self::Emptied { .. } => Subject::Stay,
        }
    }
}
