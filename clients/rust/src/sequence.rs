//! The numbers of received frames.
//!
//! Invariant: `last` only grows. A lower number is a duplicate frame. A gap is valid, because the gateway discards
//! outdated frames. Not here: the content of frames.

/// Counts of irregular frame numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FrameCounts {
    /// Dropped duplicate frames.
    pub duplicates: u64,
    /// Skipped numbers: frames that the gateway discarded.
    pub skipped: u64,
}

/// The highest received number, and the counts of irregular ones.
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

    /// Whether frame `seq` is new; counts duplicates.
    pub(crate) fn admit(&mut self, seq: u64) -> bool {
        let fresh = seq > self.last;
        self.counts.duplicates += u64::from(!fresh);
        fresh
    }

    /// Records that the receiver got frame `seq`.
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
