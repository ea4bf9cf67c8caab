//! Audiences: the sessions of a push, and who lists which participants and streams.

use stagedoor_proto::{ParticipantId, ParticipantJoined, Push, Role, SessionId};

use crate::room::effect::{Audience, Effects};
use crate::room::state::RoomState;
use crate::room::state::participants::Membership;

impl Audience {
    pub(in crate::room) fn except(self, session: SessionId) -> Self {
        let except = Some(session);
        match self {
            Self::All { .. } => Self::All { except },
            Self::Viewers { .. } => Self::Viewers { except },
            Self::NonSubscribers { .. } => Self::NonSubscribers { except },
            Self::One(_) | Self::Sessions(_) | Self::Watchers => self,
        }
    }
}

/// Calls `send` for every session of an audience, in the same order on every node.
pub(in crate::room) fn for_each_session(
    state: &RoomState,
    audience: &Audience,
    mut send: impl FnMut(SessionId),
) {
    match audience {
        Audience::One(session) => send(*session),
        Audience::Sessions(sessions) => sessions.iter().copied().for_each(send),
        Audience::All { .. } | Audience::Viewers { .. } | Audience::NonSubscribers { .. } => {
            let is_selected = |member: &&Membership| matches_audience(audience, member);
            state.participants.iter().filter(is_selected).for_each(|member| send(member.session));
        }
        Audience::Watchers => {
            let watching = state.feed.watchers().filter_map(|id| state.participants.find(id));
            watching.for_each(|member| send(member.session));
        }
    }
}

/// The audience to which a participant is listed. `None`: it is not listed.
pub(in crate::room) fn audience_about(state: &RoomState, id: ParticipantId) -> Option<Audience> {
    if !state.size.is_large || state.participants.moderators().contains(&id) {
        Some(Audience::All { except: None })
    } else {
        let is_publishing = state.participants.publishers().contains(&id);
        is_publishing.then_some(Audience::Viewers { except: None })
    }
}

/// Announces a new participant to those who list it.
pub(in crate::room) fn push_newcomer(state: &RoomState, id: ParticipantId, out: &mut Effects) {
    if let Some(about) = audience_about(state, id) {
        push_joined(state, id, about, out);
    }
}

/// Announces a participant to those who did not know of it.
pub(in crate::room) fn push_joined(
    state: &RoomState,
    id: ParticipantId,
    to: Audience,
    out: &mut Effects,
) {
    let Some(member) = state.participants.find(id) else { return };
    let participant = member.to_wire(state.records.is_locked(member.principal()));
    let (room, version) = (state.id.clone(), state.version);
    let joined = ParticipantJoined { room, version, participant };
    out.push(to.except(member.session), Push::ParticipantJoined(joined));
}

/// The audience to which a participant is newly listed after its promotion to moderator.
pub(in crate::room) fn promotion_audience(
    state: &RoomState,
    id: ParticipantId,
    before: Role,
    after: Role,
) -> Option<Audience> {
    let is_promotion = before != Role::Moderator && after == Role::Moderator;
    if !state.size.is_large || !is_promotion {
        return None;
    }
    let everyone = Audience::All { except: None };
    let is_known = state.participants.publishers().contains(&id);
    Some(if is_known { Audience::NonSubscribers { except: None } } else { everyone })
}

/// Pushes about a stream to those who see streams, and to its owner, with or without that permission, if another actor
/// made the change. The owner is addressed by its session: the entry may change what it sees.
pub(in crate::room) fn push_of_stream(
    state: &RoomState,
    owner: ParticipantId,
    is_by_owner: bool,
    push: Push,
    out: &mut Effects,
) {
    let owner = state.participants.find(owner).map(|owner| owner.session);
    if let Some(owner) = owner.filter(|_| !is_by_owner) {
        out.push(Audience::One(owner), push.clone());
    }
    out.push(Audience::Viewers { except: owner }, push);
}

fn matches_audience(audience: &Audience, member: &Membership) -> bool {
    let (is_selected, except) = match audience {
        Audience::All { except } => (true, except),
        Audience::Viewers { except } => (member.capabilities.subscribe, except),
        Audience::NonSubscribers { except } => (!member.capabilities.subscribe, except),
        Audience::One(_) | Audience::Sessions(_) | Audience::Watchers => return false,
    };
    is_selected && *except != Some(member.session)
}
