//! How fast one key or token may call.

use std::sync::Arc;
use std::time::Duration;

use dashmap::DashMap;
use stagedoor_proto::Timestamp;

use crate::rate_limit::{Rate, RateLimiter};

/// Callers remembered at a time; beyond them the idle ones are forgotten.
const MAX_REMEMBERED: usize = 10_000;

/// What each caller took, by app and by what it is called as a text: no token is counted as a key.
#[derive(Default)]
pub(super) struct CallRates {
    limiters: DashMap<(Arc<str>, Box<str>), RateLimiter>,
}

impl CallRates {
    /// Forgets what was taken: at another rate it would count for more or less than it was.
    pub(super) fn reset(&self) {
        self.limiters.clear();
    }

    /// Counts a call; how long to wait when there were too many.
    pub(super) fn take(
        &self,
        rate: Rate,
        app: &Arc<str>,
        caller: &str,
        now: Timestamp,
    ) -> Result<(), Duration> {
        let key = (Arc::clone(app), Box::from(caller));
        let taken = self.limiters.entry(key).or_default().take(rate, now);
        if self.limiters.len() > MAX_REMEMBERED {
            self.limiters.retain(|_, limiter| !limiter.is_idle(now));
        }
        taken
    }
}
