//! A circuit breaker: whoever keeps failing is left alone for a while.
//!
//! Pure: `now` is an argument. Not here: what counts as a failure (`guard`).

use std::time::Duration;

use stagedoor_proto::Timestamp;

/// How many failures open it, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BreakerLimits {
    /// Failures in a row; at least 1.
    pub failures: u32,
    /// How long nobody is let through then.
    pub pause: Duration,
}

impl Default for BreakerLimits {
    fn default() -> Self {
        Self { failures: 5, pause: Duration::from_secs(5) }
    }
}

/// Counts failures, and says who may pass.
#[derive(Clone, Debug)]
pub(super) struct Breaker {
    limits: BreakerLimits,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// All may pass.
    Closed { failures: u32 },
    /// Nobody may pass until then.
    Open { until: Timestamp },
    /// One has passed, to see whether it works again.
    HalfOpen,
}

/// Leave to pass once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pass {
    /// One of all.
    Usual,
    /// The one after a pause, whose outcome decides for all.
    Probe,
}

/// How it went for somebody who passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Success,
    Failure,
    /// Nobody waited for it.
    Abandoned,
}

impl Breaker {
    pub(super) const fn new(limits: BreakerLimits) -> Self {
        Self { limits, state: State::Closed { failures: 0 } }
    }

    /// Leave to pass, or how long to wait.
    pub(super) fn admit(&mut self, now: Timestamp) -> Result<Pass, Duration> {
        match self.state {
            State::Closed { .. } => Ok(Pass::Usual),
            State::Open { until } if now >= until => {
                self.state = State::HalfOpen;
                Ok(Pass::Probe)
            }
            State::Open { until } => Err(until.saturating_since(now)),
            State::HalfOpen => Err(self.limits.pause),
        }
    }

    /// Takes note of how it went.
    pub(super) fn record(&mut self, pass: Pass, outcome: Outcome, now: Timestamp) {
        let opened = State::Open { until: now + self.limits.pause };
        self.state = match (self.state, pass, outcome) {
            (State::Closed { .. }, _, Outcome::Success) => State::Closed { failures: 0 },
            (State::Closed { failures }, _, Outcome::Failure) => match failures.saturating_add(1) {
                failures if failures >= self.limits.failures => opened,
                failures => State::Closed { failures },
            },
            (State::HalfOpen, Pass::Probe, Outcome::Success) => State::Closed { failures: 0 },
            (State::HalfOpen, Pass::Probe, Outcome::Failure) => opened,
            // The next one is the probe then.
            (State::HalfOpen, Pass::Probe, Outcome::Abandoned) => State::Open { until: now },
            // Late news from before it opened.
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
        Admit(Result<Pass, Duration>),
        Record(Pass, Outcome),
        Wait(u64),
    }

    #[test]
    fn breaker_opens_on_failures_and_closes_on_good_probe() {
        use Outcome::{Abandoned, Failure, Success};
        use Pass::{Probe, Usual};
        use Step::{Admit, Record, Wait};
        let secs = Duration::from_secs;
        let open = [Record(Usual, Failure), Record(Usual, Failure), Record(Usual, Failure)];
        let half_open = [&open[..], &[Wait(10), Admit(Ok(Probe))]].concat();
        let cases: &[(&str, &[Step], &[Step])] = &[
            ("starts closed", &[], &[Admit(Ok(Usual))]),
            ("two failures do not open it", &open[..2], &[Admit(Ok(Usual))]),
            ("three do", &open, &[Admit(Err(secs(10)))]),
            (
                "a success between them starts the count anew",
                &open[..2],
                &[Record(Usual, Success), Record(Usual, Failure), Admit(Ok(Usual))],
            ),
            (
                "an abandoned one counts for nothing",
                &open[..2],
                &[
                    Record(Usual, Abandoned),
                    Admit(Ok(Usual)),
                    Record(Usual, Failure),
                    Admit(Err(secs(10))),
                ],
            ),
            ("the wait grows shorter", &open, &[Wait(4), Admit(Err(secs(6)))]),
            (
                "a late success does not close it",
                &open,
                &[Record(Usual, Success), Admit(Err(secs(10)))],
            ),
            (
                "a late failure does not prolong it",
                &open,
                &[Wait(4), Record(Usual, Failure), Admit(Err(secs(6)))],
            ),
            (
                "after the pause one may pass",
                &open,
                &[Wait(10), Admit(Ok(Probe)), Admit(Err(secs(10)))],
            ),
            ("a good probe closes it", &half_open, &[Record(Probe, Success), Admit(Ok(Usual))]),
            (
                "a bad probe opens it again",
                &half_open,
                &[Record(Probe, Failure), Admit(Err(secs(10)))],
            ),
            (
                "an abandoned probe makes way for the next",
                &half_open,
                &[Record(Probe, Abandoned), Admit(Ok(Probe))],
            ),
            (
                "late news do not end a probe",
                &half_open,
                &[Record(Usual, Success), Admit(Err(secs(10)))],
            ),
        ];
        for (case, before, steps) in cases {
            let mut breaker = Breaker::new(BreakerLimits { failures: 3, pause: secs(10) });
            let mut now = Timestamp::from_secs(1_000);
            for step in before.iter().chain(*steps) {
                match *step {
                    Admit(expected) => assert_eq!(breaker.admit(now), expected, "{case}"),
                    Record(pass, outcome) => breaker.record(pass, outcome, now),
                    Wait(wait) => now = now + secs(wait),
                }
            }
        }
    }
}
