//! A circuit breaker: after repeated failures, calls are rejected for a while.
//!
//! Pure: `now` is an argument. Not here: what counts as a failure (`guard`).

use std::time::Duration;

use crate::time::Monotonic;

/// When the breaker opens, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BreakerLimits {
    /// Consecutive failures that open the breaker; at least 1.
    pub failures: u32,
    /// How long it stays open before it permits a probe.
    pub pause: Duration,
}

impl Default for BreakerLimits {
    fn default() -> Self {
        Self { failures: 5, pause: Duration::from_secs(5) }
    }
}

#[derive(Clone, Debug)]
pub(super) struct Breaker {
    limits: BreakerLimits,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Every call is permitted.
    Closed { failures: u32 },
    /// No call is permitted.
    Open { until: Monotonic },
    /// A probe is running; no other call is permitted.
    HalfOpen,
}

/// A permit for one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Permit {
    Regular,
    /// The first call after a pause. Its outcome closes or reopens the breaker.
    Probe,
}

/// The outcome of a permitted call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Success,
    Failure,
    /// The caller dropped the call.
    Abandoned,
}

impl Breaker {
    pub(super) const fn new(limits: BreakerLimits) -> Self {
        Self { limits, state: State::Closed { failures: 0 } }
    }

    /// Returns a permit, or how long to wait.
    pub(super) fn acquire(&mut self, now: Monotonic) -> Result<Permit, Duration> {
        match self.state {
            State::Closed { .. } => Ok(Permit::Regular),
            State::Open { until } if now >= until => {
                self.state = State::HalfOpen;
                Ok(Permit::Probe)
            }
            State::Open { until } => Err(until.saturating_since(now)),
            State::HalfOpen => Err(self.limits.pause),
        }
    }

    pub(super) fn record(&mut self, permit: Permit, outcome: Outcome, now: Monotonic) {
        let opened = State::Open { until: now + self.limits.pause };
        self.state = match (self.state, permit, outcome) {
            (State::Closed { .. }, _, Outcome::Success) => State::Closed { failures: 0 },
            (State::Closed { failures }, _, Outcome::Failure) => match failures.saturating_add(1) {
                failures if failures >= self.limits.failures => opened,
                failures => State::Closed { failures },
            },
            (State::HalfOpen, Permit::Probe, Outcome::Success) => State::Closed { failures: 0 },
            (State::HalfOpen, Permit::Probe, Outcome::Failure) => opened,
            // The next call is the probe.
            (State::HalfOpen, Permit::Probe, Outcome::Abandoned) => State::Open { until: now },
            // The call began before the breaker opened.
            (state @ (State::Open { .. } | State::HalfOpen), _, _) => state,
            (state @ State::Closed { .. }, _, Outcome::Abandoned) => state,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Copy, Debug)]
    enum Step {
        Acquire(Result<Permit, Duration>),
        Record(Permit, Outcome),
        Wait(u64),
    }

    #[test]
    fn breaker_opens_on_failures_and_closes_on_good_probe() {
        use Outcome::{Abandoned, Failure, Success};
        use Permit::{Probe, Regular};
        use Step::{Acquire, Record, Wait};
        let secs = Duration::from_secs;
        let open = [Record(Regular, Failure), Record(Regular, Failure), Record(Regular, Failure)];
        let half_open = [&open[..], &[Wait(10), Acquire(Ok(Probe))]].concat();
        let cases: &[(&str, &[Step], &[Step])] = &[
            ("starts closed", &[], &[Acquire(Ok(Regular))]),
            ("two failures do not open it", &open[..2], &[Acquire(Ok(Regular))]),
            ("three do", &open, &[Acquire(Err(secs(10)))]),
            (
                "a success between them resets the count",
                &open[..2],
                &[Record(Regular, Success), Record(Regular, Failure), Acquire(Ok(Regular))],
            ),
            (
                "an abandoned call does not count",
                &open[..2],
                &[
                    Record(Regular, Abandoned),
                    Acquire(Ok(Regular)),
                    Record(Regular, Failure),
                    Acquire(Err(secs(10))),
                ],
            ),
            ("the wait gets shorter", &open, &[Wait(4), Acquire(Err(secs(6)))]),
            (
                "a late success does not close it",
                &open,
                &[Record(Regular, Success), Acquire(Err(secs(10)))],
            ),
            (
                "a late failure does not prolong it",
                &open,
                &[Wait(4), Record(Regular, Failure), Acquire(Err(secs(6)))],
            ),
            (
                "after the pause one call is permitted",
                &open,
                &[Wait(10), Acquire(Ok(Probe)), Acquire(Err(secs(10)))],
            ),
            ("a good probe closes it", &half_open, &[Record(Probe, Success), Acquire(Ok(Regular))]),
            (
                "a bad probe opens it again",
                &half_open,
                &[Record(Probe, Failure), Acquire(Err(secs(10)))],
            ),
            (
                "an abandoned probe permits the next",
                &half_open,
                &[Record(Probe, Abandoned), Acquire(Ok(Probe))],
            ),
            (
                "a late success does not end a probe",
                &half_open,
                &[Record(Regular, Success), Acquire(Err(secs(10)))],
            ),
        ];
        for (case, before, steps) in cases {
            let mut breaker = Breaker::new(BreakerLimits { failures: 3, pause: secs(10) });
            let mut now = Monotonic::from_millis(1_000_000);
            for step in before.iter().chain(*steps) {
                match *step {
                    Acquire(expected) => assert_eq!(breaker.acquire(now), expected, "{case}"),
                    Record(permit, outcome) => breaker.record(permit, outcome, now),
                    Wait(wait) => now = now + secs(wait),
                }
            }
        }
    }
}
