//! The thread that owns the connection: it takes all calls that wait, runs them in one transaction, and answers them.
//!
//! A commit costs a wait for the disk; while it waits, the next batch gathers. On the happy path a call pays for its own
//! statements alone. When one call of a batch fails, the batch is rolled back and each call runs again by itself: that
//! is why an operation is `Fn`, not `FnOnce`.
//! Invariant: a call is answered `Ok` only after the commit that holds its writes.
//! Not here: any statement but those around a transaction.

use std::thread::JoinHandle;

use rusqlite::Connection;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};

use super::lock::Lock;
use crate::store::StoreError;

/// Calls that may wait; one more is [`StoreError::Full`].
pub(super) const MAX_CALLS_WAITING: usize = 4096;

/// Calls that share a commit; bounds how long the first of them waits for the others.
const MAX_CALLS_PER_COMMIT: usize = 512;

/// The queue to the thread. Dropping it finishes what waits and joins the thread.
pub(super) struct Writer {
    /// `None` only while it is dropped.
    running: Option<Running>,
}

struct Running {
    queue: mpsc::Sender<Box<dyn Job>>,
    thread: JoinHandle<()>,
}

impl Writer {
    /// Hands `db` to a thread of its own, with the lock of its file; `path` names it in errors.
    pub(super) fn start(
        db: Connection,
        lock: Option<Lock>,
        path: String,
    ) -> Result<Self, StoreError> {
        let (queue, calls) = mpsc::channel(MAX_CALLS_WAITING);
        let worker = Worker { db, _lock: lock, path: path.clone() };
        let thread = std::thread::Builder::new()
            .name("store".to_owned())
            .spawn(move || worker.run(calls))
            .map_err(|error| StoreError::Unavailable {
                path,
                reason: format!("no thread for it: {error}"),
            })?;
        Ok(Self { running: Some(Running { queue, thread }) })
    }

    /// Runs `op` in a transaction with whatever else waits, and gives its answer once that is on disk.
    ///
    /// It waits from when it is called, not from when the future is first polled: calls take effect in their order.
    ///
    /// `op` may run twice, and its first run leave no trace: it must be a function of the database alone.
    ///
    /// # Cancel safety
    /// Dropping the future does not stop the call.
    pub(super) fn call<T, F>(
        &self,
        op: F,
    ) -> impl Future<Output = Result<T, StoreError>> + Send + use<T, F>
    where
        T: Send + 'static,
        F: Fn(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let running = self.running.as_ref().expect("a writer that is called is not being dropped");
        let (reply, answer) = oneshot::channel();
        let call = Box::new(Call { op, result: None, reply });
        let queued = running.queue.try_send(call).map_err(|error| match error {
            TrySendError::Full(_) => StoreError::Full { waiting: MAX_CALLS_WAITING },
            TrySendError::Closed(_) => StoreError::Closed,
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
    /// Runs the operation and keeps its result until it is on disk.
    fn run(&mut self, db: &Connection) -> rusqlite::Result<()>;

    /// Tells the caller the result of the last run, or why it is not on disk.
    fn answer(self: Box<Self>, committed: Result<(), StoreError>);
}

struct Call<T, F> {
    op: F,
    result: Option<T>,
    reply: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, F> Job for Call<T, F>
where
    T: Send,
    F: Fn(&Connection) -> rusqlite::Result<T> + Send,
{
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
    path: String,
}

/// Where a transaction failed, which decides what becomes of its calls.
enum Failure {
    /// In one of the calls: the others may still succeed.
    InCall(rusqlite::Error),
    /// Around them: none is on disk.
    InTransaction(rusqlite::Error),
}

impl Worker {
    fn run(mut self, mut calls: mpsc::Receiver<Box<dyn Job>>) {
        let mut batch = Vec::with_capacity(MAX_CALLS_PER_COMMIT);
        while calls.blocking_recv_many(&mut batch, MAX_CALLS_PER_COMMIT) > 0 {
            match self.commit(&mut batch) {
                Ok(()) => batch.drain(..).for_each(|job| job.answer(Ok(()))),
                Err(Failure::InCall(_)) if batch.len() > 1 => {
                    batch.drain(..).for_each(|job| self.run_alone(job));
                }
                Err(Failure::InCall(error) | Failure::InTransaction(error)) => {
                    batch.drain(..).for_each(|job| job.answer(Err(self.unavailable(&error))));
                }
            }
        }
    }

    fn run_alone(&mut self, mut job: Box<dyn Job>) {
        let committed = self.commit(std::slice::from_mut(&mut job));
        job.answer(committed.map_err(|failure| match failure {
            Failure::InCall(error) | Failure::InTransaction(error) => self.unavailable(&error),
        }));
    }

    /// Runs `jobs` in one transaction, which is rolled back if anything fails.
    fn commit(&mut self, jobs: &mut [Box<dyn Job>]) -> Result<(), Failure> {
        let transaction = self.db.transaction().map_err(Failure::InTransaction)?;
        for job in jobs {
            job.run(&transaction).map_err(Failure::InCall)?;
        }
        transaction.commit().map_err(Failure::InTransaction)
    }

    fn unavailable(&self, error: &rusqlite::Error) -> StoreError {
        StoreError::Unavailable { path: self.path.clone(), reason: error.to_string() }
    }
}
