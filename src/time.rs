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
    fn both_clocks_advance_together() {
        let later = NOW + Duration::from_millis(50);
        assert_eq!(later.wall, Timestamp::from_millis(5_050));
        assert_eq!(later.monotonic, Monotonic::from_millis(250));
    }
}
