//! What remains of an emptied room: what its next participants need and the store does not have.
//!
//! A stub is not part of the log. Only a node that has all participants of its rooms reduces them.

use serde::{Deserialize, Serialize};
use stagedoor_proto::{Ref, Reply, RoomId, SessionId};

use crate::principal::Principal;
use crate::room::machine::Room;
use crate::room::settings::{LEAVER_RETENTION, REF_RETENTION};
use crate::room::state::RoomState;
use crate::room::state::recent_leavers::RecentLeavers;
use crate::room::state::refs::{Refs, Requester};
use crate::time::Monotonic;

/// The last version of an emptied room, the answers to its moderation commands under their `ref`, and leavers who carry
/// a penalty or left the locked room.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RoomStub {
    version: u64,
    refs: Refs<Reply>,
    recent_leavers: RecentLeavers,
}

/// Whether the room is empty and every moderation command in it has its outcomes.
#[must_use]
pub fn is_settled(room: &Room) -> bool {
    room.state.participants.is_empty() && !room.state.receipts.has_pending()
}

impl RoomStub {
    /// The stub of an emptied room. `None`: nothing of it has to be remembered.
    #[must_use]
    pub fn of(room: &Room, now: Monotonic) -> Option<Self> {
        let state = &room.state;
        // A room that is not open comes from a stub, which has no other leavers.
        let matters = |who: Principal<'_>| {
            !state.is_open || state.records.locked || state.records.has_any_of(who, state.now.wall)
        };
        let stub = Self {
            version: state.version,
            refs: state.refs.retained(now, |reply| matches!(reply, Reply::Accepted(_))),
            recent_leavers: state.recent_leavers.retained(now, matters),
        };
        (stub.entries() > 0).then_some(stub)
    }

    /// The room, not open. Until it is, it only answers repeated moderation commands.
    #[must_use]
    pub fn into_room(self, id: RoomId) -> Room {
        let Self { version, refs, recent_leavers } = self;
        Room { state: RoomState { version, recent_leavers, refs, ..RoomState::new(id) } }
    }

    /// When all of it has expired.
    #[must_use]
    pub fn expires(&self) -> Monotonic {
        let refs = self.refs.newest().map(|at| at + REF_RETENTION);
        let leavers = self.recent_leavers.newest().map(|at| at + LEAVER_RETENTION);
        refs.max(leavers).unwrap_or_default()
    }

    /// The number of its `ref`s and leavers.
    #[must_use]
    pub fn entries(&self) -> usize {
        self.refs.len() + self.recent_leavers.len()
    }

    /// Whether the session used this `ref`.
    #[must_use]
    pub fn has_used_ref(&self, session: SessionId, ref_: &Ref, now: Monotonic) -> bool {
        self.refs.contains(Requester::Session { session, user: None }, ref_, now)
    }
}
