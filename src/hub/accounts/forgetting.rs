//! Whether guests are being forgotten.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use crate::time::Monotonic;

/// At most one run at a time, and a pause after one that did not help.
#[derive(Default)]
pub(super) struct Forgetting {
    is_running: AtomicBool,
    not_before_ms: AtomicU64,
}

impl Forgetting {
    /// Begins a run. Returns whether it may.
    pub(super) fn begin(&self, now: Monotonic) -> bool {
        now.as_millis() >= self.not_before_ms.load(Ordering::Relaxed)
            && !self.is_running.swap(true, Ordering::Relaxed)
    }

    pub(super) fn end(&self) {
        self.is_running.store(false, Ordering::Relaxed);
    }

    pub(super) fn pause(&self, now: Monotonic, pause: Duration) {
        self.not_before_ms.store((now + pause).as_millis(), Ordering::Relaxed);
    }
}
