//! The room as one participant may see it: snapshots and pages of the roster, never longer than a message may be.
//!
//! Participants come in the order of their ids, each with its streams; a list that is cut says where `roster` goes on.

use stagedoor_proto::{
    Error, ErrorCode, Participant, ParticipantId, Role, RoomSnapshot, RosterPage, SessionId,
    Stream, Timestamp,
};

use crate::room::errors;
use crate::room::settings::{PAGE_INTERVAL, ROSTER_INTERVAL};
use crate::room::state::Room;
use crate::room::state::participants::Membership;

/// Which part of a room somebody sees.
#[derive(Clone, Copy, Debug)]
pub(in crate::room) struct View {
    /// Whether it is told of others' streams.
    sees_streams: bool,
    /// Whose own streams it sees in any case.
    own: Option<ParticipantId>,
    /// Whether it pages everybody of a large room.
    sees_all: bool,
}

impl View {
    /// One who is told of streams.
    pub(in crate::room) const VIEWER: Self =
        Self { sees_streams: true, own: None, sees_all: false };
    /// One who is not, and has none.
    pub(in crate::room) const NON_SUBSCRIBER: Self =
        Self { sees_streams: false, own: None, sees_all: false };

    pub(in crate::room) const fn of(person: &Membership) -> Self {
        Self { sees_streams: person.capabilities.subscribe, own: Some(person.id), sees_all: false }
    }
}

/// A part of the roster.
#[derive(Default)]
struct Page {
    participants: Vec<Participant>,
    streams: Vec<Stream>,
    next: Option<String>,
}

/// Further pages that may be asked for at once.
const PAGES_AT_ONCE: u32 = 10;

impl Room {
    /// The room as a session sees it now: what a `room_reset` carries.
    ///
    /// # Errors
    /// `not_in_room`.
    pub fn snapshot_for(&self, session: SessionId) -> Result<RoomSnapshot, Error> {
        let person = self.people.of_session(session).ok_or_else(errors::not_in_room)?;
        Ok(self.snapshot(View::of(person)))
    }

    /// A page of everybody whom a session may list; moderators page a large room's participants too.
    ///
    /// # Errors
    /// `not_in_room`; `rate_limited`: a fresh one once in 5 s; `invalid_argument`: `after` is no `next`.
    pub fn roster(
        &mut self,
        session: SessionId,
        after: Option<&str>,
        now: Timestamp,
    ) -> Result<RosterPage, Error> {
        let person = self.people.of_session_mut(session).ok_or_else(errors::not_in_room)?;
        let after = after.map(str::parse::<ParticipantId>).transpose().map_err(|_| {
            Error::new(ErrorCode::InvalidArgument, "`after` is the `next` of the page before")
                .at("after")
        })?;
        let taken = match after {
            None => person.rosters.take(now, ROSTER_INTERVAL, 1),
            Some(_) => person.pages.take(now, PAGE_INTERVAL, PAGES_AT_ONCE),
        };
        taken
            .map_err(|wait| errors::rate_limited("a fresh roster may be had once in 5 s", wait))?;
        let sees_all = person.role == Role::Moderator && person.capabilities.moderate;
        let view = View { sees_all, ..View::of(person) };
        let Page { participants, streams, next } = self.page(view, after);
        Ok(RosterPage { version: self.version, participants, streams, next })
    }

    pub(in crate::room) fn snapshot_of(&self, id: ParticipantId) -> RoomSnapshot {
        self.snapshot(self.people.find(id).map_or(View::NON_SUBSCRIBER, View::of))
    }

    pub(in crate::room) fn snapshot(&self, view: View) -> RoomSnapshot {
        let Page { participants, streams, next } = self.page(view, None);
        RoomSnapshot {
            version: self.version,
            participants,
            counts: self.counts(),
            streams,
            mute: self.held.mute,
            locked: self.held.locked,
            large: self.size.is_large,
            next,
        }
    }

    fn page(&self, view: View, after: Option<ParticipantId>) -> Page {
        let moderators = self.people.moderators();
        if !self.size.is_large || view.sees_all {
            self.fill(view, after, self.people.after(after))
        } else if view.sees_streams {
            let listed = moderators.union(self.people.publishers()).copied();
            self.fill(view, after, listed.skip_while(|id| Some(*id) <= after))
        } else {
            self.fill(
                view,
                after,
                moderators.range(crate::room::state::participants::beyond(after)).copied(),
            )
        }
    }

    fn fill(
        &self,
        view: View,
        after: Option<ParticipantId>,
        ids: impl Iterator<Item = ParticipantId>,
    ) -> Page {
        let (mut page, mut bytes) = (Page::default(), 0);
        let own = view.own.filter(|_| !view.sees_streams);
        if after.is_none()
            && let Some(person) = own.and_then(|id| self.people.find(id))
        {
            bytes += self.add_streams(person, &mut page);
        }
        for person in ids.filter_map(|id| self.people.find(id)) {
            bytes += person.wire_bytes;
            if view.sees_streams {
                bytes += self.bytes_of_streams(person);
            }
            if bytes > self.settings.page_bytes()
                && let Some(last) = page.participants.last()
            {
                page.next = Some(last.id.to_string());
                break;
            }
            page.participants.push(person.to_wire(self.held.is_locked(&person.username)));
            if view.sees_streams {
                self.add_streams(person, &mut page);
            }
        }
        page
    }

    fn bytes_of_streams(&self, person: &Membership) -> usize {
        person
            .streams
            .iter()
            .filter_map(|id| self.streams.get(id))
            .map(|stream| stream.wire_bytes)
            .sum()
    }

    fn add_streams(&self, person: &Membership, page: &mut Page) -> usize {
        let streams = person.streams.iter().filter_map(|id| self.streams.get(id));
        page.streams.extend(streams.map(|stream| stream.wire.clone()));
        self.bytes_of_streams(person)
    }
}
