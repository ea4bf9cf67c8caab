//! The one ring a session: numbered frames, sent and unsent.
//!
//! Bodies are shared by reference with every other session they went to. Frames leave at the old end: when the client
//! says it has them, or when room is needed and they were sent. A frame may belong to a room: then it is withdrawn when
//! its client may no longer see it, and its number is skipped. Only unsent frames that do not fit are an error.
//! Invariant: numbers grow; the frames before `unsent` were written to the newest connection, and no number above `sent`
//! was ever written to any.

mod saved;

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use saved::Bodies;
pub(super) use saved::SavedRing;

/// What a frame says, without its head: see `stagedoor_proto::frame_text`.
pub type Body = Arc<[u8]>;

/// Marks the frames of one room; unique on this node for as long as the room is open, over a restart too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RoomTag(pub NonZeroU32);

#[derive(Debug)]
struct Frame {
    seq: u64,
    body: Body,
    room: Option<RoomTag>,
}

/// How much a ring may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RingLimits {
    /// Frames.
    pub frames: usize,
    /// Bytes of bodies.
    pub bytes: usize,
}

/// So much room for frames is not worth giving back.
const SPARE_FRAMES: usize = 8;

/// Unsent frames do not fit: the reader is too slow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Overflow;

#[derive(Debug)]
pub(super) struct Ring {
    frames: VecDeque<Frame>,
    /// The place of the first frame that was not written yet.
    unsent: usize,
    /// The number of the next frame.
    next: u64,
    /// The highest number ever written.
    sent: u64,
    bytes: usize,
    /// The highest number that left at the old end, seen by its client or not.
    dropped: u64,
}

impl Ring {
    /// An empty ring whose first frame will be number `first`.
    pub(super) const fn new(first: u64) -> Self {
        Self {
            frames: VecDeque::new(),
            unsent: 0,
            next: first,
            sent: first - 1,
            bytes: 0,
            dropped: 0,
        }
    }

    /// Appends a frame; sent frames make room for it.
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
        self.frames.push_back(Frame { seq: self.next, body, room });
        self.next += 1;
        Ok(())
    }

    /// Whether something was written that is still kept.
    pub(super) const fn keeps_sent(&self) -> bool {
        self.unsent > 0
    }

    /// Whether something waits to be written.
    pub(super) fn has_unsent(&self) -> bool {
        self.unsent < self.frames.len()
    }

    /// How many frames wait to be written.
    pub(super) fn backlog(&self) -> usize {
        self.frames.len() - self.unsent
    }

    /// The next frame to write, which then counts as sent.
    pub(super) fn take_unsent(&mut self) -> Option<(u64, &Body)> {
        let frame = self.frames.get(self.unsent)?;
        self.unsent += 1;
        self.sent = self.sent.max(frame.seq);
        Some((frame.seq, &frame.body))
    }

    /// Whether a client can have seen `seq`: what was never sent is its fancy.
    pub(super) const fn has_sent(&self, seq: u64) -> bool {
        seq <= self.sent
    }

    /// Forgets what the client has; numbers that were never sent change nothing.
    pub(super) fn trim(&mut self, seen: u64) {
        if !self.has_sent(seen) {
            return;
        }
        while self.frames.front().is_some_and(|frame| frame.seq <= seen) {
            self.drop_first();
        }
        self.release();
    }

    /// Whether a frame after `seen` is no longer kept.
    pub(super) const fn has_hole_after(&self, seen: u64) -> bool {
        self.dropped > seen
    }

    /// Makes everything after `seen` unsent again, for a new connection. How many frames follow.
    pub(super) fn rewind(&mut self, seen: u64) -> usize {
        self.trim(seen);
        self.unsent = 0;
        self.frames.len()
    }

    /// Withdraws the unsent frames of a room.
    pub(super) fn withdraw(&mut self, room: RoomTag) {
        let mut place = 0;
        let unsent = self.unsent;
        self.retain(|frame| {
            place += 1;
            place <= unsent || frame.room != Some(room)
        });
    }

    /// Withdraws the frames of every room, sent or not: who cannot be told all of them is told the rooms anew.
    pub(super) fn drop_rooms(&mut self) {
        self.retain(|frame| frame.room.is_none());
    }

    /// Forgets everything; nobody will ask for it.
    pub(super) fn clear(&mut self) {
        *self = Self::new(self.next);
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

    /// The number of the newest frame; one less than the first while there is none.
    #[cfg(test)]
    pub(super) const fn last(&self) -> u64 {
        self.next - 1
    }

    /// The number of the oldest frame it has; one more than the newest while it has none.
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

    /// A burst's capacity goes back; an idle session's ring costs nothing.
    fn release(&mut self) {
        if self.frames.is_empty() {
            self.frames = VecDeque::new();
        } else if self.frames.capacity() / 4 >= self.frames.len().max(SPARE_FRAMES) {
            self.frames.shrink_to(self.frames.len() * 2);
        }
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
    fn sent_frames_make_room_and_unsent_ones_do_not() {
        let mut ring = Ring::new(1);
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
    fn a_rewind_replays_only_what_was_not_seen() {
        let mut ring = Ring::new(1);
        for _ in 0..4 {
            ring.push(body(1), None, LIMITS).unwrap();
        }
        drain(&mut ring);
        assert_eq!(ring.rewind(2), 2);
        assert_eq!(drain(&mut ring), [3, 4]);
        assert_eq!(ring.rewind(4), 0);
        assert_eq!(drain(&mut ring), [0; 0]);
        assert_eq!(ring.frames.capacity(), 0, "what was seen costs nothing");
    }

    #[test]
    fn a_frame_that_made_room_unseen_leaves_a_hole() {
        let mut ring = Ring::new(1);
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
    fn what_was_said_to_be_seen_leaves_a_hole_for_who_saw_less() {
        let mut ring = Ring::new(1);
        for _ in 0..4 {
            ring.push(body(1), None, LIMITS).unwrap();
        }
        drain(&mut ring);
        ring.trim(3);
        assert!(ring.has_hole_after(1) && !ring.has_hole_after(3));
    }

    #[test]
    fn a_bursts_capacity_is_given_back_while_a_little_is_still_kept() {
        let limits = RingLimits { frames: 1_024, bytes: 1 << 20 };
        let mut ring = Ring::new(1);
        for _ in 0..limits.frames {
            ring.push(body(1), None, limits).unwrap();
        }
        drain(&mut ring);
        ring.trim(1_020);
        assert_eq!(ring.frames.len(), 4);
        assert!(ring.frames.capacity() <= 4 * SPARE_FRAMES, "{}", ring.frames.capacity());
        ring.trim(1_024);
        assert_eq!(ring.frames.capacity(), 0);
    }

    #[test]
    fn an_absurd_pong_changes_nothing() {
        let mut ring = Ring::new(1);
        ring.push(body(1), None, LIMITS).unwrap();
        ring.trim(u64::MAX);
        assert_eq!(drain(&mut ring), [1]);
        ring.trim(0);
        assert_eq!(ring.last(), 1);
    }

    #[test]
    fn written_frames_count_as_sent() {
        let mut ring = Ring::new(1);
        for _ in 0..2 {
            ring.push(body(1), None, LIMITS).unwrap();
        }
        assert!(ring.has_sent(0) && !ring.has_sent(1), "nothing was written");
        drain(&mut ring);
        ring.rewind(0);
        assert!(ring.has_sent(2) && !ring.has_sent(3));
    }

    #[test]
    fn withdrawn_frames_leave_their_numbers_unused() {
        let [here, there] = [1, 2].map(|n| RoomTag(NonZeroU32::new(n).unwrap()));
        let mut ring = Ring::new(1);
        ring.push(body(1), Some(here), LIMITS).unwrap();
        assert_eq!(drain(&mut ring), [1]);
        for room in [Some(here), Some(there), None] {
            ring.push(body(1), room, LIMITS).unwrap();
        }
        ring.withdraw(here);
        assert_eq!(drain(&mut ring), [3, 4]);
        assert_eq!(ring.rewind(0), 3, "what was sent is replayed all the same");
        ring.drop_rooms();
        assert_eq!(drain(&mut ring), [4]);
    }

    proptest::proptest! {
        #[test]
        fn any_use_keeps_numbers_growing_and_bytes_right(
            ops in proptest::collection::vec((0..6_u8, 0..40_usize), 0..200),
        ) {
            let rooms = [None, NonZeroU32::new(1).map(RoomTag), NonZeroU32::new(2).map(RoomTag)];
            let mut ring = Ring::new(1);
            for (op, n) in ops {
                match op {
                    0 => { let _ = ring.push(body(n), rooms[n % 3], LIMITS); }
                    1 => { ring.take_unsent(); }
                    2 => ring.trim(n as u64),
                    3 => ring.drop_rooms(),
                    4 => ring.withdraw(rooms[1].unwrap()),
                    _ => { let sent = ring.sent; ring.rewind((n as u64).min(sent)); }
                }
                ring.check_invariants(LIMITS);
            }
        }
    }
}
