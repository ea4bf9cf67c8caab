//! The rooms of a session: which it is in, and what they do not know of it yet.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use stagedoor_proto::{Link as WireLink, RoomId, SessionState, Timestamp};

use super::{Inner, SessionHandle};
use crate::hub::rooms::Place;
use crate::hub::sessions::memberships::{Standing, Untold};
use crate::rate_limit::Rate;
use crate::session::{Link, RoomTag, Session};

impl SessionHandle {
    /// Counts a join.
    pub(in crate::hub) fn take_join(&self, rate: Rate, now: Timestamp) -> Result<(), Duration> {
        self.lock().joins.take(rate, now)
    }

    /// The room of this id, if the session is in it.
    pub(in crate::hub) fn room(&self, room: &RoomId) -> Option<Arc<Place>> {
        self.lock().memberships.find(room)
    }

    /// The rooms it is in.
    pub(in crate::hub) fn rooms(&self) -> Vec<Arc<Place>> {
        self.lock().memberships.all()
    }

    /// How many rooms it is in.
    pub(in crate::hub) fn room_count(&self) -> usize {
        self.room_count.load(Ordering::Relaxed)
    }

    /// It is in a room now, which believes it connected and established; `false` when it is otherwise.
    pub(in crate::hub) fn enter(&self, place: &Arc<Place>) -> bool {
        self.change_rooms(|inner| {
            inner.memberships.enter(place, WireLink::Live, SessionState::Established);
            !inner.memberships.has_untold(&standing_of(&inner.session))
        })
    }

    /// It was in a room before the gateway was started anew, which knows it like this.
    pub(in crate::hub) fn re_enter(&self, place: &Arc<Place>, link: WireLink, state: SessionState) {
        self.change_rooms(|inner| inner.memberships.enter(place, link, state));
    }

    /// It is no longer in a room.
    pub(in crate::hub) fn leave(&self, room: RoomTag) {
        self.change_rooms(|inner| inner.memberships.leave(room));
    }

    /// As [`SessionHandle::leave`] and [`SessionHandle::tell_owing`], in one step.
    pub(in crate::hub) fn leave_owing(
        &self,
        room: RoomTag,
        change: impl FnOnce(&mut Session),
    ) -> bool {
        self.change_rooms(|inner| {
            inner.memberships.leave(room);
            change(&mut inner.session);
            self.note_due(inner);
            inner.writer.owe()
        })
    }

    /// The next thing that one of its rooms does not know of it; [`SessionHandle::end_telling`] follows.
    pub(in crate::hub) fn begin_telling(&self) -> Option<(Arc<Place>, Untold)> {
        self.change_rooms(|Inner { memberships, session, .. }| {
            memberships.begin_telling(&standing_of(session))
        })
    }

    pub(in crate::hub) fn end_telling(&self) {
        self.lock().memberships.end_telling();
    }

    /// Whether it is connected and has to be told its rooms anew; then it counts as told.
    pub(in crate::hub) fn catch_up(&self) -> bool {
        let mut inner = self.lock();
        let is_there = matches!(
            standing_of(&inner.session),
            Standing::Here { link: WireLink::Live, state: SessionState::Established }
        );
        is_there && inner.session.catch_up()
    }

    /// Whatever may change in how many rooms it is.
    fn change_rooms<R>(&self, change: impl FnOnce(&mut Inner) -> R) -> R {
        let mut inner = self.lock();
        let result = change(&mut inner);
        self.room_count.store(inner.memberships.len(), Ordering::Relaxed);
        result
    }
}

/// How a session is, as its rooms know it.
fn standing_of(session: &Session) -> Standing<'_> {
    let state = session.state();
    match session.link() {
        Link::Live { .. } => Standing::Here { link: WireLink::Live, state },
        Link::Suspended { .. } => Standing::Here { link: WireLink::Suspended, state },
        Link::Ended { ending, .. } => Standing::Ended(ending),
    }
}
