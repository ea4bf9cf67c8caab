//! Room events for the app's own servers.
//!
//! Unlike pushes they do not depend on the room's size. They follow from the log, but each node decides whether to emit
//! them: only where an endpoint subscribes.

use stagedoor_proto::{
    Actor, LeaveReason, Participant, ParticipantId, SessionId, Stream, StreamEndReason, StreamId,
    Username,
};

#[derive(Clone, Debug, PartialEq)]
pub enum RoomEvent {
    /// The first participant joined.
    Opened,
    /// The room has no participants any more.
    Ended {
        /// The actor who ended it. `None`: all participants left.
        by: Option<Actor>,
    },
    Joined {
        participant: Participant,
        session: SessionId,
    },
    Left {
        participant: ParticipantId,
        username: Username,
        session: SessionId,
        reason: LeaveReason,
    },
    Published {
        stream: Stream,
        /// The publisher's user.
        username: Username,
    },
    Unpublished {
        stream: StreamId,
        /// The publisher.
        participant: ParticipantId,
        username: Username,
        reason: StreamEndReason,
    },
}

impl RoomEvent {
    /// Whether the event is the end of the room.
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
