//! Wall-clock time and monotonic time, as two types.
//!
//! The wall clock ([`Timestamp`]) is for everything that is compared with or sent to the outside: claims, signatures,
//! stored deadlines. It can step in either direction. [`Monotonic`] is for timers and rates: it advances evenly.

use std::ops::{Add, Sub};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use stagedoor_proto::Timestamp;

/// A time of the monotonic clock, in milliseconds. Meaningful only to the process, or the engine, whose clock it is.
///
/// Arithmetic saturates.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Monotonic(u64);

impl Monotonic {
    /// A time that never comes.
    pub const MAX: Self = Self(u64::MAX);

    #[must_use]
    pub const fn from_millis(ms: u64) -> Self {
        Self(ms)
    }

    #[must_use]
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// The time from `earlier` to this; zero if `earlier` is later.
    #[must_use]
    pub const fn saturating_since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Monotonic {
    type Output = Self;
    fn add(self, rhs: Duration) -> Self {
        Self(self.0.saturating_add(millis(rhs)))
    }
}

impl Sub<Duration> for Monotonic {
    type Output = Self;
    fn sub(self, rhs: Duration) -> Self {
        Self(self.0.saturating_sub(millis(rhs)))
    }
}

/// How far the wall clock may deviate from the monotonic clock before that counts as a step.
pub const MAX_UNNOTICED_STEP: Duration = Duration::from_secs(1);

/// The two clocks, read together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Now {
    pub wall: Timestamp,
    pub monotonic: Monotonic,
}

impl Now {
    /// Both clocks at the same number of milliseconds, as at the start of a process.
    #[must_use]
    pub const fn aligned(wall: Timestamp) -> Self {
        Self { wall, monotonic: Monotonic(wall.as_millis()) }
    }

    /// By how much the wall clock stepped since `earlier`, in either direction.
    #[must_use]
    pub fn wall_step_since(self, earlier: Self) -> Duration {
        let expected = earlier.wall_at(self.monotonic);
        Duration::from_millis(self.wall.as_millis().abs_diff(expected.as_millis()))
    }

    /// What the wall clock shows at `at`, unless it steps.
    #[must_use]
    pub const fn wall_at(self, at: Monotonic) -> Timestamp {
        Timestamp::from_millis(carry(at.0, self.monotonic.0, self.wall.as_millis()))
    }

    /// When the wall clock shows `at`, unless it steps.
    #[must_use]
    pub const fn monotonic_at(self, at: Timestamp) -> Monotonic {
        Monotonic(carry(at.as_millis(), self.wall.as_millis(), self.monotonic.0))
    }
}

impl Add<Duration> for Now {
    type Output = Self;
    fn add(self, rhs: Duration) -> Self {
        Self { wall: self.wall + rhs, monotonic: self.monotonic + rhs }
    }
}

/// Notices steps of the wall clock.
#[derive(Clone, Copy, Debug)]
pub struct StepDetector {
    /// The clocks at the last step, or at the start.
    baseline: Now,
}

impl StepDetector {
    #[must_use]
    pub const fn new(now: Now) -> Self {
        Self { baseline: now }
    }

    /// The milliseconds by which the wall clock stepped since the last step, if that is more than
    /// [`MAX_UNNOTICED_STEP`]; negative: back.
    pub fn detect(&mut self, now: Now) -> Option<i64> {
        if now.wall_step_since(self.baseline) <= MAX_UNNOTICED_STEP {
            return None;
        }
        let expected = self.baseline.wall_at(now.monotonic).as_millis();
        self.baseline = now;
        Some(now.wall.as_millis().wrapping_sub(expected).cast_signed())
    }
}

/// `at` on another clock, which shows `there` when this one shows `here`. The end of time stays the end of time.
const fn carry(at: u64, here: u64, there: u64) -> u64 {
    if at == u64::MAX {
        return u64::MAX;
    }
    if at >= here { there.saturating_add(at - here) } else { there.saturating_sub(here - at) }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Now =
        Now { wall: Timestamp::from_millis(5_000), monotonic: Monotonic::from_millis(200) };

    #[test]
    fn time_of_one_clock_is_carried_to_the_other() {
        for (wall, monotonic) in [(5_000, 200), (5_300, 500), (4_900, 100)] {
            let (wall, monotonic) =
                (Timestamp::from_millis(wall), Monotonic::from_millis(monotonic));
            assert_eq!(NOW.wall_at(monotonic), wall);
            assert_eq!(NOW.monotonic_at(wall), monotonic);
        }
    }

    #[test]
    fn never_stays_never_and_the_past_saturates() {
        assert_eq!(NOW.wall_at(Monotonic::MAX), Timestamp::MAX);
        assert_eq!(NOW.monotonic_at(Timestamp::MAX), Monotonic::MAX);
        assert_eq!(NOW.monotonic_at(Timestamp::default()), Monotonic::default());
        assert_eq!(Monotonic::MAX + Duration::from_secs(1), Monotonic::MAX);
        assert_eq!(Monotonic::default() - Duration::from_secs(1), Monotonic::default());
    }

    #[test]
    fn detector_reports_each_step_of_more_than_a_second_once() {
        let mut steps = StepDetector::new(NOW);
        let at = |wall, monotonic| Now {
            wall: Timestamp::from_millis(wall),
            monotonic: Monotonic::from_millis(monotonic),
        };
        assert_eq!(steps.detect(at(65_000, 60_200)), None, "a minute passed");
        assert_eq!(steps.detect(at(66_000, 60_200)), None, "one second is tolerated");
        assert_eq!(steps.detect(at(66_002, 60_201)), Some(1_001), "drift accumulates");
        assert_eq!(steps.detect(at(66_003, 60_202)), None);
        assert_eq!(steps.detect(at(6_003, 60_202)), Some(-60_000));
        assert_eq!(steps.detect(at(7_003, 61_202)), None);
    }

    #[test]
    fn both_clocks_advance_together() {
        let later = NOW + Duration::from_millis(50);
        assert_eq!(later.wall, Timestamp::from_millis(5_050));
        assert_eq!(later.monotonic, Monotonic::from_millis(250));
    }
}
