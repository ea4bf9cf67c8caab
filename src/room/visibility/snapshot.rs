//! Snapshots and roster pages: the room as a participant sees it, in bounded messages.
//!
//! Participants are ordered by id, each with its streams. A truncated list has the cursor of the next `roster` page.

use stagedoor_proto::{
    Counts, Error, Participant, ParticipantId, Role, RoomSnapshot, RosterPage, SessionId, Stream,
};

use crate::room::errors;
use crate::room::state::RoomState;
use crate::room::state::participants::{Membership, range_after};

/// The part of a room that a participant sees.
#[derive(Clone, Copy, Debug)]
pub(in crate::room) struct View {
    sees_streams: bool,
    /// A participant who always sees its own streams.
    own: Option<ParticipantId>,
    /// Whether it may page through all participants of a large room.
    sees_all: bool,
}

impl View {
    /// A participant who sees streams.
    pub(in crate::room) const VIEWER: Self =
        Self { sees_streams: true, own: None, sees_all: false };
    /// A participant who sees no streams and has none.
    pub(in crate::room) const NON_SUBSCRIBER: Self =
        Self { sees_streams: false, own: None, sees_all: false };

    pub(in crate::room) const fn of(person: &Membership) -> Self {
        Self { sees_streams: person.capabilities.subscribe, own: Some(person.id), sees_all: false }
    }
}

#[derive(Default)]
struct Page {
    participants: Vec<Participant>,
    streams: Vec<Stream>,
    next: Option<String>,
}

/// The room as a session sees it; the content of a `room_reset`.
///
/// # Errors
/// `not_in_room`.
pub(in crate::room) fn snapshot_for(
    state: &RoomState,
    session: SessionId,
) -> Result<RoomSnapshot, Error> {
    let person = state.participants.of_session(session).ok_or_else(errors::not_in_room)?;
    Ok(snapshot(state, View::of(person)))
}

/// A page of the participants that one may list. Moderators may page through all of a large room.
pub(in crate::room) fn roster_page(
    state: &RoomState,
    person: &Membership,
    after: Option<ParticipantId>,
) -> RosterPage {
    let sees_all = person.role == Role::Moderator && person.capabilities.moderate;
    let view = View { sees_all, ..View::of(person) };
    let Page { participants, streams, next } = page(state, view, after);
    RosterPage { version: state.version, participants, streams, next }
}

pub(in crate::room) fn snapshot_of(state: &RoomState, id: ParticipantId) -> RoomSnapshot {
    snapshot(state, state.participants.find(id).map_or(View::NON_SUBSCRIBER, View::of))
}

pub(in crate::room) fn snapshot(state: &RoomState, view: View) -> RoomSnapshot {
    let Page { participants, streams, next } = page(state, view, None);
    RoomSnapshot {
        version: state.version,
        participants,
        counts: counts(state),
        streams,
        mute: state.records.mute,
        locked: state.records.locked,
        large: state.size.is_large,
        next,
    }
}

pub(in crate::room) fn counts(state: &RoomState) -> Counts {
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    Counts {
        participants: count(state.participants.len()),
        publishers: count(state.participants.publishers().len()),
        streams: count(state.streams.len()),
    }
}

fn page(state: &RoomState, view: View, after: Option<ParticipantId>) -> Page {
    let moderators = state.participants.moderators();
    if !state.size.is_large || view.sees_all {
        fill(state, view, after, state.participants.after(after))
    } else if view.sees_streams {
        let listed = moderators.union(state.participants.publishers()).copied();
        fill(state, view, after, listed.skip_while(|id| Some(*id) <= after))
    } else {
        fill(state, view, after, moderators.range(range_after(after)).copied())
    }
}

fn fill(
    state: &RoomState,
    view: View,
    after: Option<ParticipantId>,
    ids: impl Iterator<Item = ParticipantId>,
) -> Page {
    let (mut page, mut bytes) = (Page::default(), 0);
    let own = view.own.filter(|_| !view.sees_streams);
    if after.is_none()
        && let Some(person) = own.and_then(|id| state.participants.find(id))
    {
        bytes += add_streams(state, person, &mut page);
    }
    for person in ids.filter_map(|id| state.participants.find(id)) {
        bytes += person.wire_bytes;
        if view.sees_streams {
            bytes += bytes_of_streams(state, person);
        }
        if bytes > state.settings.page_bytes()
            && let Some(last) = page.participants.last()
        {
            page.next = Some(last.id.to_string());
            break;
        }
        page.participants.push(person.to_wire(state.records.is_locked(&person.username)));
        if view.sees_streams {
            add_streams(state, person, &mut page);
        }
    }
    page
}

fn bytes_of_streams(state: &RoomState, person: &Membership) -> usize {
    person
        .streams
        .iter()
        .filter_map(|id| state.streams.find(*id))
        .map(|stream| stream.wire_bytes)
        .sum()
}

fn add_streams(state: &RoomState, person: &Membership, page: &mut Page) -> usize {
    let streams = person.streams.iter().filter_map(|id| state.streams.find(*id));
    page.streams.extend(streams.map(|stream| stream.wire.clone()));
    bytes_of_streams(state, person)
}
