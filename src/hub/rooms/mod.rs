//! The rooms of this node: from a session's command to the room's log, and from the room's effects to sessions.
//!
//! Owns each [`crate::room::Room`] behind a lock of its own, with the local sessions that are in it. The way is always
//! the same: a command is appended through the `engine`, its entry comes back to `apply`, the room decides, `carry_out`
//! tells those concerned. Invariant: what has to append again (a session that ends because of an effect) does so from a
//! task of its own, never from within `apply`.
//! Not here: what a room decides (`room`).

mod append;
mod apply;
mod commands;
mod denials;
mod effects;
mod fan_out;
mod handle;
mod join;
mod retry;
mod sync;

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use dashmap::DashMap;
use stagedoor_proto::{RoomId, Timestamp, Username};

pub(super) use denials::Denials;
pub(super) use handle::Place;

use crate::room::{Room, RoomCommand, RoomKey, RoomSettings};
use crate::session::RoomTag;

use super::{App, Hub};
use crate::config::MembershipExpiry;

/// Every room of the node that is open, or about to be.
#[derive(Default)]
pub(super) struct Rooms {
    rooms: DashMap<RoomKey, Arc<Place>>,
    tags: AtomicU32,
}

impl Rooms {
    /// The room, if it is here.
    pub(super) fn find(&self, key: &RoomKey) -> Option<Arc<Place>> {
        self.rooms.get(key).map(|place| Arc::clone(&place))
    }

    /// The room, new and not open where it was not here.
    fn enter(&self, key: &RoomKey) -> Arc<Place> {
        if let Some(place) = self.find(key) {
            return place;
        }
        let new = || Arc::new(Place::new(key.clone(), self.new_tag(), Room::new(key.room.clone())));
        Arc::clone(&self.rooms.entry(key.clone()).or_insert_with(new))
    }

    /// Every room that is here.
    pub(super) fn all(&self) -> Vec<Arc<Place>> {
        self.rooms.iter().map(|entry| Arc::clone(entry.value())).collect()
    }

    /// Takes a room in as another process left it, with the mark that its frames have.
    pub(super) fn restore(&self, key: RoomKey, tag: RoomTag, room: Room) -> Arc<Place> {
        let place = Arc::new(Place::new(key.clone(), tag, room));
        self.rooms.insert(key, Arc::clone(&place));
        place
    }

    /// The last mark that was given to a room.
    pub(super) fn last_tag(&self) -> u32 {
        self.tags.load(Ordering::Relaxed)
    }

    /// Gives none of the marks up to `last`: another process did.
    pub(super) fn give_tags_after(&self, last: u32) {
        self.tags.fetch_max(last, Ordering::Relaxed);
    }

    /// The rooms of an app in which moderators laid something on a user, in them or not.
    pub(super) fn holding(&self, app: &str, username: &Username) -> Vec<RoomKey> {
        let places: Vec<_> = {
            let of_app = self.rooms.iter().filter(|entry| *entry.key().app == *app);
            of_app.map(|entry| Arc::clone(entry.value())).collect()
        };
        let holding = places.iter().filter(|place| place.lock().room.holds_any_of(username));
        holding.map(|place| place.key().clone()).collect()
    }

    /// At most `limit` of an app's rooms that are open, or about to be, by name and after `after`.
    pub(in crate::hub) fn after(
        &self,
        app: &str,
        after: Option<&RoomId>,
        limit: usize,
    ) -> Vec<Arc<Place>> {
        let mut places: Vec<_> = {
            let of_app = self.rooms.iter().filter(|entry| {
                *entry.key().app == *app && after.is_none_or(|after| entry.key().room > *after)
            });
            of_app.map(|entry| Arc::clone(entry.value())).collect()
        };
        places.sort_unstable_by(|a, b| a.key().room.cmp(&b.key().room));
        places.truncate(limit);
        places
    }

    /// How many rooms are here.
    pub(super) fn count(&self) -> usize {
        self.rooms.len()
    }

    /// Drops a room that is not open.
    fn forget(&self, key: &RoomKey) {
        self.rooms.remove_if(key, |_, place| place.is_idle());
    }

    /// Tags come round after four thousand million rooms; no ring remembers that far.
    fn new_tag(&self) -> RoomTag {
        let number = self.tags.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
        RoomTag(NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN))
    }
}

impl Drop for Rooms {
    /// A room and its sessions hold each other; with them they would hold their apps, and so the store.
    fn drop(&mut self) {
        for entry in &self.rooms {
            let sessions = std::mem::take(&mut entry.value().lock().sessions);
            drop(sessions);
        }
    }
}

impl Hub {
    /// Gives rooms the time they wait for.
    pub(super) fn sweep_rooms(&self, now: Timestamp) {
        let due: Vec<RoomKey> = {
            let due = self.rooms.rooms.iter().filter(|entry| entry.value().is_due(now));
            due.map(|entry| entry.key().clone()).collect()
        };
        for key in due {
            self.append(&key, RoomCommand::Tick);
        }
    }

    /// What an app's operator set for its rooms, and the bounds of all.
    pub(in crate::hub) fn room_settings(&self, app: &App) -> RoomSettings {
        let rules = app.rules();
        RoomSettings {
            roster_limit: rules.roster_limit,
            subscriber_signals: rules.subscriber_signals,
            default_block: rules.default_block,
            max_block: rules.max_block,
            expiry: match rules.membership_expiry {
                MembershipExpiry::Keep => crate::room::Expiry::Keep,
                MembershipExpiry::Enforce => crate::room::Expiry::Enforce,
            },
            ..self.room_limits()
        }
    }
}
