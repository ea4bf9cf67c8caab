//! The room as its app's server sees it: everything, whoever is listed to whom.

use std::ops::Bound;

use stagedoor_proto::{
    Counts, Participant, ParticipantId, RoomMute, SessionId, SessionState, Stream, StreamId,
};

use crate::room::settings::RoomSettings;
use crate::room::state::Room;

/// A room in short.
#[derive(Clone, Debug, PartialEq)]
pub struct Overview {
    /// The place in the log up to which this is.
    pub version: u64,
    /// How many are here.
    pub counts: Counts,
    /// The standing mute.
    pub mute: RoomMute,
    /// Whether it is locked.
    pub locked: bool,
    /// Whether only moderators and the owners of streams are listed to the others.
    pub large: bool,
    /// Its bounds and choices.
    pub settings: RoomSettings,
}

/// Somebody who is here.
#[derive(Clone, Debug, PartialEq)]
pub struct Present {
    /// As the others see them.
    pub participant: Participant,
    /// Their session.
    pub session: SessionId,
    /// The state of that.
    pub state: SessionState,
    /// Their streams.
    pub streams: Vec<StreamId>,
}

impl Room {
    /// The room in short.
    #[must_use]
    pub fn overview(&self) -> Overview {
        Overview {
            version: self.version,
            counts: self.counts(),
            mute: self.held.mute,
            locked: self.held.locked,
            large: self.size.is_large,
            settings: self.settings.clone(),
        }
    }

    /// Those who are here, in the order of their ids, from the one that comes after `after`.
    pub fn present(&self, after: Option<ParticipantId>) -> impl Iterator<Item = Present> {
        let people = self.people.after(after).filter_map(|id| self.people.find(id));
        people.map(|person| Present {
            participant: person.to_wire(self.held.is_locked(&person.username)),
            session: person.session,
            state: person.state,
            streams: person.streams.iter().copied().collect(),
        })
    }

    /// The streams here, in the order of their ids, from the one that comes after `after`.
    pub fn streams_after(&self, after: Option<StreamId>) -> impl Iterator<Item = &Stream> {
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.streams.range((start, Bound::Unbounded)).map(|(_, stream)| &stream.wire)
    }
}
