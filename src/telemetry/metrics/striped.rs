//! A number that many threads add to without waiting for each other's caches.
//!
//! Each thread adds to a stripe that it shares with few others; the stripes are summed up when the number is asked for.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use prometheus_client::metrics::counter::Atomic;

/// More threads than that share stripes.
const STRIPES: usize = 16;

/// The number.
#[derive(Debug, Default)]
pub struct Striped([Stripe; STRIPES]);

/// A pair of cache lines: processors fetch two at a time.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Stripe(AtomicU64);

impl Striped {
    fn own(&self) -> &AtomicU64 {
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

    /// What this thread's stripe was before: the whole is not asked for where something is counted.
    fn inc_by(&self, by: u64) -> u64 {
        self.own().fetch_add(by, Ordering::Relaxed)
    }

    fn get(&self) -> u64 {
        self.0.iter().map(|stripe| stripe.0.load(Ordering::Relaxed)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_many_threads_add_is_summed_up() {
        let number = Striped::default();
        std::thread::scope(|scope| {
            for _ in 0..STRIPES + 4 {
                scope.spawn(|| (0..100).for_each(|_| _ = number.inc_by(2)));
            }
        });
        assert_eq!(number.get(), 200 * (STRIPES as u64 + 4));
    }
}
