//! Serving, draining, stopped: the tasks of a gateway and their shutdown.
//!
//! Every task is spawned here, so that shutdown can wait for all of them. Two cancellation tokens end them: `drain`
//! (finish current work, accept nothing new) and, later, `stop` (end now).

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
    /// Spawns a task that [`Lifecycle::stopped`] waits for. It must end when [`Lifecycle::stopping`] resolves.
    pub fn spawn<F>(&self, task: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.tasks.spawn(task);
    }

    pub fn begin_drain(&self) {
        self.drain.cancel();
    }

    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.drain.is_cancelled()
    }

    /// Resolves when draining begins. Cancel-safe.
    pub fn draining(&self) -> WaitForCancellationFuture<'_> {
        self.drain.cancelled()
    }

    /// Resolves when every task must end. Cancel-safe.
    pub fn stopping(&self) -> WaitForCancellationFuture<'_> {
        self.stop.cancelled()
    }

    /// Ends every task and waits for at most `deadline`. Returns whether all ended.
    pub async fn stopped(&self, deadline: Duration) -> bool {
        self.drain.cancel();
        self.stop.cancel();
        self.tasks.close();
        tokio::time::timeout(deadline, self.tasks.wait()).await.is_ok()
    }

    /// Waits for at most `deadline` until no task is left, without ending any. Returns whether none is left.
    pub async fn idle(&self, deadline: Duration) -> bool {
        self.tasks.close();
        let idle = tokio::time::timeout(deadline, self.tasks.wait()).await.is_ok();
        self.tasks.reopen();
        idle
    }
}
