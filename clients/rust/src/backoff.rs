//! Waits between reconnection attempts. Pure: randomness and time are arguments.
//!
//! Full jitter: each wait is between 0 and a bound that doubles with each failure up to a cap, so that a thousand
//! clients lost at once do not return at once. The gateway's `retry_after_ms` is a lower bound, and the jitter is added
//! to it. Not here: waiting, and the attempts (`reconnector`).

use std::time::Duration;

/// The waits between reconnection attempts.
///
/// The bound of a wait starts at [`Backoff::BASE`] and grows to [`Backoff::CAP`] by default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    base: Duration,
    cap: Duration,
    /// Attempts since the last stable connection.
    failures: u32,
}

impl Backoff {
    /// The bound of the first wait, by default.
    pub const BASE: Duration = Duration::from_millis(500);
    /// The maximum bound of a wait, by default.
    pub const CAP: Duration = Duration::from_secs(30);
    /// How long a connection must last to reset the backoff.
    pub const STABLE_AFTER: Duration = Duration::from_secs(10);

    /// A backoff whose bound starts at `base` and doubles up to `cap`, at most a day.
    #[must_use]
    pub fn new(base: Duration, cap: Duration) -> Self {
        Self { base, cap: cap.min(LONGEST), failures: 0 }
    }

    /// The bound of the next wait, without the gateway's lower bound.
    #[must_use]
    pub fn bound(&self) -> Duration {
        let factor = 1_u32.checked_shl(self.failures).unwrap_or(u32::MAX);
        self.base.saturating_mul(factor).min(self.cap)
    }

    /// The next wait; `random` is uniformly distributed.
    ///
    /// The jitter is added to `at_least`, the time that the gateway demands.
    pub fn after(&mut self, at_least: Option<Duration>, random: u64) -> Duration {
        let jitter = (u128::from(random) * self.bound().as_nanos()) >> u64::BITS;
        // A day has fewer than 2^64 nanoseconds.
        let jitter = u64::try_from(jitter).unwrap_or(u64::MAX);
        self.failures = self.failures.saturating_add(1);
        at_least.unwrap_or(Duration::ZERO).min(LONGEST) + Duration::from_nanos(jitter)
    }

    /// The next wait if the gateway demands none: zero, unless attempts failed before.
    pub fn at_once(&mut self, random: u64) -> Duration {
        if self.failures > 0 {
            return self.after(None, random);
        }
        self.failures = 1;
        Duration::ZERO
    }

    /// Records how long a connection lasted: a stable one resets the backoff.
    pub fn record_uptime(&mut self, lived: Duration) {
        if lived >= Self::STABLE_AFTER {
            self.failures = 0;
        }
    }
}

impl Default for Backoff {
    fn default() -> Self {
        Self::new(Self::BASE, Self::CAP)
    }
}

/// Bounds numbers of the peer before clock arithmetic.
const LONGEST: Duration = Duration::from_hours(24);

#[cfg(test)]
mod tests {
    use super::*;

    const HALF: u64 = 1 << 63;

    #[test]
    fn a_wait_is_anywhere_below_a_bound_that_doubles_up_to_the_cap() {
        for (random, expected) in [
            (0, [0, 0, 0, 0, 0]),
            (HALF, [50, 100, 200, 350, 350]),
            (u64::MAX, [99, 199, 399, 699, 699]),
        ] {
            let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_millis(700));
            let waits = expected.map(|_| backoff.after(None, random).as_millis());
            assert_eq!(waits, expected, "{random}");
        }
    }

    #[test]
    fn the_gateways_wish_is_the_least_and_jitter_comes_on_top() {
        let second = Duration::from_secs(1);
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_millis(200));
        assert_eq!(backoff.after(Some(second), 0), second);
        assert_eq!(backoff.after(Some(second), HALF), second + Duration::from_millis(100));
        assert_eq!(backoff.after(Some(Duration::MAX), 0), LONGEST);
    }

    #[test]
    fn coming_back_at_once_is_for_the_first_time_only() {
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(1));
        assert_eq!(backoff.at_once(HALF), Duration::ZERO);
        assert_eq!(backoff.at_once(HALF), Duration::from_millis(100));
    }

    #[test]
    fn backoff_resets_only_after_a_stable_connection() {
        let mut backoff = Backoff::default();
        for _ in 0..3 {
            backoff.after(None, 0);
        }
        backoff.record_uptime(Backoff::STABLE_AFTER / 2);
        assert_eq!(backoff.bound(), Backoff::BASE * 8);
        backoff.record_uptime(Backoff::STABLE_AFTER);
        assert_eq!(backoff.bound(), Backoff::BASE);
    }

    #[test]
    fn failures_without_end_overflow_nothing() {
        let mut backoff = Backoff::new(Duration::MAX, Duration::MAX);
        for _ in 0..100 {
            assert!(backoff.after(None, u64::MAX) < LONGEST);
        }
    }
}
