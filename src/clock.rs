//! The clocks and the source of randomness; the only module that reads the real ones.
//!
//! Both are passed as cheap handles, so that a test can set the time, also differently per gateway.
//! Invariant: monotonic time never goes back. It begins at the wall clock's time when the gateway starts.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use stagedoor_proto::Timestamp;

use crate::time::{Monotonic, Now};

/// The wall clock and the monotonic clock.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    /// The wall clock at start, and the monotonic time of that reading.
    System {
        since_epoch: Duration,
        started: Instant,
    },
    Manual(Arc<Manual>),
}

/// Milliseconds of both clocks.
#[derive(Debug)]
struct Manual {
    wall: AtomicU64,
    monotonic: AtomicU64,
}

impl Clock {
    /// The machine's clocks.
    #[must_use]
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the module that may read the real clocks"
    )]
    pub fn system() -> Self {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self(Source::System { since_epoch, started: Instant::now() })
    }

    /// A clock that shows `at` until [`Self::advance`] or [`Self::step_wall`] moves it and its clones.
    #[must_use]
    pub fn manual(at: Timestamp) -> Self {
        let ms = at.as_millis();
        let (wall, monotonic) = (AtomicU64::new(ms), AtomicU64::new(ms));
        Self(Source::Manual(Arc::new(Manual { wall, monotonic })))
    }

    /// Moves both clocks of a manual clock. Does nothing to the system clock.
    pub fn advance(&self, by: Duration) {
        if let Source::Manual(manual) = &self.0 {
            manual.monotonic.fetch_add(millis(by), Ordering::Relaxed);
            manual.wall.fetch_add(millis(by), Ordering::Relaxed);
        }
    }

    /// Sets the wall clock of a manual clock. Does nothing to the system clock.
    pub fn step_wall(&self, at: Timestamp) {
        if let Source::Manual(manual) = &self.0 {
            manual.wall.store(at.as_millis(), Ordering::Relaxed);
        }
    }

    /// Both clocks now.
    #[must_use]
    pub fn now(&self) -> Now {
        Now { wall: self.wall(), monotonic: self.monotonic() }
    }

    /// The wall clock now: for what is compared with, or sent to, the outside.
    #[must_use]
    pub fn wall(&self) -> Timestamp {
        match &self.0 {
            Source::System { .. } => Timestamp::from_millis(self.micros() / 1_000),
            Source::Manual(manual) => Timestamp::from_millis(manual.wall.load(Ordering::Relaxed)),
        }
    }

    /// The monotonic clock now: for timers and rates.
    #[must_use]
    pub fn monotonic(&self) -> Monotonic {
        Monotonic::from_millis(self.micros() / 1_000)
    }

    /// The time since [`Clock::micros`] was `micros`.
    #[must_use]
    pub fn since(&self, micros: u64) -> Duration {
        Duration::from_micros(self.micros().saturating_sub(micros))
    }

    /// Microseconds of the monotonic clock: the base of generations and versions, so that they grow although the wall
    /// clock steps back.
    #[must_use]
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the module that may read the real clocks"
    )]
    pub fn micros(&self) -> u64 {
        match &self.0 {
            Source::System { since_epoch, started } => {
                let elapsed = Instant::now().duration_since(*started);
                u64::try_from((*since_epoch + elapsed).as_micros()).unwrap_or(u64::MAX)
            }
            Source::Manual(manual) => {
                manual.monotonic.load(Ordering::Relaxed).saturating_mul(1_000)
            }
        }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Random bits from the operating system.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rng;

impl Rng {
    /// `N` random bytes.
    ///
    /// # Panics
    /// When the operating system provides no randomness, because ids and keys would not be secret.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the module that may ask for randomness")]
    pub fn bytes<const N: usize>(self) -> [u8; N] {
        let mut bytes = [0; N];
        getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
        bytes
    }

    /// 128 random bits, as for an id.
    #[must_use]
    pub fn bits(self) -> u128 {
        u128::from_be_bytes(self.bytes())
    }

    /// A number below `bound`, for jitter; 0 when `bound` is 0.
    #[must_use]
    pub fn below(self, bound: u64) -> u64 {
        u64::from_be_bytes(self.bytes()).checked_rem(bound).unwrap_or(0)
    }
}
