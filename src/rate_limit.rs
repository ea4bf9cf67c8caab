//! The rate limiter: the generic cell rate algorithm, with eight bytes of state per limiter.
//!
//! Pure: time is an argument. It needs no timer and no refill, and an idle limiter equals a new one.
//! Source: ITU-T I.371, annex A.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::time::Monotonic;

/// Minimum wait in a rejection, because the wire unit is milliseconds.
const MIN_WAIT: Duration = Duration::from_millis(1);

/// The allowed rate: one event per interval sustained, and `burst` events at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    interval_us: u64,
    burst: u32,
}

impl Rate {
    /// `per_second` events per second, `burst` at once. Zero counts as one.
    #[must_use]
    pub const fn per_second(per_second: u32, burst: u32) -> Self {
        let per_second = if per_second == 0 { 1 } else { per_second as u64 };
        Self { interval_us: 1_000_000 / per_second, burst: non_zero(burst) }
    }

    /// One event per `interval`, `burst` at once. A `burst` of zero counts as one.
    #[must_use]
    pub fn every(interval: Duration, burst: u32) -> Self {
        let interval_us = u64::try_from(interval.as_micros()).unwrap_or(u64::MAX);
        Self { interval_us, burst: non_zero(burst) }
    }

    #[must_use]
    pub const fn burst(self) -> u32 {
        self.burst
    }
}

const fn non_zero(burst: u32) -> u32 {
    if burst == 0 { 1 } else { burst }
}

/// An allowed rate of amounts, such as bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AmountRate {
    per_second: u64,
    /// Time in which the sustained rate earns the burst.
    tolerance_us: u64,
}

impl AmountRate {
    /// `per_second` sustained, `burst` at once. Zero counts as one.
    #[must_use]
    pub const fn new(per_second: u64, burst: u64) -> Self {
        let per_second = if per_second == 0 { 1 } else { per_second };
        Self { per_second, tolerance_us: burst.saturating_mul(1_000_000) / per_second }
    }
}

/// The state of one limiter. The rate is an argument, so that it can change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RateLimiter {
    /// The theoretical arrival time of the next event, in microseconds of the monotonic clock.
    due_us: u64,
}

impl RateLimiter {
    /// Admits one event at `now`.
    ///
    /// # Errors
    /// The wait until an event is allowed. A rejected event does not count.
    pub fn take(&mut self, rate: Rate, now: Monotonic) -> Result<(), Duration> {
        let now = micros(now);
        let tolerance = rate.interval_us.saturating_mul(u64::from(rate.burst) - 1);
        let due = self.due_us.max(now);
        let excess = (due - now).saturating_sub(tolerance);
        if excess > 0 {
            return Err(Duration::from_micros(excess).max(MIN_WAIT));
        }
        self.due_us = due.saturating_add(rate.interval_us);
        Ok(())
    }

    /// Admits `amount` at `now`. An idle limiter admits any amount, also above the burst; the next one waits for it.
    ///
    /// # Errors
    /// The wait until the amount is allowed. A rejected amount does not count.
    pub fn take_amount(
        &mut self,
        rate: AmountRate,
        amount: u64,
        now: Monotonic,
    ) -> Result<(), Duration> {
        let now = micros(now);
        let cost = amount.saturating_mul(1_000_000) / rate.per_second;
        let due = self.due_us.max(now);
        let excess = (due - now)
            .saturating_add(cost.min(rate.tolerance_us))
            .saturating_sub(rate.tolerance_us);
        if excess > 0 {
            return Err(Duration::from_micros(excess).max(MIN_WAIT));
        }
        self.due_us = due.saturating_add(cost);
        Ok(())
    }

    /// Whether it equals a new limiter, so that it can be removed.
    #[must_use]
    pub const fn is_idle(&self, now: Monotonic) -> bool {
        self.due_us <= micros(now)
    }
}

const fn micros(time: Monotonic) -> u64 {
    time.as_millis().saturating_mul(1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Monotonic {
        Monotonic::from_millis(millis)
    }

    fn taken(limiter: &mut RateLimiter, rate: Rate, now: Monotonic) -> usize {
        (0..200).filter(|_| limiter.take(rate, now).is_ok()).count()
    }

    #[test]
    fn burst_passes_and_then_the_sustained_rate() {
        let rate = Rate::per_second(50, 100);
        let mut limiter = RateLimiter::default();
        assert_eq!(taken(&mut limiter, rate, at(1_000)), 100);
        assert_eq!(limiter.take(rate, at(1_000)), Err(Duration::from_millis(20)));
        assert_eq!(taken(&mut limiter, rate, at(2_000)), 50);
        assert_eq!(taken(&mut limiter, rate, at(60_000)), 100, "a pause earns only the burst");
    }

    #[test]
    fn interval_of_seconds_allows_one_event_each() {
        let rate = Rate::every(Duration::from_secs(5), 1);
        let mut limiter = RateLimiter::default();
        assert_eq!(limiter.take(rate, at(10_000)), Ok(()));
        assert_eq!(limiter.take(rate, at(12_000)), Err(Duration::from_secs(3)));
        assert_eq!(limiter.take(rate, at(15_000)), Ok(()));
    }

    #[test]
    fn wait_is_at_least_a_millisecond_and_then_enough() {
        let rate = Rate::per_second(3_000, 1);
        let mut limiter = RateLimiter::default();
        assert_eq!(limiter.take(rate, at(5)), Ok(()));
        assert_eq!(limiter.take(rate, at(5)), Err(MIN_WAIT));
        assert_eq!(limiter.take(rate, at(6)), Ok(()));
    }

    #[test]
    fn zero_rate_and_extreme_times_do_not_overflow() {
        let mut limiter = RateLimiter::default();
        assert_eq!(limiter.take(Rate::per_second(0, 0), Monotonic::MAX), Ok(()));
        let rate = Rate::every(Duration::MAX, u32::MAX);
        assert_eq!(limiter.take(rate, Monotonic::MAX), Ok(()));
    }

    #[test]
    fn amounts_share_a_burst_and_a_sustained_rate() {
        let rate = AmountRate::new(100, 200);
        let mut limiter = RateLimiter::default();
        assert_eq!(limiter.take_amount(rate, 150, at(1_000)), Ok(()));
        assert_eq!(limiter.take_amount(rate, 60, at(1_000)), Err(Duration::from_millis(100)));
        assert_eq!(limiter.take_amount(rate, 50, at(1_000)), Ok(()));
        assert_eq!(limiter.take_amount(rate, 60, at(1_600)), Ok(()));
    }

    #[test]
    fn amount_above_the_burst_passes_an_idle_limiter() {
        let rate = AmountRate::new(100, 200);
        let mut limiter = RateLimiter::default();
        assert_eq!(limiter.take_amount(rate, 1_000, at(1_000)), Ok(()));
        assert_eq!(limiter.take_amount(rate, 1_000, at(1_000)), Err(Duration::from_secs(10)));
        assert_eq!(limiter.take_amount(rate, 1_000, at(11_000)), Ok(()));
        let extreme = AmountRate::new(0, u64::MAX);
        assert_eq!(limiter.take_amount(extreme, u64::MAX, Monotonic::MAX), Ok(()));
    }

    #[test]
    fn limiter_is_idle_once_its_events_have_passed() {
        let rate = Rate::per_second(10, 10);
        let mut limiter = RateLimiter::default();
        assert!(limiter.is_idle(at(0)));
        assert_eq!(limiter.take(rate, at(1_000)), Ok(()));
        assert!(!limiter.is_idle(at(1_099)));
        assert!(limiter.is_idle(at(1_100)));
    }

    #[test]
    fn limiter_is_eight_bytes_and_serializes_as_a_number() {
        assert_eq!(size_of::<RateLimiter>(), 8);
        let mut limiter = RateLimiter::default();
        assert_eq!(limiter.take(Rate::per_second(1, 1), at(1)), Ok(()));
        assert_eq!(serde_json::to_string(&limiter).unwrap(), "1001000");
    }
}
