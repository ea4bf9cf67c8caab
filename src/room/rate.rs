//! A rate limit of eight bytes: the generic cell rate algorithm.
//!
//! Source: ITU-T I.371, annex A. Time is an argument, in the microseconds that a wire timestamp can tell.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use stagedoor_proto::Timestamp;

/// When the next use is due if all came evenly: the theoretical arrival time, in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Gcra(u64);

impl Gcra {
    /// Takes one use of those that come each `interval`, of which `burst` may come at once.
    ///
    /// # Errors
    /// How long to wait for the next.
    pub(super) fn take(
        &mut self,
        now: Timestamp,
        interval: Duration,
        burst: u32,
    ) -> Result<(), Duration> {
        let now = now.as_millis().saturating_mul(1_000);
        let interval = micros(interval);
        let ahead = interval.saturating_mul(u64::from(burst.saturating_sub(1)));
        let due = self.0.max(now);
        if due - now > ahead {
            return Err(Duration::from_micros(due - now - ahead));
        }
        self.0 = due.saturating_add(interval);
        Ok(())
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
