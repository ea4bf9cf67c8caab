//! The saved form of a ring: the frames that the client has not acknowledged, with their numbers.
//!
//! Frames refer to bodies by index in a list that many rings share ([`Bodies`]).
//! Invariant: a restored ring continues the numbers of the saved one.

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Body, Frame, ReplayMemory, Ring, RoomTag};

/// The bodies of many rings, each once.
#[derive(Debug, Default)]
pub struct Bodies {
    kept: Vec<Body>,
    /// The index of each body by its address, which is unique because `kept` owns the body.
    places: HashMap<usize, u32>,
}

impl Bodies {
    /// All bodies; a saved ring refers to them by their index here.
    #[must_use]
    pub fn into_list(self) -> Vec<Arc<[u8]>> {
        self.kept.iter().map(Body::bytes).collect()
    }

    fn keep(&mut self, body: &Body) -> u32 {
        *self.places.entry(body.address()).or_insert_with(|| {
            self.kept.push(Body::clone(body));
            u32::try_from(self.kept.len() - 1).expect("fewer than 2^32 bodies")
        })
    }
}

/// A saved ring, without bodies.
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::session) struct SavedRing {
    next: u64,
    sent: u64,
    dropped: u64,
    /// Number, body and room of each frame.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    frames: Vec<(u64, u32, Option<RoomTag>)>,
}

impl SavedRing {
    /// Replaces the tags of rooms; frames of rooms without a new tag have none.
    pub(in crate::session) fn map_tags(&mut self, map: impl Fn(RoomTag) -> Option<RoomTag>) {
        for (_, _, room) in &mut self.frames {
            *room = room.and_then(&map);
        }
    }
}

impl Ring {
    /// Removes frames until the bodies fit into `max` bytes. Returns whether frames of rooms were removed.
    ///
    /// Frames of rooms are removed first, because rooms can be reset; then sent frames, which leaves a hole. Unsent
    /// frames stay.
    pub(in crate::session) fn shrink(&mut self, max: usize) -> bool {
        if self.bytes <= max {
            return false;
        }
        let before = self.frames.len();
        self.drop_rooms();
        let has_given_up = self.frames.len() < before;
        while self.bytes > max && self.unsent > 0 {
            self.drop_first();
        }
        has_given_up
    }

    pub(in crate::session) fn save(&self, bodies: &mut Bodies) -> SavedRing {
        let frames = self.frames.iter();
        SavedRing {
            next: self.next,
            sent: self.sent,
            dropped: self.dropped,
            frames: frames.map(|frame| (frame.seq, bodies.keep(&frame.body), frame.room)).collect(),
        }
    }

    /// Restores a ring; `None` if its numbers are inconsistent, or a body is missing.
    pub(in crate::session) fn restore(
        saved: SavedRing,
        bodies: &[Body],
        memory: ReplayMemory,
    ) -> Option<Self> {
        let SavedRing { next, sent, dropped, frames } = saved;
        let restore_frame = |(seq, body, room): (u64, u32, Option<RoomTag>)| {
            let body = Body::clone(bodies.get(usize::try_from(body).ok()?)?);
            Some(Frame { seq, body, room })
        };
        let mut ring = Self {
            unsent: frames.partition_point(|(seq, ..)| *seq <= sent),
            frames: frames.into_iter().map(restore_frame).collect::<Option<_>>()?,
            next,
            sent,
            bytes: 0,
            dropped,
            memory,
        };
        ring.memory.resize(0, ring.table_bytes());
        ring.bytes = ring.frames.iter().map(|frame| frame.body.len()).sum();
        let is_sorted = ring.frames.iter().is_sorted_by(|one, other| one.seq < other.seq);
        let is_sound = is_sorted
            && ring.frames.back().is_none_or(|last| last.seq < next)
            && ring.frames.front().is_none_or(|first| first.seq > 0)
            && sent < next
            && dropped < next;
        if !is_sound {
            return None;
        }
        for frame in &ring.frames {
            frame.body.count_in(&ring.memory);
        }
        Some(ring)
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::super::RingLimits;
    use super::*;

    const LIMITS: RingLimits = RingLimits { frames: 100, bytes: 10_000 };

    fn body(len: usize) -> Body {
        vec![b'x'; len].into()
    }

    fn room() -> Option<RoomTag> {
        NonZeroU32::new(7).map(RoomTag)
    }

    /// The ring after a handoff to another process.
    fn carried(ring: &Ring) -> Ring {
        let mut bodies = Bodies::default();
        let text = serde_json::to_string(&ring.save(&mut bodies)).unwrap();
        let bodies: Vec<Body> = bodies.into_list().into_iter().map(Body::from).collect();
        let memory = ReplayMemory::default();
        Ring::restore(serde_json::from_str(&text).unwrap(), &bodies, memory).unwrap()
    }

    fn drain(ring: &mut Ring) -> Vec<(u64, usize)> {
        std::iter::from_fn(|| ring.take_unsent().map(|(seq, body)| (seq, body.len()))).collect()
    }

    #[test]
    fn saved_ring_preserves_sent_and_unsent_frames() {
        let mut ring = Ring::new(3, ReplayMemory::default());
        for (len, room) in [(1, None), (2, room()), (3, None)] {
            ring.push(body(len), room, LIMITS).unwrap();
        }
        ring.take_unsent();
        let mut carried = carried(&ring);
        carried.check_invariants(LIMITS);
        assert_eq!(drain(&mut carried), [(4, 2), (5, 3)]);
        assert_eq!(carried.rewind(2), 3);
        carried.drop_rooms();
        assert_eq!(drain(&mut carried), [(3, 1), (5, 3)], "a frame's room is known");
        carried.push(body(1), None, LIMITS).unwrap();
        assert_eq!(drain(&mut carried), [(6, 1)], "numbers go on");
    }

    #[test]
    fn shared_body_is_saved_once() {
        let (shared, mut bodies) = (body(5), Bodies::default());
        for _ in 0..3 {
            let mut ring = Ring::new(1, ReplayMemory::default());
            ring.push(Body::clone(&shared), None, LIMITS).unwrap();
            ring.push(body(6), None, LIMITS).unwrap();
            ring.save(&mut bodies);
        }
        assert_eq!(bodies.into_list().len(), 4);
    }

    #[test]
    fn oversized_ring_drops_room_frames_first() {
        let mut ring = Ring::new(1, ReplayMemory::default());
        for room in [None, room(), None, None] {
            ring.push(body(40), room, LIMITS).unwrap();
        }
        assert!(!ring.shrink(160), "it fits");
        assert!(ring.shrink(120));
        assert_eq!(drain(&mut ring), [(1, 40), (3, 40), (4, 40)]);
        ring.push(body(40), None, LIMITS).unwrap();
        assert!(!ring.shrink(50), "there is nothing of rooms");
        assert!(ring.has_hole_after(3) && !ring.has_hole_after(4));
        let mut carried = carried(&ring);
        assert!(carried.has_hole_after(3) && !carried.has_hole_after(4));
        assert_eq!(drain(&mut carried), [(5, 40)]);
        ring.shrink(0);
        assert_eq!(drain(&mut ring), [(5, 40)], "it was never sent");
    }

    #[test]
    fn inconsistent_ring_is_not_restored() {
        let bodies = [body(1), body(1)];
        for (case, text) in [
            (
                "numbers that fall",
                r#"{"next":9,"sent":1,"dropped":0,"frames":[[3,0,null],[2,1,null]]}"#,
            ),
            ("a number to come", r#"{"next":3,"sent":1,"dropped":0,"frames":[[3,0,null]]}"#),
            ("no such body", r#"{"next":9,"sent":1,"dropped":0,"frames":[[3,2,null]]}"#),
            ("sent what is to come", r#"{"next":9,"sent":9,"dropped":0}"#),
        ] {
            let saved = serde_json::from_str(text).unwrap();
            let memory = ReplayMemory::default();
            assert!(Ring::restore(saved, &bodies, memory.clone()).is_none(), "{case}");
            assert_eq!(memory.bytes(), 0, "{case}");
        }
    }
}
