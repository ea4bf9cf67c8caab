//! What happens in a room, as an app's own servers may be told of it.
//!
//! Unlike pushes it is told whatever the size of the room, and to nobody in it. It follows from the log like every other
//! effect, but whether anybody asks for it is a matter of each node: it is made only where somebody does.

use stagedoor_proto::{
    Actor, LeaveReason, Participant, ParticipantId, SessionId, Stream, StreamEndReason, StreamId,
    Username,
};

use crate::room::effect::{Appender, Effects};
use crate::room::state::Room;
use crate::room::state::participants::Membership;

/// Something that happened in a room.
#[derive(Clone, Debug, PartialEq)]
pub enum Happening {
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

impl Room {
    /// Whether the following entries have [`Appender::Emit`] among their effects.
    pub const fn tell_happenings(&mut self, is_wanted: bool) {
        self.tells_happenings = is_wanted;
    }

    /// Tells what happened, where somebody asks for it.
    pub(super) fn happened(&self, out: &mut Effects, happening: impl FnOnce() -> Happening) {
        if self.tells_happenings {
            let request = out.cause();
            out.add(Appender::Emit { event: Box::new(happening()), request });
        }
    }

    pub(super) fn happened_left(
        &self,
        person: &Membership,
        reason: LeaveReason,
        out: &mut Effects,
    ) {
        let (participant, session) = (person.id, person.session);
        let username = || person.username.clone();
        self.happened(out, || Happening::Left {
            participant,
            username: username(),
            session,
            reason,
        });
    }

    pub(super) fn happened_unpublished(
        &self,
        stream: &Stream,
        reason: StreamEndReason,
        out: &mut Effects,
    ) {
        let Some(owner) = self.people.find(stream.participant) else { return };
        let (stream, participant) = (stream.id, owner.id);
        let username = || owner.username.clone();
        self.happened(out, || Happening::Unpublished {
            stream,
            participant,
            username: username(),
            reason,
        });
    }

    /// All are about to be taken out at once.
    pub(super) fn happened_end(&self, by: &Actor, out: &mut Effects) {
        if !self.tells_happenings || self.people.is_empty() {
            return;
        }
        for stream in self.streams.values() {
            self.happened_unpublished(&stream.wire, StreamEndReason::RoomEnded, out);
        }
        for person in self.people.iter() {
            self.happened_left(person, LeaveReason::RoomEnded, out);
        }
        self.happened(out, || Happening::Ended { by: Some(by.clone()) });
    }
}
