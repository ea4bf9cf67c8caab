//! Changes of a participant's link and session state.

use stagedoor_proto::{Link, ParticipantId, ParticipantLink, Push, SessionId, SessionState};

use crate::rate_limit::Rate;
use crate::room::effect::Effects;
use crate::room::settings::{LINK_BURST, LINK_INTERVAL};
use crate::room::state::RoomState;
use crate::room::state::timers::Timer;
use crate::room::streams::acks::restart_acknowledge_timer;
use crate::room::visibility::audience::audience_about;

pub(in crate::room) fn change_link(
    state: &mut RoomState,
    session: SessionId,
    link: Link,
    out: &mut Effects,
) {
    let Some(member) = state.participants.of_session_mut(session) else { return };
    if member.link == link {
        return;
    }
    member.link = link;
    let (id, streams) = (member.id, member.streams.clone());
    for stream in streams {
        restart_acknowledge_timer(state, stream, link);
    }
    state.feed.mark_changed(id);
    push_link(state, id, out);
}

/// Pushes the links whose push was delayed.
pub(in crate::room) fn push_due_links(state: &mut RoomState, out: &mut Effects) {
    while let Some(id) = state.timers.pop_due(state.now.monotonic, Timer::as_link) {
        push_link(state, id, out);
    }
}

/// Pushes the current link of a participant, or delays the push: a participant whose link changes often causes one push
/// per [`LINK_INTERVAL`].
fn push_link(state: &mut RoomState, id: ParticipantId, out: &mut Effects) {
    let Some(about) = audience_about(state, id) else { return };
    let (timer, now) = (Timer::Link(id), state.now.monotonic);
    let Some(member) = state.participants.find_mut(id) else { return };
    if let Err(wait) = member.link_pushes.take(Rate::every(LINK_INTERVAL, LINK_BURST), now) {
        state.timers.set(timer, now + wait);
        return;
    }
    let (session, link) = (member.session, member.link);
    let (room, version) = (state.id.clone(), state.version);
    let push = Push::ParticipantLink(ParticipantLink { room, version, participant: id, link });
    out.push(about.except(session), push);
}

pub(in crate::room) fn change_session_state(
    state: &mut RoomState,
    session: SessionId,
    new: SessionState,
) {
    let Some(member) = state.participants.of_session_mut(session) else { return };
    if member.state != new {
        member.state = new;
        state.feed.mark_changed(member.id);
    }
}
