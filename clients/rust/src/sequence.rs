//! The numbers of the frames a session received.
//!
//! Invariant: `last` only grows. A number that goes back is a frame seen before; one that skips ahead is fine, as the
//! gateway withdraws frames. Not here: what the frames say.

/// How the numbers of a session's frames went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FrameCounts {
    /// Frames dropped because their number had been seen.
    pub duplicates: u64,
    /// Numbers that never came: frames withdrawn by the gateway.
    pub skipped: u64,
}

/// The highest number seen, and what was odd on the way there.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sequence {
    last: u64,
    counts: FrameCounts,
}

impl Sequence {
    pub(crate) fn starting_after(last: u64) -> Self {
        Self { last, counts: FrameCounts::default() }
    }

    pub(crate) const fn last(&self) -> u64 {
        self.last
    }

    pub(crate) const fn counts(&self) -> FrameCounts {
        self.counts
    }

    /// Whether frame `seq` is to be handed on; one that was seen before is counted.
    pub(crate) fn admit(&mut self, seq: u64) -> bool {
        let fresh = seq > self.last;
        self.counts.duplicates += u64::from(!fresh);
        fresh
    }

    /// Notes that frame `seq`, admitted before, reached its receiver.
    pub(crate) fn advance(&mut self, seq: u64) {
        if seq > self.last {
            self.counts.skipped += seq - self.last - 1;
            self.last = seq;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_go_back_are_duplicates_and_gaps_are_allowed() {
        let mut sequence = Sequence::starting_after(4);
        let seen: Vec<bool> = [5, 5, 9, 7, 4, 10]
            .into_iter()
            .map(|seq| {
                let fresh = sequence.admit(seq);
                sequence.advance(seq);
                fresh
            })
            .collect();
        assert_eq!(seen, [true, false, true, false, false, true]);
        assert_eq!(sequence.last(), 10);
        assert_eq!(sequence.counts(), FrameCounts { duplicates: 3, skipped: 3 });
    }

    #[test]
    fn a_frame_that_was_not_handed_on_may_come_again() {
        let mut sequence = Sequence::default();
        assert!(sequence.admit(1));
        assert!(sequence.admit(1));
        assert_eq!((sequence.last(), sequence.counts().duplicates), (0, 0));
    }
}
