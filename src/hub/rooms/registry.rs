//! The open or opening rooms of the node: by key for entries, by tag for sessions.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use dashmap::DashMap;
use stagedoor_proto::{Ref, RoomId, SessionId};

use super::handle::{Remains, RoomHandle, RoomPin};
use super::slots::{RoomSlot, RoomSlots, SlotError};
use super::stubs::RoomStubs;
use crate::principal::Principal;
use crate::room::{LocalRoom, Room, RoomKey};
use crate::session::RoomTag;
use crate::time::{Monotonic, Now};

/// The concurrent maps of rooms. References into them never leave this type: results are clones.
///
/// Lock order: a shard of `by_key` before a shard of `by_tag` or a room.
#[derive(Default)]
pub(super) struct RoomRegistry {
    by_key: DashMap<RoomKey, Arc<RoomHandle>>,
    /// The same rooms. Sessions refer to rooms only by tag, so that neither keeps the other alive.
    by_tag: DashMap<RoomTag, Arc<RoomHandle>>,
    tags: AtomicU32,
    slots: RoomSlots,
    /// Of released rooms. None of them is in `by_key`.
    stubs: RoomStubs,
    /// At least the order of the last signal in each released room: a room that opens again continues with higher ones.
    last_order: AtomicU64,
}

impl RoomRegistry {
    pub(super) fn find(&self, key: &RoomKey) -> Option<Arc<RoomHandle>> {
        self.by_key.get(key).map(|room| Arc::clone(&room))
    }

    pub(super) fn find_by_tag(&self, tag: RoomTag) -> Option<Arc<RoomHandle>> {
        self.by_tag.get(&tag).map(|room| Arc::clone(&room))
    }

    /// The room, which stays on this node while it is pinned.
    pub(super) fn pin(&self, key: &RoomKey) -> Option<RoomPin> {
        self.by_key.get(key).map(|room| RoomPin::new(&room))
    }

    /// The room; a new one is not open.
    pub(super) fn find_or_create(&self, key: &RoomKey) -> RoomPin {
        if let Some(room) = self.pin(key) {
            return room;
        }
        let new = || {
            let (id, mut local) = (key.room.clone(), LocalRoom::default());
            let room = match self.stubs.take(key) {
                Some(stub) => stub.into_room(id),
                None => Room::new(id),
            };
            local.record_order(self.last_order.load(Ordering::Relaxed));
            self.new_handle(key, self.new_tag(), room, local)
        };
        RoomPin::new(&self.by_key.entry(key.clone()).or_insert_with(new))
    }

    /// Replaces an emptied room by its stub, if it can be released; see [`RoomHandle::remains`]. Returns the number of
    /// stubs that are removed, because there are more than `max_stubs`.
    pub(super) fn release(&self, key: &RoomKey, now: Monotonic, max_stubs: usize) -> usize {
        let mut evicted = 0;
        let removed = self.by_key.remove_if(key, |_, room| {
            // An opener of the room may have read the store before its last write.
            let remains = if self.slots.is_opening(key) { None } else { room.remains(now) };
            let Some(Remains { stub, order }) = remains else { return false };
            self.last_order.fetch_max(order, Ordering::Relaxed);
            evicted = stub.map_or(0, |stub| self.stubs.insert(key, stub, max_stubs));
            true
        });
        self.finish_removal(removed);
        evicted
    }

    /// The room in which a session used this `ref`; of a stub, a room that is not open.
    pub(super) fn find_by_ref(
        &self,
        key: &RoomKey,
        session: SessionId,
        ref_: &Ref,
        now: Monotonic,
    ) -> Option<Arc<RoomHandle>> {
        if self.stubs.has_used_ref(key, session, ref_, now) {
            return Some(Arc::clone(self.find_or_create(key).handle()));
        }
        self.find(key).filter(|room| room.lock().room.has_used_ref(session, ref_))
    }

    pub(super) const fn stubs(&self) -> &RoomStubs {
        &self.stubs
    }

    /// Reserves a slot for a room that is about to open.
    ///
    /// # Errors
    /// The limit that is reached.
    pub(super) fn reserve(
        &self,
        key: &RoomKey,
        per_node: usize,
        per_app: usize,
    ) -> Result<RoomSlot<'_>, SlotError> {
        self.slots.reserve(key, per_node, per_app)
    }

    /// Adds a room of the previous process, with the tag of its frames.
    pub(super) fn restore(
        &self,
        key: &RoomKey,
        tag: RoomTag,
        room: Room,
        local: LocalRoom,
    ) -> Arc<RoomHandle> {
        let room = self.new_handle(key, tag, room, local);
        self.by_key.insert(key.clone(), Arc::clone(&room));
        room
    }

    pub(super) fn remove_if_idle(&self, key: &RoomKey) {
        self.remove_if(key, RoomHandle::is_idle);
    }

    /// Removes a room if `is_unneeded` returns true. Returns whether it did.
    pub(super) fn remove_if(&self, key: &RoomKey, is_unneeded: fn(&RoomHandle) -> bool) -> bool {
        let removed = self.by_key.remove_if(key, |_, room| is_unneeded(room));
        self.finish_removal(removed)
    }

    fn finish_removal(&self, removed: Option<(RoomKey, Arc<RoomHandle>)>) -> bool {
        removed.is_some_and(|(key, room)| {
            self.slots.remove(&key);
            self.by_tag.remove(&room.tag()).is_some()
        })
    }

    /// The rooms that have emptied, and those that are not open.
    pub(super) fn emptied(&self) -> Vec<RoomKey> {
        let emptied = self.by_key.iter().filter(|room| room.is_emptied());
        emptied.map(|room| room.key().clone()).collect()
    }

    /// The rooms without local sessions since `then` or longer.
    pub(super) fn idle_since(&self, then: Monotonic) -> Vec<RoomKey> {
        let idle = self.by_key.iter().filter(|entry| entry.value().is_idle_since(then));
        idle.map(|entry| entry.key().clone()).collect()
    }

    pub(super) fn count(&self) -> usize {
        self.by_key.len()
    }

    pub(super) fn all(&self) -> Vec<Arc<RoomHandle>> {
        self.by_key.iter().map(|entry| Arc::clone(entry.value())).collect()
    }

    /// The rooms with due timers.
    pub(super) fn due(&self, now: Now) -> Vec<Arc<RoomHandle>> {
        let due = self.by_key.iter().filter(|entry| entry.value().is_due(now));
        due.map(|entry| Arc::clone(entry.value())).collect()
    }

    /// The rooms of an app with state of a user: a membership, a mute, a block or a role.
    pub(super) fn holding(&self, app: &str, user: Principal<'_>) -> Vec<RoomKey> {
        let rooms: Vec<_> = {
            let of_app = self.by_key.iter().filter(|entry| *entry.key().app == *app);
            of_app.map(|entry| Arc::clone(entry.value())).collect()
        };
        let holding = rooms.iter().filter(|room| room.lock().room.has_records_of(user));
        holding.map(|room| room.key().clone()).collect()
    }

    /// At most `limit` of an app's open or opening rooms, by name and after `after`.
    pub(super) fn list_after(
        &self,
        app: &str,
        after: Option<&RoomId>,
        limit: usize,
    ) -> Vec<Arc<RoomHandle>> {
        let mut rooms: Vec<_> = {
            let of_app = self.by_key.iter().filter(|entry| {
                *entry.key().app == *app && after.is_none_or(|after| entry.key().room > *after)
            });
            of_app.map(|entry| Arc::clone(entry.value())).collect()
        };
        rooms.sort_unstable_by(|a, b| a.key().room.cmp(&b.key().room));
        rooms.truncate(limit);
        rooms
    }

    /// The highest tag of a room.
    pub(super) fn last_tag(&self) -> u32 {
        self.tags.load(Ordering::Relaxed)
    }

    /// Reserves the tags up to `last`, which the previous process used.
    pub(super) fn skip_tags(&self, last: u32) {
        self.tags.fetch_max(last, Ordering::Relaxed);
    }

    fn new_handle(
        &self,
        key: &RoomKey,
        tag: RoomTag,
        room: Room,
        local: LocalRoom,
    ) -> Arc<RoomHandle> {
        let room = Arc::new(RoomHandle::new(key.clone(), tag, room, local));
        self.by_tag.insert(tag, Arc::clone(&room));
        self.slots.occupy(key);
        room
    }

    /// Tags wrap after 2^32 rooms; by then no ring has frames of the first ones.
    fn new_tag(&self) -> RoomTag {
        let number = self.tags.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
        RoomTag(NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN))
    }
}
