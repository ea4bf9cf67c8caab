//! The rooms a session is in, and what each of them knows of it.

use std::sync::Arc;

use smallvec::SmallVec;
use stagedoor_proto::{Disconnect, Link, RoomId, SessionState};

use crate::hub::rooms::Place;
use crate::session::RoomTag;

/// The rooms of one session. Behind the session's lock.
#[derive(Default)]
pub(in crate::hub) struct Memberships {
    rooms: SmallVec<[Membership; 1]>,
    /// Somebody is telling the rooms.
    is_telling: bool,
}

struct Membership {
    place: Arc<Place>,
    link: Link,
    state: SessionState,
}

/// How a session is.
pub(in crate::hub) enum Standing<'a> {
    Here { link: Link, state: SessionState },
    Ended(&'a Disconnect),
}

/// What a room does not know yet.
pub(in crate::hub) enum Untold {
    /// The session ended; the room is no longer among its rooms.
    Ended(Disconnect),
    /// What changed.
    Changed { link: Option<Link>, state: Option<SessionState> },
}

impl Memberships {
    /// Adds a room, which knows the session like this.
    pub(in crate::hub) fn enter(&mut self, place: &Arc<Place>, link: Link, state: SessionState) {
        if !self.rooms.iter().any(|room| room.place.tag() == place.tag()) {
            self.rooms.push(Membership { place: Arc::clone(place), link, state });
        }
    }

    pub(in crate::hub) fn leave(&mut self, room: RoomTag) {
        self.rooms.retain(|membership| membership.place.tag() != room);
    }

    pub(in crate::hub) fn len(&self) -> usize {
        self.rooms.len()
    }

    pub(in crate::hub) fn find(&self, room: &RoomId) -> Option<Arc<Place>> {
        let mut rooms = self.rooms.iter().map(|membership| &membership.place);
        rooms.find(|place| place.key().room == *room).map(Arc::clone)
    }

    pub(in crate::hub) fn all(&self) -> Vec<Arc<Place>> {
        self.rooms.iter().map(|membership| Arc::clone(&membership.place)).collect()
    }

    /// Whether some room does not know how the session is.
    pub(in crate::hub) fn has_untold(&self, standing: &Standing<'_>) -> bool {
        self.rooms.iter().any(|room| room.lacks(standing))
    }

    /// The next thing to tell a room; nothing while somebody else tells. Counts as told from now on.
    pub(in crate::hub) fn begin_telling(
        &mut self,
        standing: &Standing<'_>,
    ) -> Option<(Arc<Place>, Untold)> {
        if self.is_telling {
            return None;
        }
        let index = self.rooms.iter().position(|room| room.lacks(standing))?;
        self.is_telling = true;
        match standing {
            Standing::Ended(ending) => {
                Some((self.rooms.remove(index).place, Untold::Ended((*ending).clone())))
            }
            Standing::Here { link, state } => {
                let room = &mut self.rooms[index];
                let untold = Untold::Changed {
                    link: (room.link != *link).then_some(*link),
                    state: (room.state != *state).then_some(*state),
                };
                (room.link, room.state) = (*link, *state);
                Some((Arc::clone(&room.place), untold))
            }
        }
    }

    pub(in crate::hub) fn end_telling(&mut self) {
        self.is_telling = false;
    }
}

impl Membership {
    fn lacks(&self, standing: &Standing<'_>) -> bool {
        match standing {
            Standing::Here { link, state } => self.link != *link || self.state != *state,
            Standing::Ended(_) => true,
        }
    }
}
