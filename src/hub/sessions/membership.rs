//! The rooms of a session, and the status of the session that each of them knows.

use std::time::Duration;

use smallvec::SmallVec;
use stagedoor_proto::{Disconnect, Link, RoomId, SessionState};

use crate::rate_limit::{AmountRate, Rate, RateLimiter};
use crate::request::RequestId;
use crate::session::RoomTag;
use crate::time::Monotonic;

/// The tags of a session's rooms; most sessions have one or two.
pub(in crate::hub) type RoomTags = SmallVec<[RoomTag; 4]>;

/// The rooms of one session, by tag: `rooms` owns the rooms. Guarded by the session's lock.
#[derive(Default)]
pub(in crate::hub) struct Memberships {
    rooms: SmallVec<[Membership; 1]>,
    /// Whether a caller is updating the rooms.
    is_updating: bool,
    /// Whether the session may have left a room.
    may_have_left: bool,
    joins: RateLimiter,
    openings: RateLimiter,
    /// Bytes that others send to this session alone.
    relayed: RateLimiter,
}

struct Membership {
    tag: RoomTag,
    room: RoomId,
    /// The status of the session that the room knows.
    link: Link,
    state: SessionState,
    /// The version of the session's grant that the room goes by.
    grant: u64,
}

/// The status of a session.
pub(in crate::hub) enum MembershipState<'a> {
    Present {
        link: Link,
        state: SessionState,
        /// The version of its grant.
        grant: u64,
    },
    /// The session ended, with the request that ended it.
    Ended { ending: &'a Disconnect, cause: Option<&'a RequestId> },
}

/// A pending update of a room.
pub(in crate::hub) enum PendingUpdate {
    /// The session ended, with the request that ended it. The room was removed from its rooms.
    Ended { ending: Disconnect, cause: Option<RequestId> },
    /// The changed values.
    Changed { link: Option<Link>, state: Option<SessionState>, has_new_grant: bool },
}

impl Memberships {
    /// Counts a join.
    ///
    /// # Errors
    /// How long to wait before the next join.
    pub(in crate::hub) fn take_join(&mut self, rate: Rate, now: Monotonic) -> Result<(), Duration> {
        self.joins.take(rate, now)
    }

    /// Counts a room that the session opens.
    ///
    /// # Errors
    /// How long to wait before the next one.
    pub(in crate::hub) fn take_opening(
        &mut self,
        rate: Rate,
        now: Monotonic,
    ) -> Result<(), Duration> {
        self.openings.take(rate, now)
    }

    /// Counts bytes that another session sends to this one alone.
    ///
    /// # Errors
    /// How long to wait until they are allowed.
    pub(in crate::hub) fn take_relayed(
        &mut self,
        rate: AmountRate,
        bytes: u64,
        now: Monotonic,
    ) -> Result<(), Duration> {
        self.relayed.take_amount(rate, bytes, now)
    }

    /// Adds a room that the session has just joined, and that assumes it to be connected and established. Returns
    /// `false` if it is not.
    pub(in crate::hub) fn enter(
        &mut self,
        tag: RoomTag,
        room: &RoomId,
        grant: u64,
        now: &MembershipState<'_>,
    ) -> bool {
        self.insert(tag, room, Link::Live, SessionState::Established, grant);
        !self.has_pending_updates(now)
    }

    /// Adds a room that knows this status of the session.
    pub(in crate::hub) fn insert(
        &mut self,
        tag: RoomTag,
        room: &RoomId,
        link: Link,
        state: SessionState,
        grant: u64,
    ) {
        if !self.rooms.iter().any(|membership| membership.tag == tag) {
            self.rooms.push(Membership { tag, room: room.clone(), link, state, grant });
        }
    }

    pub(in crate::hub) fn remove(&mut self, tag: RoomTag) {
        self.rooms.retain(|membership| membership.tag != tag);
        self.may_have_left = true;
    }

    /// Whether the session may have left a room. Joins of others need no check of leaves.
    pub(in crate::hub) const fn may_have_left(&self) -> bool {
        self.may_have_left
    }

    /// For a session from another process, which may have left rooms there.
    pub(in crate::hub) const fn assume_left(&mut self) {
        self.may_have_left = true;
    }

    pub(in crate::hub) fn len(&self) -> usize {
        self.rooms.len()
    }

    fn find(&self, room: &RoomId) -> Option<RoomTag> {
        let membership = self.rooms.iter().find(|membership| membership.room == *room)?;
        Some(membership.tag)
    }

    pub(in crate::hub) fn tags(&self) -> RoomTags {
        self.rooms.iter().map(|membership| membership.tag).collect()
    }

    /// The tags of the possible rooms of a request: the room that it names, or all.
    pub(in crate::hub) fn tags_of(&self, room: Option<&RoomId>) -> RoomTags {
        match room {
            Some(room) => self.find(room).into_iter().collect(),
            None => self.tags(),
        }
    }

    /// Whether a room does not know the current status of the session.
    fn has_pending_updates(&self, now: &MembershipState<'_>) -> bool {
        self.rooms.iter().any(|membership| membership.is_behind(now))
    }

    /// The next pending update of a room, which then counts as sent; `None` while another caller updates the rooms.
    pub(in crate::hub) fn begin_update(
        &mut self,
        now: &MembershipState<'_>,
    ) -> Option<(RoomTag, PendingUpdate)> {
        if self.is_updating {
            return None;
        }
        let index = self.rooms.iter().position(|membership| membership.is_behind(now))?;
        self.is_updating = true;
        match now {
            MembershipState::Ended { ending, cause } => {
                let tag = self.rooms.remove(index).tag;
                let (ending, cause) = ((*ending).clone(), cause.cloned());
                Some((tag, PendingUpdate::Ended { ending, cause }))
            }
            MembershipState::Present { link, state, grant } => {
                let room = &mut self.rooms[index];
                let update = PendingUpdate::Changed {
                    link: (room.link != *link).then_some(*link),
                    state: (room.state != *state).then_some(*state),
                    has_new_grant: room.grant != *grant,
                };
                (room.link, room.state, room.grant) = (*link, *state, *grant);
                Some((room.tag, update))
            }
        }
    }

    pub(in crate::hub) fn finish_update(&mut self) {
        self.is_updating = false;
    }
}

impl Membership {
    fn is_behind(&self, now: &MembershipState<'_>) -> bool {
        match now {
            MembershipState::Present { link, state, grant } => {
                (self.link, self.state, self.grant) != (*link, *state, *grant)
            }
            MembershipState::Ended { .. } => true,
        }
    }
}
