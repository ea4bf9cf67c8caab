//! The rooms of a session: which it is in, and what they do not know of it yet.

use std::sync::atomic::Ordering;
use std::time::Duration;

use stagedoor_proto::{Link as WireLink, RoomId, SessionState, Timestamp};

use super::{SessionHandle, SessionInner};
use crate::hub::sessions::membership::{MembershipState, PendingUpdate, RoomTags};
use crate::rate_limit::Rate;
use crate::session::{Link, RoomTag, Session};

impl SessionHandle {
    /// Counts a join.
    pub(in crate::hub) fn take_join(&self, rate: Rate, now: Timestamp) -> Result<(), Duration> {
        self.lock().joins.take(rate, now)
    }

    /// The tag of the room of this id, if the session is in it.
    pub(in crate::hub) fn room(&self, room: &RoomId) -> Option<RoomTag> {
        self.lock().memberships.find(room)
    }

    /// The tags of the rooms it is in.
    pub(in crate::hub) fn rooms(&self) -> RoomTags {
        self.lock().memberships.tags()
    }

    /// How many rooms it is in.
    pub(in crate::hub) fn room_count(&self) -> usize {
        self.room_count.load(Ordering::Relaxed)
    }

    /// It is in a room now, which believes it connected and established; `false` when it is otherwise.
    pub(in crate::hub) fn enter(&self, tag: RoomTag, room: &RoomId) -> bool {
        self.change_rooms(|inner| {
            inner.memberships.insert(tag, room, WireLink::Live, SessionState::Established);
            !inner.memberships.has_pending_updates(&state_of(&inner.session))
        })
    }

    /// It was in a room before the gateway was restarted, and the room knows it like this.
    pub(in crate::hub) fn restore_membership(
        &self,
        tag: RoomTag,
        room: &RoomId,
        link: WireLink,
        state: SessionState,
    ) {
        self.change_rooms(|inner| inner.memberships.insert(tag, room, link, state));
    }

    /// It is no longer in a room.
    pub(in crate::hub) fn leave(&self, room: RoomTag) {
        self.change_rooms(|inner| inner.memberships.remove(room));
    }

    /// As [`SessionHandle::leave`] and [`SessionHandle::tell_owing`], in one step.
    pub(in crate::hub) fn leave_owing(
        &self,
        room: RoomTag,
        change: impl FnOnce(&mut Session),
    ) -> bool {
        self.change_rooms(|inner| {
            inner.memberships.remove(room);
            change(&mut inner.session);
            self.note_due(inner);
            inner.writer.owe()
        })
    }

    /// The next update of one of its rooms; [`SessionHandle::finish_update`] follows.
    pub(in crate::hub) fn begin_update(&self) -> Option<(RoomTag, PendingUpdate)> {
        self.change_rooms(|SessionInner { memberships, session, .. }| {
            memberships.begin_update(&state_of(session))
        })
    }

    pub(in crate::hub) fn finish_update(&self) {
        self.lock().memberships.finish_update();
    }

    /// Whether it is connected and needs fresh snapshots of its rooms; asking counts as having sent them.
    pub(in crate::hub) fn take_reset(&self) -> bool {
        let mut inner = self.lock();
        let is_there = matches!(
            state_of(&inner.session),
            MembershipState::ParticipantInfo {
                link: WireLink::Live,
                state: SessionState::Established
            }
        );
        is_there && inner.session.catch_up()
    }

    /// Wraps whatever may change in how many rooms it is.
    fn change_rooms<R>(&self, change: impl FnOnce(&mut SessionInner) -> R) -> R {
        let mut inner = self.lock();
        let result = change(&mut inner);
        self.room_count.store(inner.memberships.len(), Ordering::Relaxed);
        result
    }
}

/// How a session is, as its rooms know it.
fn state_of(session: &Session) -> MembershipState<'_> {
    let state = session.state();
    match session.link() {
        Link::Live { .. } => MembershipState::ParticipantInfo { link: WireLink::Live, state },
        Link::Suspended { .. } => {
            MembershipState::ParticipantInfo { link: WireLink::Suspended, state }
        }
        Link::Ended { ending, .. } => MembershipState::Ended(ending),
    }
}
