//! The clocks and the source of randomness; the only module that reads the real ones.
//!
//! Both are passed as cheap handles, so that a test can set the time, also differently per gateway.
//! Invariant: monotonic time never goes back. It begins at the wall clock's time when the gateway starts, or continues
//! that of the process before, so that room state has one monotonic time through all processes.

use std::cell::RefCell;
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
    /// Microseconds of monotonic time at the start, and when that was.
    System {
        base: Arc<AtomicU64>,
        started: Instant,
    },
    Manual(Arc<Manual>),
}

/// Milliseconds of the monotonic clock, and by how many the wall clock is ahead of it (wrapping): both advance in one
/// step.
#[derive(Debug)]
struct Manual {
    monotonic: AtomicU64,
    ahead: AtomicU64,
}

impl Manual {
    fn set_wall(&self, wall: u64) {
        let monotonic = self.monotonic.load(Ordering::Relaxed);
        self.ahead.store(wall.wrapping_sub(monotonic), Ordering::Relaxed);
    }
}

impl Clock {
    /// The machine's clocks.
    #[must_use]
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the module that may read the real clocks"
    )]
    pub fn system() -> Self {
        let base = Arc::new(AtomicU64::new(micros(since_epoch())));
        Self(Source::System { base, started: Instant::now() })
    }

    /// A clock that shows `at` until [`Self::advance`] or [`Self::step_wall`] moves it and its clones.
    #[must_use]
    pub fn manual(at: Timestamp) -> Self {
        let (monotonic, ahead) = (AtomicU64::new(at.as_millis()), AtomicU64::new(0));
        Self(Source::Manual(Arc::new(Manual { monotonic, ahead })))
    }

    /// Moves both clocks of a manual clock. Does nothing to the system clock.
    pub fn advance(&self, by: Duration) {
        if let Source::Manual(manual) = &self.0 {
            manual.monotonic.fetch_add(millis(by), Ordering::Relaxed);
        }
    }

    /// Sets the wall clock of a manual clock. Does nothing to the system clock.
    pub fn step_wall(&self, at: Timestamp) {
        if let Source::Manual(manual) = &self.0 {
            manual.set_wall(at.as_millis());
        }
    }

    /// Continues the monotonic time of another process, whose clocks showed `saved`; the wall clock measures the time
    /// between. Before anything has used a monotonic time of this clock.
    pub fn continue_from(&self, saved: Now) {
        let now = self.now();
        let target = saved.monotonic_at(now.wall.max(saved.wall)).as_millis();
        let current = now.monotonic.as_millis();
        let change = target.wrapping_sub(current);
        match &self.0 {
            Source::System { base, .. } => {
                base.fetch_add(change.wrapping_mul(1_000), Ordering::Relaxed);
            }
            Source::Manual(manual) => {
                manual.monotonic.fetch_add(change, Ordering::Relaxed);
                manual.set_wall(now.wall.as_millis());
            }
        }
    }

    /// Both clocks now.
    #[must_use]
    pub fn now(&self) -> Now {
        match &self.0 {
            Source::System { .. } => Now { wall: self.wall(), monotonic: self.monotonic() },
            Source::Manual(manual) => {
                let ms = manual.monotonic.load(Ordering::Relaxed);
                let wall = ms.wrapping_add(manual.ahead.load(Ordering::Relaxed));
                Now { wall: Timestamp::from_millis(wall), monotonic: Monotonic::from_millis(ms) }
            }
        }
    }

    /// The wall clock now: for what is compared with, or sent to, the outside.
    #[must_use]
    pub fn wall(&self) -> Timestamp {
        match &self.0 {
            Source::System { .. } => Timestamp::from_millis(millis(since_epoch())),
            Source::Manual(_) => self.now().wall,
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
            Source::System { base, started } => {
                let elapsed = micros(Instant::now().duration_since(*started));
                base.load(Ordering::Relaxed).saturating_add(elapsed)
            }
            Source::Manual(manual) => {
                manual.monotonic.load(Ordering::Relaxed).saturating_mul(1_000)
            }
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the module that may read the real clocks")]
fn since_epoch() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Random bits from the operating system, which are fetched a block at a time: a start needs them several times.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rng;

thread_local! {
    static BLOCK: RefCell<RandomBlock> = const { RefCell::new(RandomBlock::empty()) };
}

/// Random bytes of the operating system that nothing has used yet. Used ones are erased.
struct RandomBlock {
    bytes: [u8; RANDOM_BLOCK_BYTES],
    used: usize,
}

impl RandomBlock {
    const fn empty() -> Self {
        Self { bytes: [0; RANDOM_BLOCK_BYTES], used: RANDOM_BLOCK_BYTES }
    }

    /// Moves `bytes.len()` unused bytes, at most a block, to `bytes`.
    fn take(&mut self, bytes: &mut [u8]) {
        if RANDOM_BLOCK_BYTES - self.used < bytes.len() {
            fill_from_system(&mut self.bytes);
            self.used = 0;
        }
        let taken = &mut self.bytes[self.used..self.used + bytes.len()];
        bytes.copy_from_slice(taken);
        taken.fill(0);
        self.used += bytes.len();
    }
}

/// The randomness of two or three starts; Linux gives so many bytes in one step.
const RANDOM_BLOCK_BYTES: usize = 256;

#[expect(clippy::disallowed_methods, reason = "this is the module that may ask for randomness")]
fn fill_from_system(bytes: &mut [u8]) {
    getrandom::fill(bytes).expect("the operating system gives random bytes");
}

impl Rng {
    /// `N` random bytes.
    ///
    /// # Panics
    /// When the operating system provides no randomness, because ids and keys would not be secret.
    #[must_use]
    pub fn bytes<const N: usize>(self) -> [u8; N] {
        const { assert!(N <= RANDOM_BLOCK_BYTES) };
        let mut bytes = [0; N];
        BLOCK.with_borrow_mut(|block| block.take(&mut bytes));
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

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn random_bytes_are_used_once_and_erased() {
        let threads = (0..4).map(|_| std::thread::spawn(|| [(); 100].map(|()| Rng.bits())));
        let threads: Vec<_> = threads.collect();
        let all = threads.into_iter().flat_map(|thread| thread.join().unwrap());
        assert_eq!(all.collect::<HashSet<_>>().len(), 400);

        let mut block = RandomBlock::empty();
        let mut seen = HashSet::new();
        for size in [16, 32, 200, 16, 100, 256, 8] {
            let mut bytes = vec![0; size];
            block.take(&mut bytes);
            assert!(block.bytes[..block.used].iter().all(|byte| *byte == 0));
            assert!(bytes.chunks(8).all(|part| seen.insert(part.to_vec())));
        }
    }

    #[test]
    fn clock_continues_the_monotonic_time_of_another_process() {
        let clock = Clock::system();
        let wall = clock.wall();
        let day = Duration::from_hours(24);
        for behind in [true, false] {
            let monotonic = Now::aligned(wall).monotonic;
            let monotonic = if behind { monotonic - day } else { monotonic + day };
            clock.continue_from(Now { wall: wall - Duration::from_mins(1), monotonic });
            let passed = clock.monotonic().saturating_since(monotonic);
            assert!((60..120).contains(&passed.as_secs()), "{passed:?}");
        }
        let later = Now { wall: wall + day, ..clock.now() };
        clock.continue_from(later);
        assert!(clock.monotonic() >= later.monotonic, "the wall clock was stepped back meanwhile");
    }

    #[test]
    fn step_of_the_wall_clock_leaves_monotonic_time_alone() {
        let clock = Clock::manual(Timestamp::from_secs(1_000));
        let before = clock.now();
        clock.step_wall(Timestamp::from_secs(50));
        clock.advance(Duration::from_secs(1));
        assert_eq!(clock.wall(), Timestamp::from_secs(51));
        assert_eq!(clock.monotonic(), before.monotonic + Duration::from_secs(1));
    }
}
