//! The room as its app's server sees it: everything, whoever is listed to whom.

use stagedoor_proto::{
    Counts, Participant, ParticipantId, RoomMute, SessionId, SessionState, StreamId,
};

use crate::room::settings::RoomSettings;
use crate::room::state::RoomState;
use crate::room::visibility::snapshot::counts;

/// A room in short.
#[derive(Clone, Debug, PartialEq)]
pub struct RoomSummary {
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
pub struct ParticipantInfo {
    /// As the others see them.
    pub participant: Participant,
    /// Their session.
    pub session: SessionId,
    /// The state of that.
    pub state: SessionState,
    /// Their streams.
    pub streams: Vec<StreamId>,
}

/// The room in short.
pub(in crate::room) fn summary(state: &RoomState) -> RoomSummary {
    RoomSummary {
        version: state.version,
        counts: counts(state),
        mute: state.records.mute,
        locked: state.records.locked,
        large: state.size.is_large,
        settings: state.settings.clone(),
    }
}

/// Those who are here, in the order of their ids, from the one that comes after `after`.
pub(in crate::room) fn participants(
    state: &RoomState,
    after: Option<ParticipantId>,
) -> impl Iterator<Item = ParticipantInfo> {
    let people = state.participants.after(after).filter_map(|id| state.participants.find(id));
    people.map(|person| ParticipantInfo {
        participant: person.to_wire(state.records.is_locked(&person.username)),
        session: person.session,
        state: person.state,
        streams: person.streams.iter().copied().collect(),
    })
}
