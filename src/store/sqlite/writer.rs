//! The thread that owns the connection: it takes all calls that wait, runs them in one transaction, and answers them.
//!
//! A commit with a fact in it costs a wait for the disk; while it waits, the next batch gathers. On the happy path a call
//! pays for its own statements alone. When one call of a batch fails, the batch is rolled back and each call runs again
//! by itself: that is why an operation is `Fn`, not `FnOnce`.
//! Invariants: a call is answered `Ok` only after the commit that holds its writes. A commit of bookkeeping alone is in
//! the system's memory then, where `kill -9` leaves it, and on disk at most [`SYNC_INTERVAL`] later: the log of `SQLite`
//! has one order, so whatever brings a later commit to disk brings all before it.
//! Not here: any statement but those around a transaction.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::Connection;
use stagedoor_proto::Timestamp;
use tokio::sync::oneshot;

use super::lock::Lock;
use super::synced;
use crate::clock::Clock;
use crate::store::StoreError;

/// Calls that may wait; one more is [`StoreError::Full`].
pub(super) const MAX_QUEUED_CALLS: usize = 4096;

/// Calls that share a commit; bounds how long the first of them waits for the others.
const MAX_CALLS_PER_COMMIT: usize = 512;

/// How long committed bookkeeping may be without having been brought to disk.
const SYNC_INTERVAL: Duration = Duration::from_secs(1);

/// When the writes of a call are on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Durability {
    /// It does not matter: the call writes nothing, or removes what is over.
    Read,
    /// Within [`SYNC_INTERVAL`]. The time is the caller's now.
    Bookkeeping(Timestamp),
    /// Before the call is answered.
    Durable,
}

/// An opened database, and the lock that goes with its file.
pub(super) type Opened = (Connection, Option<Lock>);

/// The queue to the thread. Dropping it finishes what waits and joins the thread.
pub(super) struct Writer {
    /// `None` only while it is dropped.
    running: Option<Running>,
    lost_after: LostAfter,
}

struct Running {
    queue: SyncSender<Box<dyn Job>>,
    thread: JoinHandle<()>,
}

/// Since when bookkeeping may be missing because the machine failed: fixed when the store opens.
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

    /// What is missing from before then was removed, not lost.
    pub(super) fn raise(&self, to: Timestamp) {
        self.0.fetch_max(to.as_millis(), Ordering::Relaxed);
    }
}

impl Writer {
    /// Starts a thread that opens the database with `open` and then serves it; `store` names it in errors.
    ///
    /// # Errors
    /// What `open` fails with; [`StoreError::Unavailable`] when there is no thread to be had.
    pub(super) async fn start(
        store: String,
        open: impl FnOnce() -> Result<Opened, StoreError> + Send + 'static,
    ) -> Result<Self, StoreError> {
        let (queue, calls) = sync_channel(MAX_QUEUED_CALLS);
        let (report, opened) = oneshot::channel();
        let failed = store.clone();
        let run = move || match open().and_then(|opened| Worker::new(opened, store)) {
            Ok(worker) => {
                // Nobody waits any more: the queue is closed, and the worker ends at once.
                let _ = report.send(Ok(worker.lost_after()));
                worker.run(&calls);
            }
            Err(error) => drop(report.send(Err(error))),
        };
        let thread = std::thread::Builder::new().name("store".to_owned()).spawn(run);
        let thread = thread.map_err(|error| StoreError::Unavailable {
            store: failed,
            reason: format!("no thread for it: {error}"),
        })?;
        let lost_after = opened.await.unwrap_or(Err(StoreError::Closed))?;
        Ok(Self { running: Some(Running { queue, thread }), lost_after })
    }

    /// Since when bookkeeping may be missing.
    pub(super) const fn lost_after(&self) -> &LostAfter {
        &self.lost_after
    }

    /// Runs `op` in a transaction with whatever else waits, and gives its answer once its writes are as durable as asked.
    ///
    /// It waits from when it is called, not from when the future is first polled: calls take effect in their order.
    ///
    /// `op` may run twice, and its first run leave no trace: it must be a function of the database alone.
    ///
    /// # Cancel safety
    /// Dropping the future does not stop the call.
    pub(super) fn call<T, F>(
        &self,
        durability: Durability,
        op: F,
    ) -> impl Future<Output = Result<T, StoreError>> + Send + use<T, F>
    where
        T: Send + 'static,
        F: Fn(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let running = self.running.as_ref().expect("a writer that is called is not being dropped");
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
            // It panicked or it did not: every call was answered, with `Closed` if need be.
            let _ = thread.join();
        }
    }
}

/// One call, whatever its answer's type.
trait Job: Send {
    /// When its writes are to be on disk.
    fn durability(&self) -> Durability;

    /// Runs the operation and keeps its result until it is committed.
    fn run(&mut self, db: &Connection) -> rusqlite::Result<()>;

    /// Gives the caller the result of the last run, or why it is not committed.
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
        let answer = committed.map(|()| result.expect("what was committed has run"));
        // A caller that no longer waits does not want to know.
        let _ = reply.send(answer);
    }
}

/// What the thread owns.
struct Worker {
    db: Connection,
    /// Dropped after the connection.
    _lock: Option<Lock>,
    store: String,
    /// Measures [`SYNC_INTERVAL`].
    clock: Clock,
    /// Whether the connection waits for the disk at each commit.
    is_full: bool,
    /// Up to when bookkeeping is known to be on disk.
    synced: Option<Timestamp>,
    unsynced: Option<Unsynced>,
}

/// Bookkeeping that is committed and may not be on disk.
#[derive(Clone, Copy)]
struct Unsynced {
    /// When the first of it was committed, by [`Clock::micros`].
    since: u64,
    /// The latest time that a call gave.
    at: Timestamp,
}

/// Where a transaction failed, which decides what becomes of its calls.
enum Failure {
    /// In one of the calls: the others may still succeed.
    InCall(rusqlite::Error),
    /// Around them: none is committed.
    InTransaction(rusqlite::Error),
}

impl Worker {
    fn new((db, lock): Opened, store: String) -> Result<Self, StoreError> {
        let synced = synced::read(&db).map_err(|error| StoreError::Unavailable {
            store: store.clone(),
            reason: error.to_string(),
        })?;
        let clock = Clock::system();
        Ok(Self { db, _lock: lock, store, clock, is_full: true, synced, unsynced: None })
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
            batch.extend(calls.try_iter().take(MAX_CALLS_PER_COMMIT - 1));
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

    /// The next call; or a timeout, when committed bookkeeping is to be brought to disk.
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

    /// Runs `jobs` in one transaction, which is rolled back if anything fails.
    fn commit(&mut self, jobs: &mut [Box<dyn Job>]) -> Result<(), Failure> {
        let (mut has_durable, mut bookkeeping_at) = (false, None);
        for job in &*jobs {
            match job.durability() {
                Durability::Read => {}
                Durability::Bookkeeping(at) => bookkeeping_at = bookkeeping_at.max(Some(at)),
                Durability::Durable => has_durable = true,
            }
        }
        // Of a new store it is not known yet from when on bookkeeping could be missing.
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

    /// Brings committed bookkeeping to disk; a failure is tried again after another [`SYNC_INTERVAL`].
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

    /// Sets whether the commits that follow wait for the disk.
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
