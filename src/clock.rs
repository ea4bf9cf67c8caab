//! The clock and the source of randomness; the only callers of the real ones.
//!
//! Both are handles that are cheap to clone and given to whoever needs them, so that a test can set the time and
//! several gateways in one process need not agree on it.
//!
//! Invariant: a clock never goes back. The wall clock is read once, when the gateway starts, and carried on by the
//! monotonic clock, so that a step of the wall clock neither kills nor revives a session.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use stagedoor_proto::Timestamp;

/// Tells the time.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    /// The wall clock at the start, and when on the monotonic clock that was.
    System { since_epoch: Duration, started: Instant },
    /// Milliseconds since the epoch, moved by hand.
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

    /// A clock that stands at `at` until it is moved; its clones move with it.
    #[must_use]
    pub fn manual(at: Timestamp) -> Self {
        Self(Source::Manual(Arc::new(AtomicU64::new(at.as_millis()))))
    }

    /// Moves a manual clock; the machine's clock moves by itself.
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

    /// How long ago it was [`Clock::micros`], for what is measured.
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
    /// When the operating system has no randomness to give; nothing can be kept secret then.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the module that may ask for randomness")]
    pub fn bytes<const N: usize>(self) -> [u8; N] {
        let mut bytes = [0; N];
        getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
        bytes
    }

    /// 128 random bits, the matter of every id.
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
