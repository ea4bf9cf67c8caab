//! Slots of rooms: how many rooms the node and each app have, those that are being opened included.
//!
//! A room takes one slot from the reservation for its opening until its removal. The bounds are exact, also while many
//! rooms open at the same time.

use std::collections::HashMap;
use std::sync::Arc;

use crate::room::RoomKey;
use crate::sync::Mutex;

/// The slots of the node. The lock is held for a few map accesses, and nothing is called under it.
#[derive(Default)]
pub(super) struct RoomSlots(Mutex<Slots>);

#[derive(Default)]
struct Slots {
    total: usize,
    by_app: HashMap<Arc<str>, usize>,
    /// Rooms that are being opened. Each has one slot.
    opening: HashMap<RoomKey, Opening>,
}

struct Opening {
    /// Callers that open the room at the same time.
    callers: u32,
    /// Whether the room was created: it then keeps the slot.
    is_created: bool,
}

/// The limit that a new room would exceed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SlotError {
    Node,
    App,
}

/// A reserved slot. Dropping it frees the slot unless the room was created.
pub(super) struct RoomSlot<'a> {
    slots: &'a RoomSlots,
    key: RoomKey,
}

impl RoomSlots {
    pub(super) fn reserve(
        &self,
        key: &RoomKey,
        per_node: usize,
        per_app: usize,
    ) -> Result<RoomSlot<'_>, SlotError> {
        let mut slots = self.0.lock();
        if let Some(opening) = slots.opening.get_mut(key) {
            opening.callers += 1;
        } else {
            if slots.total >= per_node {
                return Err(SlotError::Node);
            }
            if slots.by_app.get(&key.app).is_some_and(|count| *count >= per_app) {
                return Err(SlotError::App);
            }
            slots.add(&key.app);
            slots.opening.insert(key.clone(), Opening { callers: 1, is_created: false });
        }
        Ok(RoomSlot { slots: self, key: key.clone() })
    }

    /// Whether a room is being opened.
    pub(super) fn is_opening(&self, key: &RoomKey) -> bool {
        self.0.lock().opening.contains_key(key)
    }

    /// Call when a room was created.
    pub(super) fn occupy(&self, key: &RoomKey) {
        let mut slots = self.0.lock();
        match slots.opening.get_mut(key) {
            Some(opening) if !opening.is_created => opening.is_created = true,
            Some(_) | None => slots.add(&key.app),
        }
    }

    /// Call when a room was removed.
    pub(super) fn remove(&self, key: &RoomKey) {
        let mut slots = self.0.lock();
        match slots.opening.get_mut(key) {
            Some(opening) if opening.is_created => opening.is_created = false,
            Some(_) | None => slots.subtract(&key.app),
        }
    }
}

impl Slots {
    fn add(&mut self, app: &Arc<str>) {
        self.total += 1;
        *self.by_app.entry(Arc::clone(app)).or_default() += 1;
    }

    fn subtract(&mut self, app: &Arc<str>) {
        self.total = self.total.saturating_sub(1);
        if let Some(count) = self.by_app.get_mut(app) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.by_app.remove(app);
            }
        }
    }
}

impl Drop for RoomSlot<'_> {
    fn drop(&mut self) {
        let mut slots = self.slots.0.lock();
        let Some(opening) = slots.opening.get_mut(&self.key) else { return };
        opening.callers -= 1;
        if opening.callers > 0 {
            return;
        }
        let is_created = opening.is_created;
        slots.opening.remove(&self.key);
        if !is_created {
            slots.subtract(&self.key.app);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(app: &str, room: &str) -> RoomKey {
        RoomKey { app: app.into(), room: room.parse().unwrap() }
    }

    fn counts(slots: &RoomSlots) -> (usize, usize) {
        let slots = slots.0.lock();
        (slots.total, slots.by_app.values().sum())
    }

    #[test]
    fn rooms_are_bounded_per_node_and_app() {
        let slots = RoomSlots::default();
        let first = slots.reserve(&key("one", "a"), 3, 2).unwrap();
        let _second = slots.reserve(&key("one", "b"), 3, 2).unwrap();
        assert_eq!(slots.reserve(&key("one", "c"), 3, 2).err(), Some(SlotError::App));
        let _third = slots.reserve(&key("two", "a"), 3, 2).unwrap();
        assert_eq!(slots.reserve(&key("two", "b"), 3, 2).err(), Some(SlotError::Node));
        drop(first);
        assert!(slots.reserve(&key("two", "b"), 3, 2).is_ok());
    }

    #[test]
    fn room_takes_one_slot_while_many_open_it() {
        let slots = RoomSlots::default();
        let (first, second) =
            (slots.reserve(&key("one", "a"), 1, 1), slots.reserve(&key("one", "a"), 1, 1));
        slots.occupy(&key("one", "a"));
        assert_eq!(counts(&slots), (1, 1));
        drop(first);
        assert_eq!(counts(&slots), (1, 1));
        drop(second);
        assert_eq!(counts(&slots), (1, 1), "the room keeps the slot");
        slots.remove(&key("one", "a"));
        assert_eq!(counts(&slots), (0, 0));
    }

    #[test]
    fn slot_of_a_room_that_did_not_open_is_freed() {
        let slots = RoomSlots::default();
        let slot = slots.reserve(&key("one", "a"), 1, 1).unwrap();
        slots.occupy(&key("one", "a"));
        slots.remove(&key("one", "a"));
        assert_eq!(counts(&slots), (1, 1), "the caller may open it again");
        drop(slot);
        assert_eq!(counts(&slots), (0, 0));
        slots.occupy(&key("one", "a"));
        assert_eq!(counts(&slots), (1, 1), "a room of another node");
    }
}
