//! Who is told of whom.
//!
//! Up to the roster limit everyone is listed and announced to everyone. Beyond it, until below half of it, only
//! moderators and those with a stream are: the former to all, the latter to those who are told of streams. Of the rest
//! come counts. A client in a large room therefore lists the moderators, and the owners of the streams it knows. Each
//! crossing is a `room_reset` to all.

use serde::{Deserialize, Serialize};
use stagedoor_proto::{
    Counts, ParticipantId, ParticipantJoined, Push, Role, RoomCounts, RoomReset, SessionId,
    Timestamp,
};

use crate::room::effect::{Audience, Effects};
use crate::room::settings::COUNTS_INTERVAL;
use crate::room::state::Room;
use crate::room::visibility::snapshot::View;

/// Whether the room is large, and what was last told of its numbers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(in crate::room) struct Size {
    pub(in crate::room) is_large: bool,
    told: Counts,
    told_at: Timestamp,
    due: Option<Timestamp>,
}

impl Size {
    pub(in crate::room) const fn next_due(&self) -> Option<Timestamp> {
        self.due
    }
}

impl Audience {
    /// The same without one session.
    pub(in crate::room) fn except(self, session: SessionId) -> Self {
        let except = Some(session);
        match self {
            Self::All { .. } => Self::All { except },
            Self::Viewers { .. } => Self::Viewers { except },
            Self::Blind { .. } => Self::Blind { except },
            Self::One(_) | Self::Sessions(_) | Self::Watchers => self,
        }
    }
}

impl Room {
    /// How many are here.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Counts {
            participants: count(self.people.len()),
            publishers: count(self.people.publishers().len()),
            streams: count(self.streams.len()),
        }
    }

    /// Those to whom a participant is listed; `None`: nobody.
    pub(in crate::room) fn about(&self, id: ParticipantId) -> Option<Audience> {
        if !self.size.is_large || self.people.moderators().contains(&id) {
            Some(Audience::All { except: None })
        } else {
            let is_publishing = self.people.publishers().contains(&id);
            is_publishing.then_some(Audience::Viewers { except: None })
        }
    }

    /// Tells those to whom a newcomer is listed.
    pub(in crate::room) fn push_newcomer(&self, id: ParticipantId, out: &mut Effects) {
        if let Some(about) = self.about(id) {
            self.push_joined(id, about, out);
        }
    }

    /// Tells `to` of a participant they did not know of.
    pub(in crate::room) fn push_joined(&self, id: ParticipantId, to: Audience, out: &mut Effects) {
        let Some(person) = self.people.find(id) else { return };
        let participant = person.to_wire(self.held.is_locked(&person.username));
        let (room, version) = (self.id.clone(), self.version);
        let joined = ParticipantJoined { room, version, participant };
        out.tell(to.except(person.session), Push::ParticipantJoined(joined));
    }

    /// Who must be told of a participant that became, or is no longer, a moderator.
    pub(in crate::room) fn promotion_audience(
        &self,
        id: ParticipantId,
        before: Role,
        after: Role,
    ) -> Option<Audience> {
        let is_promotion = before != Role::Moderator && after == Role::Moderator;
        if !self.size.is_large || !is_promotion {
            return None;
        }
        let everyone = Audience::All { except: None };
        let is_known = self.people.publishers().contains(&id);
        Some(if is_known { Audience::Blind { except: None } } else { everyone })
    }

    /// Crosses the roster limit where the number of participants says so, and tells the numbers of a large room.
    ///
    /// Whether it crossed; `newcomer` gets its snapshot in the answer to its join.
    pub(in crate::room) fn update_size_class(
        &mut self,
        newcomer: Option<SessionId>,
        out: &mut Effects,
    ) -> bool {
        let (here, limit) = (self.people.len(), self.settings.roster_limit as usize);
        let is_large =
            if self.size.is_large { here > 0 && here >= limit.div_ceil(2) } else { here > limit };
        let has_crossed = is_large != self.size.is_large;
        if has_crossed {
            self.size = Size { is_large, told: self.counts(), told_at: self.now, due: None };
            self.reset_all(newcomer, out);
        }
        self.push_counts(out);
        has_crossed
    }

    fn push_counts(&mut self, out: &mut Effects) {
        let counts = self.counts();
        if !self.size.is_large || counts == self.size.told {
            self.size.due = None;
            return;
        }
        let due = self.size.told_at + COUNTS_INTERVAL;
        if self.now < due {
            self.size.due = Some(due);
            return;
        }
        self.size = Size { told: counts, told_at: self.now, due: None, ..self.size };
        let push = RoomCounts { room: self.id.clone(), version: self.version, counts };
        out.tell(Audience::All { except: None }, Push::Counts(push));
    }

    fn reset_all(&self, except: Option<SessionId>, out: &mut Effects) {
        let is_blind = |id: &ParticipantId| {
            self.people.find(*id).is_some_and(|person| !person.capabilities.subscribe)
        };
        self.reset(Audience::Viewers { except }, View::VIEWER, out);
        // Whoever publishes without seeing others is told of its own streams, and of nobody else's.
        let publishing: Vec<_> =
            self.people.publishers().iter().copied().filter(is_blind).collect();
        if publishing.is_empty() {
            self.reset(Audience::Blind { except }, View::NON_SUBSCRIBER, out);
            return;
        }
        let idle = self.people.iter().filter(|person| {
            !person.capabilities.subscribe
                && person.streams.is_empty()
                && except != Some(person.session)
        });
        let idle = Audience::Sessions(idle.map(|person| person.session).collect());
        self.reset(idle, View::NON_SUBSCRIBER, out);
        for person in publishing.into_iter().filter_map(|id| self.people.find(id)) {
            if except != Some(person.session) {
                self.reset(Audience::One(person.session), View::of(person), out);
            }
        }
    }

    /// Sends the room anew to one who now sees more or less of it.
    pub(in crate::room) fn reset_one(&self, id: ParticipantId, out: &mut Effects) {
        if let Some(person) = self.people.find(id) {
            self.reset(Audience::One(person.session), View::of(person), out);
        }
    }

    fn reset(&self, to: Audience, view: View, out: &mut Effects) {
        let snapshot = self.snapshot(view);
        out.tell(to, Push::RoomReset(RoomReset { room: self.id.clone(), snapshot }));
    }
}
