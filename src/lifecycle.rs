//! Serving, draining, stopped: who runs, and how they are told to end.
//!
//! Every task of the gateway is spawned here, so that stopping can wait for all of them. Two tokens tell them when:
//! `drain` (finish what you do, take nothing new) and, later, `stop` (end now).

use std::future::Future;
use std::time::Duration;

use tokio_util::sync::{CancellationToken, WaitForCancellationFuture};
use tokio_util::task::TaskTracker;

/// The tasks of one gateway and the tokens that end them. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Lifecycle {
    tasks: TaskTracker,
    drain: CancellationToken,
    stop: CancellationToken,
}

impl Lifecycle {
    /// Spawns a task that [`Lifecycle::stopped`] waits for. It ends by itself, or when its own `stopping` says so.
    pub fn spawn<F>(&self, task: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.tasks.spawn(task);
    }

    /// Nothing new is to be taken from now on.
    pub fn begin_drain(&self) {
        self.drain.cancel();
    }

    /// Whether nothing new is to be taken.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.drain.is_cancelled()
    }

    /// Resolves when draining begins. Cancel-safe.
    pub fn draining(&self) -> WaitForCancellationFuture<'_> {
        self.drain.cancelled()
    }

    /// Resolves when everything is to end. Cancel-safe.
    pub fn stopping(&self) -> WaitForCancellationFuture<'_> {
        self.stop.cancelled()
    }

    /// Tells every task to end and waits for them, `deadline` at most; whether all ended.
    pub async fn stopped(&self, deadline: Duration) -> bool {
        self.drain.cancel();
        self.stop.cancel();
        self.tasks.close();
        tokio::time::timeout(deadline, self.tasks.wait()).await.is_ok()
    }

    /// Waits until no task is left, `deadline` at most; whether none is. Tasks that were told nothing may go on.
    pub async fn idle(&self, deadline: Duration) -> bool {
        self.tasks.close();
        let idle = tokio::time::timeout(deadline, self.tasks.wait()).await.is_ok();
        self.tasks.reopen();
        idle
    }
}
