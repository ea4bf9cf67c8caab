//! Rate limits of server API callers.

use std::sync::Arc;
use std::time::Duration;

use dashmap::DashMap;

use crate::rate_limit::{Rate, RateLimiter};
use crate::time::Monotonic;

/// Tracked callers; above this number idle ones are removed.
const MAX_REMEMBERED: usize = 10_000;

/// A rate limiter per app and caller name. The name contains no token.
#[derive(Default)]
pub(super) struct CallRates {
    limiters: DashMap<(Arc<str>, Box<str>), RateLimiter>,
}

impl CallRates {
    /// Resets all limiters, because their state depends on the configured rate.
    pub(super) fn reset(&self) {
        self.limiters.clear();
    }

    /// Counts a call; the error is the time to wait.
    pub(super) fn take(
        &self,
        rate: Rate,
        app: &Arc<str>,
        caller: &str,
        now: Monotonic,
    ) -> Result<(), Duration> {
        let key = (Arc::clone(app), Box::from(caller));
        let taken = self.limiters.entry(key).or_default().take(rate, now);
        if self.limiters.len() > MAX_REMEMBERED {
            self.limiters.retain(|_, limiter| !limiter.is_idle(now));
        }
        taken
    }
}
