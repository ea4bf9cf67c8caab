//! Stores of which one call panics, or ends only when the test says so.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use stagedoor::store::{Observed, Observer, SqliteStore, Store, StoreError, StoreFuture};
use tokio::sync::{Semaphore, watch};

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

/// A store in memory whose writes of rooms end only when they are released.
pub struct SlowWrites(watch::Sender<bool>);

struct Delay(watch::Receiver<bool>);

impl SlowWrites {
    /// Such a store; at first its writes are not delayed.
    pub async fn new() -> (Self, Arc<dyn Store>) {
        let (delayed, seen) = watch::channel(false);
        let store = SqliteStore::in_memory().await.unwrap();
        (Self(delayed), Arc::new(Observed::by(Delay(seen), store)))
    }

    pub fn hold(&self) {
        self.0.send_replace(true);
    }

    pub fn release(&self) {
        self.0.send_replace(false);
    }
}

impl Observer for Delay {
    fn around<'a, T: 'a>(
        &self,
        name: &'static str,
        call: impl FnOnce() -> StoreFuture<'a, T>,
    ) -> StoreFuture<'a, T> {
        let written = call();
        if name != "persist_room" {
            return written;
        }
        let mut delayed = self.0.clone();
        Box::pin(async move {
            delayed.wait_for(|delayed| !delayed).await.expect("the test holds the sender");
            written.await
        })
    }
}

/// A store in memory. Once armed, the next admission of a start ends when it is released, and the one after it fails.
#[derive(Default)]
pub struct FailingRepetition(Arc<Admissions>);

struct Admissions {
    /// How many more admissions are special.
    left: AtomicU64,
    asked: Semaphore,
    released: Semaphore,
}

impl Default for Admissions {
    fn default() -> Self {
        let (asked, released) = (Semaphore::new(0), Semaphore::new(0));
        Self { left: AtomicU64::new(0), asked, released }
    }
}

impl FailingRepetition {
    pub async fn store(&self) -> Arc<dyn Store> {
        let store = SqliteStore::in_memory().await.unwrap();
        Arc::new(Observed::by(Self(Arc::clone(&self.0)), store))
    }

    pub fn arm(&self) {
        self.0.left.store(2, Ordering::Relaxed);
    }

    /// Returns when the store was asked for the first one.
    pub async fn asked(&self) {
        self.0.asked.acquire().await.unwrap().forget();
    }

    pub fn release(&self) {
        self.0.released.add_permits(1);
    }
}

impl Observer for FailingRepetition {
    fn around<'a, T: 'a>(
        &self,
        name: &'static str,
        call: impl FnOnce() -> StoreFuture<'a, T>,
    ) -> StoreFuture<'a, T> {
        let special = |left: u64| left.checked_sub(1);
        let left = match name {
            "admit" => self.0.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, special),
            _ => Err(0),
        };
        match left {
            Ok(2) => {
                let (admissions, written) = (Arc::clone(&self.0), call());
                Box::pin(async move {
                    admissions.asked.add_permits(1);
                    admissions.released.acquire().await.unwrap().forget();
                    written.await
                })
            }
            Ok(_) => Box::pin(async {
                let (store, reason) = ("of the test".to_owned(), "it fails".to_owned());
                Err(StoreError::Unavailable { store, reason })
            }),
            Err(_) => call(),
        }
    }
}
