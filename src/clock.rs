//! The clock and the source of randomness; the only module that reads the real ones.
//!
//! Both are passed as cheap handles, so that a test can set the time, also differently per gateway.
//! Invariant: a clock never goes back. The wall clock is read once, at start, and continued by the monotonic clock, so
//! that a step of the wall clock neither expires nor revives a session.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use stagedoor_proto::Timestamp;

#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    /// The wall clock at start, and the monotonic time of that reading.
    System { since_epoch: Duration, started: Instant },
    /// Milliseconds since the epoch.
    Manual(Arc<AtomicU64>),
}

impl Clock {
    /// The machine's clock.
    #[must_use]
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the module that may read the real clocks"
    )]
    pub fn system() -> Self {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self(Source::System { since_epoch, started: Instant::now() })
    }

    /// A clock that shows `at` until [`Self::advance`] moves it and its clones.
    #[must_use]
    pub fn manual(at: Timestamp) -> Self {
        Self(Source::Manual(Arc::new(AtomicU64::new(at.as_millis()))))
    }

    /// Moves a manual clock. Does nothing to the system clock.
    pub fn advance(&self, by: Duration) {
        if let Source::Manual(ms) = &self.0 {
            ms.fetch_add(u64::try_from(by.as_millis()).unwrap_or(u64::MAX), Ordering::Relaxed);
        }
    }

    /// The time now, in milliseconds.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.micros() / 1_000)
    }

    /// The time elapsed since an earlier [`Clock::micros`].
    #[must_use]
    pub fn since(&self, micros: u64) -> Duration {
        Duration::from_micros(self.micros().saturating_sub(micros))
    }

    /// The time now in microseconds since the Unix epoch: the base of generations.
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
            Source::Manual(ms) => ms.load(Ordering::Relaxed).saturating_mul(1_000),
        }
    }
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
