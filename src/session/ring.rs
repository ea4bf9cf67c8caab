//! The replay ring of a session: numbered frames, sent and unsent.
//!
//! Sessions share bodies by reference. The oldest frames are removed when the client
//! acknowledges them, or when space is needed and they were sent. A frame may belong to a room: it is discarded when
//! the client may no longer see it, and its number is skipped. Only unsent frames that do not fit are an error.
//! Invariant: numbers increase; the frames before `unsent` were written to the newest connection, and no number above
//! `sent` was ever written to any.

mod memory;
mod reserve;
mod saved;

use std::collections::VecDeque;
use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};

pub use memory::{Body, ReplayMemory};
pub use saved::Bodies;
pub(super) use saved::SavedRing;

/// The tag of one room's frames; unique on this node while the room is open, also across a restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RoomTag(pub NonZeroU32);

#[derive(Debug)]
struct Frame {
    seq: u64,
    body: Body,
    room: Option<RoomTag>,
}

/// The capacity of a ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RingLimits {
    pub frames: usize,
    /// Total bytes of bodies.
    pub bytes: usize,
}

/// The memory that a ring holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RingUsage {
    /// All of it, as if it shared no body with others.
    pub bytes: usize,
    /// The part of frames of rooms, which a snapshot can replace.
    pub room_bytes: usize,
}

/// A capacity up to this is not released.
const RESERVED_FRAMES: usize = 8;

/// Unsent frames do not fit: the client reads too slowly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Overflow;

#[derive(Debug)]
pub(super) struct Ring {
    frames: VecDeque<Frame>,
    /// Index of the first unsent frame.
    unsent: usize,
    next: u64,
    sent: u64,
    bytes: usize,
    /// The highest removed number, acknowledged or not.
    dropped: u64,
    memory: ReplayMemory,
}

impl Ring {
    /// An empty ring; its first frame has number `first`. What it holds counts in `memory`.
    pub(super) const fn new(first: u64, memory: ReplayMemory) -> Self {
        Self {
            frames: VecDeque::new(),
            unsent: 0,
            next: first,
            sent: first - 1,
            bytes: 0,
            dropped: 0,
            memory,
        }
    }

    /// Appends a frame; sent frames are removed to make space.
    pub(super) fn push(
        &mut self,
        body: Body,
        room: Option<RoomTag>,
        limits: RingLimits,
    ) -> Result<(), Overflow> {
        while self.frames.len() >= limits.frames || self.bytes + body.len() > limits.bytes {
            if self.unsent == 0 {
                return Err(Overflow);
            }
            self.drop_first();
        }
        self.bytes += body.len();
        body.count_in(&self.memory);
        let before = self.table_bytes();
        self.frames.push_back(Frame { seq: self.next, body, room });
        self.memory.resize(before, self.table_bytes());
        self.next += 1;
        Ok(())
    }

    /// The memory of the table of frames.
    fn table_bytes(&self) -> usize {
        self.frames.capacity() * size_of::<Frame>()
    }

    /// The memory that the ring holds, as if it shared no body; of that, what frames of rooms hold.
    pub(super) fn usage(&self) -> RingUsage {
        let of_frame = |frame: &Frame| Body::footprint(frame.body.len()) + size_of::<Frame>();
        let of_rooms = self.frames.iter().filter(|frame| frame.room.is_some());
        let frames = self.frames.len() * Body::footprint(0) + self.bytes;
        RingUsage { bytes: self.table_bytes() + frames, room_bytes: of_rooms.map(of_frame).sum() }
    }

    /// Whether the ring has sent frames.
    pub(super) const fn keeps_sent(&self) -> bool {
        self.unsent > 0
    }

    /// Whether the ring has unsent frames.
    pub(super) fn has_unsent(&self) -> bool {
        self.unsent < self.frames.len()
    }

    /// Number of unsent frames.
    pub(super) fn backlog(&self) -> usize {
        self.frames.len() - self.unsent
    }

    /// Whether a frame of `len` bytes leaves half of the ring to other unsent frames.
    pub(super) fn has_headroom(&self, len: usize, limits: RingLimits) -> bool {
        let unsent = self.frames.iter().skip(self.unsent).map(|frame| frame.body.len());
        self.backlog() < limits.frames / 2 && unsent.sum::<usize>() + len <= limits.bytes / 2
    }

    /// Takes the next unsent frame, which then counts as sent. `None` also while its body is not known.
    pub(super) fn take_unsent(&mut self) -> Option<(u64, &Body)> {
        let frame = self.frames.get(self.unsent).filter(|frame| frame.place().is_none())?;
        self.unsent += 1;
        self.sent = self.sent.max(frame.seq);
        Some((frame.seq, &frame.body))
    }

    /// Whether `seq` was sent, so that a client can have received it.
    pub(super) const fn has_sent(&self, seq: u64) -> bool {
        seq <= self.sent
    }

    /// Removes acknowledged frames; numbers that were never sent have no effect.
    pub(super) fn trim(&mut self, seen: u64) {
        if !self.has_sent(seen) {
            return;
        }
        while self.frames.front().is_some_and(|frame| frame.seq <= seen) {
            self.drop_first();
        }
        self.release();
    }

    /// Whether a frame after `seen` was removed.
    pub(super) const fn has_hole_after(&self, seen: u64) -> bool {
        self.dropped > seen
    }

    /// Marks the frames after `seen` as unsent, for a new connection. Returns their number.
    pub(super) fn rewind(&mut self, seen: u64) -> usize {
        self.trim(seen);
        self.unsent = 0;
        self.frames.len()
    }

    /// Discards the unsent frames of a room.
    pub(super) fn discard_room(&mut self, room: RoomTag) {
        let mut place = 0;
        let unsent = self.unsent;
        self.retain(|frame| {
            place += 1;
            place <= unsent || frame.room != Some(room)
        });
    }

    /// Removes the frames of every room, sent or not: a client that would miss some gets a room reset.
    pub(super) fn drop_rooms(&mut self) {
        self.retain(|frame| frame.room.is_none());
    }

    /// Removes everything; no resume follows.
    pub(super) fn clear(&mut self) {
        *self = Self::new(self.next, self.memory.clone());
    }

    fn retain(&mut self, mut stays: impl FnMut(&Frame) -> bool) {
        let (mut place, mut unsent, mut bytes) = (0, self.unsent, self.bytes);
        self.frames.retain(|frame| {
            place += 1;
            let stays = stays(frame);
            if !stays {
                bytes -= frame.body.len();
                unsent -= usize::from(place <= self.unsent);
            }
            stays
        });
        (self.unsent, self.bytes) = (unsent, bytes);
        self.release();
    }

    /// The number of the newest frame; one less than the first number if there is none.
    #[cfg(test)]
    pub(super) const fn last(&self) -> u64 {
        self.next - 1
    }

    /// The number of the oldest frame; one more than the newest if there is none.
    #[cfg(test)]
    pub(super) fn first(&self) -> u64 {
        self.frames.front().map_or(self.next, |frame| frame.seq)
    }

    #[cfg(test)]
    pub(super) fn check_invariants(&self, limits: RingLimits) {
        assert_eq!(self.bytes, self.frames.iter().map(|frame| frame.body.len()).sum::<usize>());
        assert!(self.frames.len() <= limits.frames && self.bytes <= limits.bytes);
        assert!(self.frames.iter().is_sorted_by(|one, next| one.seq < next.seq));
        assert!(self.unsent <= self.frames.len() && self.sent <= self.last());
        assert!(self.frames.iter().take(self.unsent).all(|frame| frame.seq <= self.sent));
        assert!(self.frames.iter().all(|frame| frame.seq > self.dropped));
    }

    fn drop_first(&mut self) {
        if let Some(frame) = self.frames.pop_front() {
            self.bytes -= frame.body.len();
            self.unsent = self.unsent.saturating_sub(1);
            self.dropped = frame.seq;
        }
    }

    /// Releases the capacity of a burst, so that an idle session's ring uses no memory.
    fn release(&mut self) {
        let before = self.table_bytes();
        if self.frames.is_empty() {
            self.frames = VecDeque::new();
        } else if self.frames.capacity() / 4 >= self.frames.len().max(RESERVED_FRAMES) {
            self.frames.shrink_to(self.frames.len() * 2);
        }
        self.memory.resize(before, self.table_bytes());
    }
}

impl Drop for Ring {
    fn drop(&mut self) {
        self.memory.resize(self.table_bytes(), 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: RingLimits = RingLimits { frames: 4, bytes: 100 };

    fn body(len: usize) -> Body {
        vec![b'x'; len].into()
    }

    fn drain(ring: &mut Ring) -> Vec<u64> {
        std::iter::from_fn(|| ring.take_unsent().map(|(seq, _)| seq)).collect()
    }

    #[test]
    fn only_sent_frames_make_room() {
        let mut ring = Ring::new(1, ReplayMemory::default());
        for _ in 0..4 {
            ring.push(body(10), None, LIMITS).unwrap();
        }
        assert_eq!(ring.push(body(10), None, LIMITS), Err(Overflow), "nothing was sent");
        assert_eq!(drain(&mut ring), [1, 2, 3, 4]);
        ring.push(body(90), None, LIMITS).unwrap();
        assert_eq!(ring.last(), 5);
        assert_eq!(ring.push(body(20), None, LIMITS), Err(Overflow), "110 unsent bytes");
        assert_eq!(drain(&mut ring), [5]);
    }

    #[test]
    fn rewind_replays_only_unacknowledged_frames() {
        let mut ring = Ring::new(1, ReplayMemory::default());
        for _ in 0..4 {
            ring.push(body(1), None, LIMITS).unwrap();
        }
        drain(&mut ring);
        assert_eq!(ring.rewind(2), 2);
        assert_eq!(drain(&mut ring), [3, 4]);
        assert_eq!(ring.rewind(4), 0);
        assert_eq!(drain(&mut ring), [0; 0]);
        assert_eq!(ring.frames.capacity(), 0, "acknowledged frames use no memory");
    }

    #[test]
    fn removed_unacknowledged_frame_leaves_a_gap() {
        let mut ring = Ring::new(1, ReplayMemory::default());
        for _ in 0..4 {
            ring.push(body(1), None, LIMITS).unwrap();
            drain(&mut ring);
        }
        assert!(!ring.has_hole_after(0), "all four are kept");
        for _ in 0..2 {
            ring.push(body(1), None, LIMITS).unwrap();
            drain(&mut ring);
        }
        assert!(ring.has_hole_after(1), "the second is gone");
        assert!(!ring.has_hole_after(2));
    }

    #[test]
    fn resume_below_acknowledged_frame_has_a_gap() {
        let mut ring = Ring::new(1, ReplayMemory::default());
        for _ in 0..4 {
            ring.push(body(1), None, LIMITS).unwrap();
        }
        drain(&mut ring);
        ring.trim(3);
        assert!(ring.has_hole_after(1) && !ring.has_hole_after(3));
    }

    #[test]
    fn ring_releases_capacity_after_a_burst() {
        let limits = RingLimits { frames: 1_024, bytes: 1 << 20 };
        let mut ring = Ring::new(1, ReplayMemory::default());
        for _ in 0..limits.frames {
            ring.push(body(1), None, limits).unwrap();
        }
        drain(&mut ring);
        ring.trim(1_020);
        assert_eq!(ring.frames.len(), 4);
        assert!(ring.frames.capacity() <= 4 * RESERVED_FRAMES, "{}", ring.frames.capacity());
        ring.trim(1_024);
        assert_eq!(ring.frames.capacity(), 0);
    }

    #[test]
    fn pong_beyond_the_last_frame_has_no_effect() {
        let mut ring = Ring::new(1, ReplayMemory::default());
        ring.push(body(1), None, LIMITS).unwrap();
        ring.trim(u64::MAX);
        assert_eq!(drain(&mut ring), [1]);
        ring.trim(0);
        assert_eq!(ring.last(), 1);
    }

    #[test]
    fn written_frames_count_as_sent() {
        let mut ring = Ring::new(1, ReplayMemory::default());
        for _ in 0..2 {
            ring.push(body(1), None, LIMITS).unwrap();
        }
        assert!(ring.has_sent(0) && !ring.has_sent(1), "nothing was written");
        drain(&mut ring);
        ring.rewind(0);
        assert!(ring.has_sent(2) && !ring.has_sent(3));
    }

    #[test]
    fn discarded_frames_leave_number_gaps() {
        let [here, there] = [1, 2].map(|n| RoomTag(NonZeroU32::new(n).unwrap()));
        let mut ring = Ring::new(1, ReplayMemory::default());
        ring.push(body(1), Some(here), LIMITS).unwrap();
        assert_eq!(drain(&mut ring), [1]);
        for room in [Some(here), Some(there), None] {
            ring.push(body(1), room, LIMITS).unwrap();
        }
        ring.discard_room(here);
        assert_eq!(drain(&mut ring), [3, 4]);
        assert_eq!(ring.rewind(0), 3, "what was sent is replayed all the same");
        ring.drop_rooms();
        assert_eq!(drain(&mut ring), [4]);
    }

    proptest::proptest! {
        #[test]
        fn ring_invariants_hold_for_any_operations(
            ops in proptest::collection::vec((0..6_u8, 0..40_usize), 0..200),
        ) {
            let rooms = [None, NonZeroU32::new(1).map(RoomTag), NonZeroU32::new(2).map(RoomTag)];
            let mut ring = Ring::new(1, ReplayMemory::default());
            for (op, n) in ops {
                match op {
                    0 => { let _ = ring.push(body(n), rooms[n % 3], LIMITS); }
                    1 => { ring.take_unsent(); }
                    2 => ring.trim(n as u64),
                    3 => ring.drop_rooms(),
                    4 => ring.discard_room(rooms[1].unwrap()),
                    _ => { let sent = ring.sent; ring.rewind((n as u64).min(sent)); }
                }
                ring.check_invariants(LIMITS);
            }
        }

        #[test]
        fn memory_is_the_bodies_once_and_the_tables(
            ops in proptest::collection::vec((0..8_u8, 0..3_usize, 0..40_usize), 0..200),
        ) {
            let memory = ReplayMemory::default();
            let rooms = [None, NonZeroU32::new(1).map(RoomTag), NonZeroU32::new(2).map(RoomTag)];
            let mut rings = [(); 3].map(|()| Ring::new(1, memory.clone()));
            for (op, which, n) in ops {
                let ring = &mut rings[which];
                match op {
                    0 | 1 => { let _ = ring.push(body(n), rooms[n % 3], LIMITS); }
                    2 => {
                        let shared = body(n);
                        for ring in &mut rings {
                            let _ = ring.push(shared.clone(), rooms[n % 3], LIMITS);
                        }
                    }
                    3 => { ring.take_unsent(); }
                    4 => ring.trim(n as u64),
                    5 => ring.drop_rooms(),
                    6 => ring.clear(),
                    _ => *ring = Ring::new(1, memory.clone()),
                }
                let frames = rings.iter().flat_map(|ring| &ring.frames);
                let bodies: std::collections::HashMap<_, _> =
                    frames.map(|frame| (frame.body.address(), frame.body.len())).collect();
                let tables: usize = rings.iter().map(Ring::table_bytes).sum();
                let expected = bodies.values().map(|len| Body::footprint(*len)).sum::<usize>() + tables;
                proptest::prop_assert_eq!(memory.bytes(), expected);
            }
            drop(rings);
            proptest::prop_assert_eq!(memory.bytes(), 0);
        }
    }
}
