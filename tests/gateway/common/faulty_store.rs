//! A store of which one call panics.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use stagedoor::store::{Observed, Observer, SqliteStore, StoreFuture};

/// A store in memory. Calls of one name panic, a limited number of times.
pub type FaultyStore = Observed<SqliteStore, Faults>;

/// The calls that are to panic.
pub struct Faults {
    call: &'static str,
    left: AtomicU64,
}

impl Faults {
    /// A store of which the next `times` calls of `call` panic.
    pub async fn panicking(call: &'static str, times: u64) -> Arc<FaultyStore> {
        let store = SqliteStore::in_memory().await.unwrap();
        Arc::new(Observed::by(Self { call, left: AtomicU64::new(times) }, store))
    }

    /// How many calls are still to panic.
    pub fn left(&self) -> u64 {
        self.left.load(Ordering::Relaxed)
    }
}

impl Observer for Faults {
    fn around<'a, T: 'a>(
        &self,
        name: &'static str,
        call: impl FnOnce() -> StoreFuture<'a, T>,
    ) -> StoreFuture<'a, T> {
        if name == self.call {
            let left = self
                .left
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
            assert!(left.is_err(), "{name} panics");
        }
        call()
    }
}
