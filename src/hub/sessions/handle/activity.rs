//! What is read of a session without taking its lock.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use stagedoor_proto::Timestamp;

/// When a session last showed life, when it waits for something, whether it is in rooms, and whether it holds its client
/// instance.
///
/// All but the last are written under the session's lock; a reader may be a change behind, which the next sweep makes up
/// for.
pub struct Activity {
    /// Milliseconds since the epoch, as the two below.
    last_frame: AtomicU64,
    last_ping: AtomicU64,
    next_timeout: AtomicU64,
    room_count: AtomicUsize,
    /// The generation by which it holds its client instance in the directory; 0: it does not.
    held_by: AtomicU64,
}

impl Activity {
    pub(super) fn new(first_life: Timestamp, next_timeout: Timestamp) -> Self {
        Self {
            last_frame: AtomicU64::new(first_life.as_millis()),
            last_ping: AtomicU64::new(first_life.as_millis()),
            next_timeout: AtomicU64::new(next_timeout.as_millis()),
            room_count: AtomicUsize::new(0),
            held_by: AtomicU64::new(0),
        }
    }

    /// When a frame last came in.
    #[must_use]
    pub fn last_frame(&self) -> Timestamp {
        Timestamp::from_millis(self.last_frame.load(Ordering::Relaxed))
    }

    /// When a ping was last asked for.
    pub(super) fn last_ping(&self) -> Timestamp {
        Timestamp::from_millis(self.last_ping.load(Ordering::Relaxed))
    }

    /// How many rooms the session is in: in a room it is pinged more often.
    pub(in crate::hub) fn room_count(&self) -> usize {
        self.room_count.load(Ordering::Relaxed)
    }

    /// Whether the session has to be looked at: something is due, or it was silent or not pinged for `interval`.
    pub(in crate::hub) fn is_due(&self, now: Timestamp, interval: Duration) -> bool {
        now.as_millis() >= self.next_timeout.load(Ordering::Relaxed)
            || now.saturating_since(self.last_frame()) >= interval
            || now.saturating_since(self.last_ping()) >= interval
    }

    /// By which generation it holds its client instance, if it does.
    pub(in crate::hub) fn held_by(&self) -> Option<u64> {
        Some(self.held_by.load(Ordering::Acquire)).filter(|generation| *generation > 0)
    }

    /// It holds its client instance by this generation; `None`: no more.
    pub(in crate::hub) fn set_held_by(&self, generation: Option<u64>) {
        self.held_by.store(generation.unwrap_or(0), Ordering::Release);
    }

    pub(super) fn record_frame(&self, now: Timestamp) {
        self.last_frame.store(now.as_millis(), Ordering::Relaxed);
    }

    pub(super) fn record_ping(&self, now: Timestamp) {
        self.last_ping.store(now.as_millis(), Ordering::Relaxed);
    }

    pub(super) fn set_next_timeout(&self, at: Timestamp) {
        self.next_timeout.store(at.as_millis(), Ordering::Relaxed);
    }

    pub(super) fn set_room_count(&self, count: usize) {
        self.room_count.store(count, Ordering::Relaxed);
    }
}
