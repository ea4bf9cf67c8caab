//! A rate limit in eight bytes: the generic cell rate algorithm (ITU-T I.371, annex A).

use std::time::Duration;

use stagedoor_proto::Timestamp;

/// How much is allowed: `per_second` sustained, `burst` at once after a pause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Sustained, a second; at least 1.
    pub per_second: u32,
    /// At once; at least 1.
    pub burst: u32,
}

/// One limited stream of events. Costs nothing while idle, and needs no refill.
#[derive(Clone, Copy, Debug, Default)]
pub struct Bucket {
    /// When the bucket will be empty again, in microseconds since the epoch.
    empty_at: u64,
}

impl Bucket {
    /// Takes one event at `now`.
    ///
    /// # Errors
    /// How long to wait until one is allowed; nothing was taken then.
    pub fn take(&mut self, rate: Rate, now: Timestamp) -> Result<(), Duration> {
        let now = now.as_millis().saturating_mul(1_000);
        let each = 1_000_000 / u64::from(rate.per_second.max(1));
        let allowance = each.saturating_mul(u64::from(rate.burst.max(1)));
        let after = self.empty_at.max(now).saturating_add(each);
        let over = after.saturating_sub(now.saturating_add(allowance));
        if over > 0 {
            return Err(Duration::from_micros(over).max(Duration::from_millis(1)));
        }
        self.empty_at = after;
        Ok(())
    }

    /// Whether it remembers nothing that still counts.
    #[must_use]
    pub const fn is_idle(&self, now: Timestamp) -> bool {
        self.empty_at <= now.as_millis().saturating_mul(1_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_and_then_the_sustained_rate() {
        let rate = Rate { per_second: 50, burst: 100 };
        let mut bucket = Bucket::default();
        let at = Timestamp::from_millis;
        let burst = (0..200).filter(|_| bucket.take(rate, at(1_000)).is_ok()).count();
        assert_eq!(burst, 100);
        assert_eq!(bucket.take(rate, at(1_000)), Err(Duration::from_millis(20)));
        let second = (0..200).filter(|_| bucket.take(rate, at(2_000)).is_ok()).count();
        assert_eq!(second, 50);
        let long_after = (0..200).filter(|_| bucket.take(rate, at(60_000)).is_ok()).count();
        assert_eq!(long_after, 100, "a pause earns no more than the burst");
    }
}
