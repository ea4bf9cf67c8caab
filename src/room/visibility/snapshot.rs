//! Snapshots and roster pages: the room as a participant sees it, in bounded messages.
//!
//! Participants are ordered by id, each with its streams. A truncated list has the cursor of the next `roster` page.

use stagedoor_proto::{
    Counts, Error, Link, Participant, ParticipantId, Role, RoomSnapshot, RosterPage, SessionId,
    Stream,
};

use crate::room::errors;
use crate::room::state::RoomState;
use crate::room::state::participants::{Membership, range_after};

/// The part of a room that a participant sees.
#[derive(Clone, Copy, Debug)]
pub(in crate::room) struct View {
    sees_streams: bool,
    /// A participant who always sees its own streams, and itself as connected.
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

    pub(in crate::room) const fn of(member: &Membership) -> Self {
        Self { sees_streams: member.capabilities.subscribe, own: Some(member.id), sees_all: false }
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
    let member = state.participants.of_session(session).ok_or_else(errors::not_in_room)?;
    Ok(snapshot(state, View::of(member)))
}

/// A page of the participants that one may list. Moderators may page through all of a large room.
pub(in crate::room) fn roster_page(
    state: &RoomState,
    member: &Membership,
    after: Option<ParticipantId>,
) -> RosterPage {
    let sees_all = member.role == Role::Moderator && member.capabilities.moderate;
    let view = View { sees_all, ..View::of(member) };
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
        is_large: state.size.is_large,
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
        fill_page(state, view, after, state.participants.after(after))
    } else if view.sees_streams {
        let listed = moderators.union(state.participants.publishers()).copied();
        fill_page(state, view, after, listed.skip_while(|id| Some(*id) <= after))
    } else {
        fill_page(state, view, after, moderators.range(range_after(after)).copied())
    }
}

fn fill_page(
    state: &RoomState,
    view: View,
    after: Option<ParticipantId>,
    ids: impl Iterator<Item = ParticipantId>,
) -> Page {
    let (mut page, mut bytes) = (Page::default(), 0);
    let own = view.own.filter(|_| !view.sees_streams);
    if after.is_none()
        && let Some(member) = own.and_then(|id| state.participants.find(id))
    {
        bytes += add_streams(state, member, &mut page);
    }
    for member in ids.filter_map(|id| state.participants.find(id)) {
        bytes += member.wire_bytes;
        if view.sees_streams {
            bytes += bytes_of_streams(state, member);
        }
        if bytes > state.settings.page_bytes()
            && let Some(last) = page.participants.last()
        {
            page.next = Some(last.id.to_string());
            break;
        }
        let mut participant = member.to_wire(state.records.is_locked(member.principal()));
        if view.own == Some(member.id) {
            // Its session is connected when it reads this.
            participant.link = Link::Live;
        }
        page.participants.push(participant);
        if view.sees_streams {
            add_streams(state, member, &mut page);
        }
    }
    page
}

fn bytes_of_streams(state: &RoomState, member: &Membership) -> usize {
    member
        .streams
        .iter()
        .filter_map(|id| state.streams.find(*id))
        .map(|stream| stream.wire_bytes)
        .sum()
}

fn add_streams(state: &RoomState, member: &Membership, page: &mut Page) -> usize {
    let streams = member.streams.iter().filter_map(|id| state.streams.find(*id));
    page.streams.extend(streams.map(|stream| stream.wire.clone()));
    bytes_of_streams(state, member)
}
