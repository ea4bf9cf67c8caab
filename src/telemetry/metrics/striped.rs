//! A counter that many threads increment without contention.
//!
//! Each thread increments one of [`STRIPES`] atomics; reading the counter sums them.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use prometheus_client::metrics::counter::Atomic;

/// Number of stripes. More threads than this share stripes.
const STRIPES: usize = 16;

#[derive(Debug, Default)]
pub struct Striped([Stripe; STRIPES]);

/// Aligned to two cache lines, because processors fetch pairs.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Stripe(AtomicU64);

impl Striped {
    fn local_stripe(&self) -> &AtomicU64 {
        static THREADS: AtomicUsize = AtomicUsize::new(0);
        thread_local! {
            static THREAD: usize = THREADS.fetch_add(1, Ordering::Relaxed);
        }
        &self.0[THREAD.with(|thread| *thread % STRIPES)].0
    }
}

impl Atomic<u64> for Striped {
    fn inc(&self) -> u64 {
        self.inc_by(1)
    }

    /// Returns the previous value of this thread's stripe, not of the sum: callers ignore it.
    fn inc_by(&self, by: u64) -> u64 {
        self.local_stripe().fetch_add(by, Ordering::Relaxed)
    }

    fn get(&self) -> u64 {
        self.0.iter().map(|stripe| stripe.0.load(Ordering::Relaxed)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn increments_of_many_threads_are_summed() {
        let counter = Striped::default();
        std::thread::scope(|scope| {
            for _ in 0..STRIPES + 4 {
                scope.spawn(|| (0..100).for_each(|_| _ = counter.inc_by(2)));
            }
        });
        assert_eq!(counter.get(), 200 * (STRIPES as u64 + 4));
    }
}
