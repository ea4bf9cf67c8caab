//! The thread that owns the connection. It runs all queued calls in one transaction and then answers them.
//!
//! A commit with durable writes waits for the disk; meanwhile the next batch queues. Usually a call costs only its own
//! statements. When a call of a batch fails, the batch is rolled back and each call runs again alone: therefore an
//! operation is `Fn`, not `FnOnce`.
//! Invariants: a call returns `Ok` only after the commit of its writes. A commit of bookkeeping alone is then in the
//! operating system's memory, where it survives `kill -9`, and on disk within [`SYNC_INTERVAL`]. The write-ahead log
//! has one order, so a commit that reaches the disk takes all earlier ones with it.
//! Not here: statements other than those of the transaction itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::Connection;
use stagedoor_proto::Timestamp;
use tokio::sync::oneshot;

use super::lock::Lock;
use super::sizes::Sizes;
use super::synced;
use crate::clock::Clock;
use crate::store::StoreError;

/// Maximum queued calls; the next one fails with [`StoreError::Full`].
pub(super) const MAX_QUEUED_CALLS: usize = 4096;

/// Maximum calls per commit. Bounds how long the first waits for the others.
const MAX_CALLS_PER_COMMIT: usize = 512;

/// Number of waiting calls from which on other callers are probably ready to run. A commit that does not wait for the
/// disk is so short that they would get one of their own, so they run first when there is no processor for them.
const MIN_CALLS_TO_YIELD: usize = 8;

/// Maximum time between a commit of bookkeeping and its sync to disk.
const SYNC_INTERVAL: Duration = Duration::from_secs(1);

/// When the writes of a call are on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Durability {
    /// Irrelevant: the call writes nothing, or removes expired rows.
    Read,
    /// Within [`SYNC_INTERVAL`]. Has the caller's current time.
    Bookkeeping(Timestamp),
    /// Before the call returns.
    Durable,
}

/// An open database with the lock of its file.
pub(super) type Opened = (Connection, Option<Lock>);

/// The queue to the thread. Dropping it finishes the queued calls and joins the thread.
pub(super) struct Writer {
    /// `None` only during drop.
    running: Option<Running>,
    lost_after: LostAfter,
}

struct Running {
    queue: SyncSender<Box<dyn Job>>,
    thread: JoinHandle<()>,
}

/// The time after which bookkeeping may be missing because of a machine failure. Determined when the store opens.
#[derive(Clone)]
pub(super) struct LostAfter(Arc<AtomicU64>);

impl LostAfter {
    fn new(synced: Option<Timestamp>) -> Self {
        let ms = synced.map_or(u64::MAX, Timestamp::as_millis);
        Self(Arc::new(AtomicU64::new(ms)))
    }

    /// `None`: nothing is missing.
    pub(super) fn get(&self) -> Option<Timestamp> {
        let ms = self.0.load(Ordering::Relaxed);
        (ms != u64::MAX).then(|| Timestamp::from_millis(ms))
    }

    /// Rows missing from before `to` were removed, not lost.
    pub(super) fn raise(&self, to: Timestamp) {
        self.0.fetch_max(to.as_millis(), Ordering::Relaxed);
    }
}

impl Writer {
    /// Starts a thread that opens the database with `open` and serves calls; `store` names it in errors. Calls change
    /// `sizes` with the rows.
    ///
    /// # Errors
    /// The error of `open`; [`StoreError::Unavailable`] when no thread can be started.
    pub(super) async fn start(
        store: String,
        sizes: Sizes,
        open: impl FnOnce() -> Result<Opened, StoreError> + Send + 'static,
    ) -> Result<Self, StoreError> {
        let (queue, calls) = sync_channel(MAX_QUEUED_CALLS);
        let (report, opened) = oneshot::channel();
        let failed = store.clone();
        let run = move || match open().and_then(|opened| Worker::new(opened, store, sizes)) {
            Ok(worker) => {
                // If the caller is gone, the queue is closed and the worker ends at once.
                let _ = report.send(Ok(worker.lost_after()));
                worker.run(&calls);
            }
            Err(error) => drop(report.send(Err(error))),
        };
        let thread = std::thread::Builder::new().name("store".to_owned()).spawn(run);
        let thread = thread.map_err(|error| StoreError::Unavailable {
            store: failed,
            reason: format!("cannot start its thread: {error}"),
        })?;
        let lost_after = opened.await.unwrap_or(Err(StoreError::Closed))?;
        Ok(Self { running: Some(Running { queue, thread }), lost_after })
    }

    pub(super) const fn lost_after(&self) -> &LostAfter {
        &self.lost_after
    }

    /// Runs `op` in a transaction shared with other queued calls. Resolves when its writes have the requested
    /// durability.
    ///
    /// The call is queued at once, not when the future is first polled: calls take effect in call order.
    ///
    /// `op` may run twice, when its first transaction was rolled back: it must depend on the database alone.
    ///
    /// # Cancel safety
    /// Dropping the future does not cancel the call.
    pub(super) fn call<T, F>(
        &self,
        durability: Durability,
        op: F,
    ) -> impl Future<Output = Result<T, StoreError>> + Send + use<T, F>
    where
        T: Send + 'static,
        F: Fn(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let running = self.running.as_ref().expect("the writer is only taken in drop");
        let (reply, answer) = oneshot::channel();
        let call = Box::new(Call { op, durability, result: None, reply });
        let queued = running.queue.try_send(call).map_err(|error| match error {
            TrySendError::Full(_) => StoreError::Full { waiting: MAX_QUEUED_CALLS },
            TrySendError::Disconnected(_) => StoreError::Closed,
        });
        async move {
            queued?;
            answer.await.unwrap_or(Err(StoreError::Closed))
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if let Some(Running { queue, thread }) = self.running.take() {
            drop(queue);
            // Even after a panic every call has a result: `Closed`.
            let _ = thread.join();
        }
    }
}

/// A call with its result type erased.
trait Job: Send {
    fn durability(&self) -> Durability;

    /// Runs the operation and holds its result until the commit.
    fn run(&mut self, db: &Connection) -> rusqlite::Result<()>;

    /// Sends the result of the last run, or the error of the commit.
    fn answer(self: Box<Self>, committed: Result<(), StoreError>);
}

struct Call<T, F> {
    op: F,
    durability: Durability,
    result: Option<T>,
    reply: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, F> Job for Call<T, F>
where
    T: Send,
    F: Fn(&Connection) -> rusqlite::Result<T> + Send,
{
    fn durability(&self) -> Durability {
        self.durability
    }

    fn run(&mut self, db: &Connection) -> rusqlite::Result<()> {
        self.result = Some((self.op)(db)?);
        Ok(())
    }

    fn answer(self: Box<Self>, committed: Result<(), StoreError>) {
        let Self { result, reply, .. } = *self;
        let answer = committed.map(|()| result.expect("a committed job has a result"));
        // The caller may have dropped the future.
        let _ = reply.send(answer);
    }
}

/// The state of the thread.
struct Worker {
    db: Connection,
    /// Dropped after the connection.
    _lock: Option<Lock>,
    store: String,
    sizes: Sizes,
    /// Measures [`SYNC_INTERVAL`].
    clock: Clock,
    /// Whether each commit waits for the disk (`synchronous = FULL`).
    is_full: bool,
    /// The time up to which bookkeeping is known to be on disk.
    synced: Option<Timestamp>,
    unsynced: Option<Unsynced>,
}

/// Bookkeeping that is committed and may not be on disk.
#[derive(Clone, Copy)]
struct Unsynced {
    /// When the first of it was committed, by [`Clock::micros`].
    since: u64,
    /// The latest time given by a call.
    at: Timestamp,
}

/// Where a transaction failed.
enum Failure {
    /// In a call: the others may still succeed.
    InCall(rusqlite::Error),
    /// Around the calls: none is committed.
    InTransaction(rusqlite::Error),
}

impl Worker {
    fn new((db, lock): Opened, store: String, sizes: Sizes) -> Result<Self, StoreError> {
        let synced = synced::read(&db).map_err(|error| StoreError::Unavailable {
            store: store.clone(),
            reason: error.to_string(),
        })?;
        let clock = Clock::system();
        Ok(Self { db, _lock: lock, store, sizes, clock, is_full: true, synced, unsynced: None })
    }

    fn lost_after(&self) -> LostAfter {
        LostAfter::new(self.synced)
    }

    fn run(mut self, calls: &Receiver<Box<dyn Job>>) {
        let mut batch = Vec::with_capacity(MAX_CALLS_PER_COMMIT);
        loop {
            match self.next(calls) {
                Ok(job) => batch.push(job),
                Err(RecvTimeoutError::Timeout) => self.sync(),
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if batch.is_empty() {
                continue;
            }
            batch.extend(calls.try_iter().take(MAX_CALLS_PER_COMMIT - batch.len()));
            if batch.len() >= MIN_CALLS_TO_YIELD {
                std::thread::yield_now();
                batch.extend(calls.try_iter().take(MAX_CALLS_PER_COMMIT - batch.len()));
            }
            match self.commit(&mut batch) {
                Ok(()) => batch.drain(..).for_each(|job| job.answer(Ok(()))),
                Err(Failure::InCall(_)) if batch.len() > 1 => {
                    batch.drain(..).for_each(|job| self.run_alone(job));
                }
                Err(Failure::InCall(error) | Failure::InTransaction(error)) => {
                    batch.drain(..).for_each(|job| job.answer(Err(self.unavailable(&error))));
                }
            }
            if self.is_sync_due() {
                self.sync();
            }
        }
        self.sync();
    }

    /// The next call, or a timeout when bookkeeping must be synced.
    fn next(&self, calls: &Receiver<Box<dyn Job>>) -> Result<Box<dyn Job>, RecvTimeoutError> {
        match self.unsynced {
            None => calls.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(Unsynced { since, .. }) => {
                calls.recv_timeout(SYNC_INTERVAL.saturating_sub(self.clock.since(since)))
            }
        }
    }

    fn is_sync_due(&self) -> bool {
        self.unsynced.is_some_and(|unsynced| self.clock.since(unsynced.since) >= SYNC_INTERVAL)
    }

    fn run_alone(&mut self, mut job: Box<dyn Job>) {
        let committed = self.commit(std::slice::from_mut(&mut job));
        job.answer(committed.map_err(|failure| match failure {
            Failure::InCall(error) | Failure::InTransaction(error) => self.unavailable(&error),
        }));
    }

    /// Runs `jobs` in one transaction, rolled back on any failure.
    fn commit(&mut self, jobs: &mut [Box<dyn Job>]) -> Result<(), Failure> {
        let committed = self.try_commit(jobs);
        match committed {
            Ok(()) => self.sizes.commit(),
            Err(_) => self.sizes.roll_back(),
        }
        committed
    }

    fn try_commit(&mut self, jobs: &mut [Box<dyn Job>]) -> Result<(), Failure> {
        let (mut has_durable, mut bookkeeping_at) = (false, None);
        for job in &*jobs {
            match job.durability() {
                Durability::Read => {}
                Durability::Bookkeeping(at) => bookkeeping_at = bookkeeping_at.max(Some(at)),
                Durability::Durable => has_durable = true,
            }
        }
        // A new store has no synced time yet, so its first bookkeeping waits for the disk.
        let waits = has_durable || (bookkeeping_at.is_some() && self.synced.is_none());
        let at = bookkeeping_at.max(self.unsynced.map(|unsynced| unsynced.at));
        if has_durable || bookkeeping_at.is_some() {
            self.wait_for_disk(waits).map_err(Failure::InTransaction)?;
        }
        let transaction = self.db.transaction().map_err(Failure::InTransaction)?;
        for job in jobs {
            job.run(&transaction).map_err(Failure::InCall)?;
        }
        if let Some(at) = at.filter(|_| waits) {
            synced::write(&transaction, at).map_err(Failure::InTransaction)?;
        }
        transaction.commit().map_err(Failure::InTransaction)?;
        match at {
            Some(at) if waits => (self.synced, self.unsynced) = (Some(at), None),
            Some(at) if bookkeeping_at.is_some() => {
                let since = self.unsynced.map_or_else(|| self.clock.micros(), |first| first.since);
                self.unsynced = Some(Unsynced { since, at });
            }
            Some(_) | None => {}
        }
        Ok(())
    }

    /// Syncs committed bookkeeping to disk. Retries a failure after [`SYNC_INTERVAL`].
    fn sync(&mut self) {
        let Some(Unsynced { at, .. }) = self.unsynced else { return };
        let synced = self.wait_for_disk(true).and_then(|()| synced::write(&self.db, at));
        match synced {
            Ok(()) => (self.synced, self.unsynced) = (Some(at), None),
            Err(error) => {
                tracing::error!(store = self.store, %error, "cannot sync the store to disk");
                self.unsynced = Some(Unsynced { since: self.clock.micros(), at });
            }
        }
    }

    /// Sets whether the next commits wait for the disk.
    fn wait_for_disk(&mut self, waits: bool) -> rusqlite::Result<()> {
        if waits != self.is_full {
            let level = if waits { "FULL" } else { "NORMAL" };
            self.db.pragma_update(None, "synchronous", level)?;
            self.is_full = waits;
        }
        Ok(())
    }

    fn unavailable(&self, error: &rusqlite::Error) -> StoreError {
        StoreError::Unavailable { store: self.store.clone(), reason: error.to_string() }
    }
}
