//! The one ring a session: numbered frames, sent and unsent.
//!
//! Bodies are shared by reference with every other session they went to. Frames leave at the old end: when the client
//! says it has them, or when room is needed and they were sent. Only unsent frames that do not fit are an error.
//! Invariant: `frames[i]` is number `first + i`; numbers up to `sent` were written to the newest connection.

use std::collections::VecDeque;
use std::sync::Arc;

/// What a frame says, without its head: see `stagedoor_proto::frame_text`.
pub type Body = Arc<[u8]>;

/// How much a ring may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RingLimits {
    /// Frames.
    pub frames: usize,
    /// Bytes of bodies.
    pub bytes: usize,
}

/// Unsent frames do not fit: the reader is too slow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overflow;

#[derive(Debug)]
pub(super) struct Ring {
    frames: VecDeque<Body>,
    first: u64,
    sent: u64,
    bytes: usize,
}

impl Ring {
    /// An empty ring whose first frame will be number `first`.
    pub(super) const fn new(first: u64) -> Self {
        Self { frames: VecDeque::new(), first, sent: first - 1, bytes: 0 }
    }

    /// The number of the newest frame; one less than the first while there is none.
    pub(super) fn last(&self) -> u64 {
        self.first + self.frames.len() as u64 - 1
    }

    /// Appends a frame; sent frames make room for it.
    pub(super) fn push(&mut self, body: Body, limits: RingLimits) -> Result<(), Overflow> {
        let fits = |ring: &Self| {
            ring.frames.len() < limits.frames && ring.bytes + body.len() <= limits.bytes
        };
        while !fits(self) {
            if self.first > self.sent {
                return Err(Overflow);
            }
            self.drop_first();
        }
        self.bytes += body.len();
        self.frames.push_back(body);
        Ok(())
    }

    /// Whether something waits to be written.
    pub(super) fn has_unsent(&self) -> bool {
        self.sent < self.last()
    }

    /// The next frame to write, which then counts as sent.
    pub(super) fn take_unsent(&mut self) -> Option<(u64, &Body)> {
        if !self.has_unsent() {
            return None;
        }
        self.sent += 1;
        let index = usize::try_from(self.sent - self.first).expect("the ring fits in memory");
        self.frames.get(index).map(|body| (self.sent, body))
    }

    /// Forgets what the client has; numbers that were never sent are a client's fancy and change nothing.
    pub(super) fn trim(&mut self, seen: u64) {
        if seen > self.sent {
            return;
        }
        while self.first <= seen && !self.frames.is_empty() {
            self.drop_first();
        }
        if self.frames.is_empty() {
            // A burst's capacity goes back; an idle session's ring costs nothing.
            self.frames = VecDeque::new();
        }
    }

    /// Makes everything after `seen` unsent again, for a new connection. How many frames follow.
    pub(super) fn rewind(&mut self, seen: u64) -> usize {
        self.sent = self.sent.max(seen);
        self.trim(seen);
        self.sent = seen.max(self.first - 1);
        usize::try_from(self.last() - self.sent).expect("the ring fits in memory")
    }

    /// Forgets everything; nobody will ask for it.
    pub(super) fn clear(&mut self) {
        *self = Self::new(self.last() + 1);
    }

    /// The number of the oldest frame it has; one more than the newest while it has none.
    #[cfg(test)]
    pub(super) const fn first(&self) -> u64 {
        self.first
    }

    #[cfg(test)]
    pub(super) fn check_invariants(&self, limits: RingLimits) {
        assert_eq!(self.bytes, self.frames.iter().map(|body| body.len()).sum::<usize>());
        assert!(self.frames.len() <= limits.frames && self.bytes <= limits.bytes);
        assert!(self.first - 1 <= self.sent && self.sent <= self.last());
    }

    fn drop_first(&mut self) {
        if let Some(body) = self.frames.pop_front() {
            self.bytes -= body.len();
            self.first += 1;
            self.sent = self.sent.max(self.first - 1);
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
            ring.push(body(10), LIMITS).unwrap();
        }
        assert_eq!(ring.push(body(10), LIMITS), Err(Overflow), "nothing was sent");
        assert_eq!(drain(&mut ring), [1, 2, 3, 4]);
        ring.push(body(90), LIMITS).unwrap();
        assert_eq!(ring.last(), 5);
        assert_eq!(ring.push(body(20), LIMITS), Err(Overflow), "110 unsent bytes");
        assert_eq!(drain(&mut ring), [5]);
    }

    #[test]
    fn a_rewind_replays_only_what_was_not_seen() {
        let mut ring = Ring::new(1);
        for _ in 0..4 {
            ring.push(body(1), LIMITS).unwrap();
        }
        drain(&mut ring);
        assert_eq!(ring.rewind(2), 2);
        assert_eq!(drain(&mut ring), [3, 4]);
        assert_eq!(ring.rewind(4), 0);
        assert_eq!(drain(&mut ring), [0; 0]);
        assert_eq!(ring.frames.capacity(), 0, "what was seen costs nothing");
    }

    #[test]
    fn an_absurd_pong_changes_nothing() {
        let mut ring = Ring::new(1);
        ring.push(body(1), LIMITS).unwrap();
        ring.trim(u64::MAX);
        assert_eq!(drain(&mut ring), [1]);
        ring.trim(0);
        assert_eq!(ring.last(), 1);
    }

    proptest::proptest! {
        #[test]
        fn any_use_keeps_numbers_dense_and_bytes_right(ops in proptest::collection::vec((0..4_u8, 0..40_usize), 0..200)) {
            let mut ring = Ring::new(1);
            for (op, n) in ops {
                match op {
                    0 => { let _ = ring.push(body(n), LIMITS); }
                    1 => { ring.take_unsent(); }
                    2 => ring.trim(n as u64),
                    _ => { let last = ring.last(); ring.rewind((n as u64).min(last)); }
                }
                ring.check_invariants(LIMITS);
            }
        }
    }
}
