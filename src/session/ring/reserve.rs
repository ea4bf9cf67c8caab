//! A place in the ring for a reply that is not known yet, so that it precedes the frames of its own effects.
//!
//! The frames behind the place are sent once it is filled. A place is a body that no message has: it begins with a zero
//! byte, and has the id of its request.

use super::{Body, Frame, Overflow, Ring, RingLimits};

/// The size of a place: larger than most replies that have one.
const PLACE_BYTES: usize = 256;

impl Ring {
    /// Appends a place for the reply to request `id`.
    pub(in crate::session) fn reserve(
        &mut self,
        id: u32,
        limits: RingLimits,
    ) -> Result<(), Overflow> {
        self.push(place_of(id).into(), None, limits)
    }

    /// Fills the place of the reply to request `id`. Gives the reply back if there is none, or it does not fit.
    pub(in crate::session) fn fill(
        &mut self,
        id: u32,
        reply: Body,
        limits: RingLimits,
    ) -> Result<(), Body> {
        let mut unsent = self.frames.iter().skip(self.unsent);
        let Some(offset) = unsent.position(|frame| frame.place() == Some(id)) else {
            return Err(reply);
        };
        let extra = reply.len().saturating_sub(PLACE_BYTES);
        while self.bytes + extra > limits.bytes && self.unsent > 0 {
            self.drop_first();
        }
        let index = self.unsent + offset;
        if self.bytes + extra > limits.bytes {
            self.remove(index);
            return Err(reply);
        }
        reply.count_in(&self.memory);
        let frame = &mut self.frames[index];
        self.bytes = self.bytes + reply.len() - frame.body.len();
        frame.body = reply;
        Ok(())
    }

    fn remove(&mut self, index: usize) {
        if let Some(frame) = self.frames.remove(index) {
            self.bytes -= frame.body.len();
        }
    }
}

impl Frame {
    /// The request whose reply belongs here, while it is not known.
    pub(super) fn place(&self) -> Option<u32> {
        match *self.body {
            [0, a, b, c, d, ..] => Some(u32::from_le_bytes([a, b, c, d])),
            _ => None,
        }
    }
}

fn place_of(id: u32) -> [u8; PLACE_BYTES] {
    let mut place = [0; PLACE_BYTES];
    place[1..5].copy_from_slice(&id.to_le_bytes());
    place
}

#[cfg(test)]
mod tests {
    use super::super::ReplayMemory;
    use super::*;

    const LIMITS: RingLimits = RingLimits { frames: 4, bytes: 600 };

    fn drain(ring: &mut Ring) -> Vec<(u64, usize)> {
        std::iter::from_fn(|| ring.take_unsent().map(|(seq, body)| (seq, body.len()))).collect()
    }

    fn body(len: usize) -> Body {
        vec![b'x'; len].into()
    }

    #[test]
    fn frames_behind_a_place_wait_until_it_is_filled() {
        let mut ring = Ring::new(1, ReplayMemory::default());
        ring.push(body(1), None, LIMITS).unwrap();
        ring.reserve(7, LIMITS).unwrap();
        ring.push(body(2), None, LIMITS).unwrap();
        assert_eq!(drain(&mut ring), [(1, 1)]);
        assert_eq!(ring.fill(8, body(5), LIMITS), Err(body(5)), "another request");
        assert_eq!(ring.rewind(0), 3);
        assert_eq!(drain(&mut ring), [(1, 1)], "nor after a resume");
        ring.fill(7, body(5), LIMITS).unwrap();
        ring.check_invariants(LIMITS);
        assert_eq!(drain(&mut ring), [(2, 5), (3, 2)]);
        assert_eq!(ring.fill(7, body(5), LIMITS), Err(body(5)), "it is filled once");
    }

    #[test]
    fn reply_that_does_not_fit_leaves_no_place() {
        let mut ring = Ring::new(1, ReplayMemory::default());
        ring.reserve(7, LIMITS).unwrap();
        ring.push(body(300), None, LIMITS).unwrap();
        assert_eq!(ring.fill(7, body(400), LIMITS), Err(body(400)));
        ring.check_invariants(LIMITS);
        assert_eq!(drain(&mut ring), [(2, 300)], "the frames behind it are sent");
    }
}
