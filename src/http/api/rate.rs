//! How fast one key or token may call.

use std::sync::Arc;
use std::time::Duration;

use dashmap::DashMap;
use stagedoor_proto::Timestamp;

use crate::session::{Bucket, Rate};

/// Callers remembered at a time; beyond them the idle ones are forgotten.
const MAX_REMEMBERED: usize = 10_000;

/// What each caller took, by app and by what it is called as a text: no token is counted as a key.
#[derive(Default)]
pub(super) struct Callers {
    buckets: DashMap<(Arc<str>, Box<str>), Bucket>,
}

impl Callers {
    /// Forgets what was taken: at another rate it would count for more or less than it was.
    pub(super) fn forget(&self) {
        self.buckets.clear();
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
        let taken = self.buckets.entry(key).or_default().take(rate, now);
        if self.buckets.len() > MAX_REMEMBERED {
            self.buckets.retain(|_, bucket| !bucket.is_idle(now));
        }
        taken
    }
}
