//! The rooms a session is in, and what each of them knows of it.

use smallvec::SmallVec;
use stagedoor_proto::{Disconnect, Link, RoomId, SessionState};

use crate::session::RoomTag;

/// The tags of a session's rooms; most sessions are in one or two.
pub(in crate::hub) type RoomTags = SmallVec<[RoomTag; 4]>;

/// The rooms of one session, by their tags: the rooms themselves are owned elsewhere. Behind the session's lock.
#[derive(Default)]
pub(super) struct Memberships {
    rooms: SmallVec<[Membership; 1]>,
    /// A caller is bringing the rooms up to date.
    is_updating: bool,
}

struct Membership {
    tag: RoomTag,
    room: RoomId,
    /// How the room knows the session.
    link: Link,
    state: SessionState,
}

/// How a session is.
pub(super) enum MembershipState<'a> {
    ParticipantInfo { link: Link, state: SessionState },
    Ended(&'a Disconnect),
}

/// What a room does not know yet.
pub(in crate::hub) enum PendingUpdate {
    /// The session ended; the room is no longer among its rooms.
    Ended(Disconnect),
    /// What changed.
    Changed { link: Option<Link>, state: Option<SessionState> },
}

impl Memberships {
    /// Adds a room, which knows the session like this.
    pub(super) fn insert(&mut self, tag: RoomTag, room: &RoomId, link: Link, state: SessionState) {
        if !self.rooms.iter().any(|membership| membership.tag == tag) {
            self.rooms.push(Membership { tag, room: room.clone(), link, state });
        }
    }

    pub(super) fn remove(&mut self, tag: RoomTag) {
        self.rooms.retain(|membership| membership.tag != tag);
    }

    pub(super) fn len(&self) -> usize {
        self.rooms.len()
    }

    pub(super) fn find(&self, room: &RoomId) -> Option<RoomTag> {
        let membership = self.rooms.iter().find(|membership| membership.room == *room)?;
        Some(membership.tag)
    }

    pub(super) fn tags(&self) -> RoomTags {
        self.rooms.iter().map(|membership| membership.tag).collect()
    }

    /// Whether some room does not know how the session is.
    pub(super) fn has_pending_updates(&self, now: &MembershipState<'_>) -> bool {
        self.rooms.iter().any(|membership| membership.is_behind(now))
    }

    /// The next update of a room; none while another caller is at it. Counts as known to the room from now on.
    pub(super) fn begin_update(
        &mut self,
        now: &MembershipState<'_>,
    ) -> Option<(RoomTag, PendingUpdate)> {
        if self.is_updating {
            return None;
        }
        let index = self.rooms.iter().position(|membership| membership.is_behind(now))?;
        self.is_updating = true;
        match now {
            MembershipState::Ended(ending) => {
                let tag = self.rooms.remove(index).tag;
                Some((tag, PendingUpdate::Ended((*ending).clone())))
            }
            MembershipState::ParticipantInfo { link, state } => {
                let room = &mut self.rooms[index];
                let update = PendingUpdate::Changed {
                    link: (room.link != *link).then_some(*link),
                    state: (room.state != *state).then_some(*state),
                };
                (room.link, room.state) = (*link, *state);
                Some((room.tag, update))
            }
        }
    }

    pub(super) fn finish_update(&mut self) {
        self.is_updating = false;
    }
}

impl Membership {
    fn is_behind(&self, now: &MembershipState<'_>) -> bool {
        match now {
            MembershipState::ParticipantInfo { link, state } => {
                self.link != *link || self.state != *state
            }
            MembershipState::Ended(_) => true,
        }
    }
}
