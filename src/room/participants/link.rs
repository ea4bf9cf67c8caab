//! Changes of a participant's link and session state.

use stagedoor_proto::{Link, ParticipantLink, Push, SessionId, SessionState};

use crate::room::effect::Effects;
use crate::room::state::RoomState;
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
    if let Some(about) = audience_about(state, id) {
        let (room, version) = (state.id.clone(), state.version);
        let push = Push::ParticipantLink(ParticipantLink { room, version, participant: id, link });
        out.push(about.except(session), push);
    }
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
