//! What happens in a room, as an app's own servers may be told of it.
//!
//! Unlike pushes it is told whatever the size of the room, and to nobody in it. It follows from the log like every other
//! effect, but whether anybody asks for it is a matter of each node: it is made only where somebody does.

use stagedoor_proto::{
    Actor, LeaveReason, Participant, ParticipantId, SessionId, Stream, StreamEndReason, StreamId,
    Username,
};

/// Something that happened in a room.
#[derive(Clone, Debug, PartialEq)]
pub enum RoomEvent {
    /// Somebody entered, and nobody was in it.
    Opened,
    /// Nobody is in it any more.
    Ended {
        /// Who ended it; `None`: all have left.
        by: Option<Actor>,
    },
    /// Somebody entered.
    Joined {
        /// Their membership.
        participant: Participant,
        /// Their session.
        session: SessionId,
    },
    /// Somebody left.
    Left {
        /// Their membership's id.
        participant: ParticipantId,
        /// Whose it was.
        username: Username,
        /// Their session.
        session: SessionId,
        /// Why.
        reason: LeaveReason,
    },
    /// A stream began.
    Published {
        /// The stream.
        stream: Stream,
        /// Whose it is.
        username: Username,
    },
    /// A stream is over.
    Unpublished {
        /// The stream.
        stream: StreamId,
        /// Who published it.
        participant: ParticipantId,
        /// Whose it was.
        username: Username,
        /// Why.
        reason: StreamEndReason,
    },
}

impl RoomEvent {
    /// Whether it says that the room was ended.
    pub(super) const fn ends_room(&self) -> bool {
        match self {
            Self::Ended { .. } => true,
            Self::Opened
            | Self::Joined { .. }
            | Self::Left { .. }
            | Self::Published { .. }
            | Self::Unpublished { .. } => false,
        }
    }
}
