//! How fast one key or token may call.

use std::sync::Arc;
use std::time::Duration;

use dashmap::DashMap;
use stagedoor_proto::Timestamp;

use crate::config::Limits;
use crate::session::{Bucket, Rate};

/// Callers remembered at a time; beyond them the idle ones are forgotten.
const MAX_REMEMBERED: usize = 10_000;

/// The rate of each caller, by app and by what it is called as a text: no token is counted as a key.
pub(super) struct Callers {
    rate: Rate,
    buckets: DashMap<(Arc<str>, Box<str>), Bucket>,
}

impl Callers {
    pub(super) fn new(limits: &Limits) -> Self {
        let rate = Rate { per_second: limits.api_calls_per_s, burst: limits.api_calls_burst };
        Self { rate, buckets: DashMap::new() }
    }

    /// Counts a call; how long to wait when there were too many.
    pub(super) fn take(
        &self,
        app: &Arc<str>,
        caller: &str,
        now: Timestamp,
    ) -> Result<(), Duration> {
        let key = (Arc::clone(app), Box::from(caller));
        let taken = self.buckets.entry(key).or_default().take(self.rate, now);
        if self.buckets.len() > MAX_REMEMBERED {
            self.buckets.retain(|_, bucket| !bucket.is_idle(now));
        }
        taken
    }
}
