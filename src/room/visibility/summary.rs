//! The room as the app's server sees it: everything, regardless of what participants see.

use stagedoor_proto::{
    Counts, Participant, ParticipantId, RoomMute, SessionId, SessionState, StreamId, Username,
};

use crate::room::settings::RoomSettings;
use crate::room::state::RoomState;
use crate::room::visibility::snapshot::counts;

#[derive(Clone, Debug, PartialEq)]
pub struct RoomSummary {
    /// The version of the last applied entry.
    pub version: u64,
    pub counts: Counts,
    /// Whether the room was ended, and neither joined nor created since.
    pub has_ended: bool,
    pub mute: RoomMute,
    pub locked: bool,
    /// Whether only moderators and the owners of streams are listed to the others.
    pub is_large: bool,
    pub settings: RoomSettings,
}

/// A participant with its session.
#[derive(Clone, Debug, PartialEq)]
pub struct ParticipantInfo {
    pub participant: Participant,
    pub session: SessionId,
    pub state: SessionState,
    pub streams: Vec<StreamId>,
}

pub(in crate::room) fn summary(state: &RoomState) -> RoomSummary {
    RoomSummary {
        version: state.version,
        counts: counts(state),
        has_ended: state.has_ended,
        mute: state.records.mute,
        locked: state.records.locked,
        is_large: state.size.is_large,
        settings: state.settings.clone(),
    }
}

/// Participants after `after`, in the order of their ids.
pub(in crate::room) fn participants(
    state: &RoomState,
    user: Option<&Username>,
    after: Option<ParticipantId>,
) -> impl Iterator<Item = ParticipantInfo> {
    let ids: Box<dyn Iterator<Item = ParticipantId>> = match user {
        Some(user) => {
            let ids = state.participants.of_user(user).into_iter();
            Box::new(ids.filter(move |id| after.is_none_or(|after| *id > after)))
        }
        None => Box::new(state.participants.after(after)),
    };
    let members = ids.filter_map(|id| state.participants.find(id));
    members.map(|member| ParticipantInfo {
        participant: member.to_wire(state.records.is_locked(member.principal())),
        session: member.session,
        state: member.state,
        streams: member.streams.iter().copied().collect(),
    })
}
