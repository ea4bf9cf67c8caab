//! Serving, draining, stopped: the tasks of a gateway and their shutdown.
//!
//! Every task is spawned here, so that shutdown can wait for all of them. Two cancellation tokens end them: `drain`
//! (finish current work, accept nothing new) and, later, `stop` (end now).
//!
//! A panic ends only its task, and is logged and counted. Supervised tasks are restarted; if one keeps panicking, the
//! gateway drains.

use std::any::Any;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use futures::FutureExt as _;
use tokio_util::sync::{CancellationToken, WaitForCancellationFuture};
use tokio_util::task::TaskTracker;

/// How often a supervised task is restarted in a row.
const MAX_RESTARTS: u32 = 5;
/// The wait before the first restart; it doubles with each.
const RESTART_DELAY: Duration = Duration::from_millis(100);
/// A restarted task that runs for so long counts as recovered.
const RECOVERY_TIME: Duration = Duration::from_secs(10);

/// The tasks of one gateway and the tokens that end them. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Lifecycle {
    tasks: TaskTracker,
    drain: CancellationToken,
    /// Set before `drain` is cancelled, whose own state is behind a lock that every start would take several times.
    is_draining: Arc<AtomicBool>,
    stop: CancellationToken,
    failures: Arc<Failures>,
}

/// What went wrong with tasks.
#[derive(Debug, Default)]
struct Failures {
    /// Panics that [`Lifecycle::take_panics`] has not returned.
    panics: AtomicU64,
    /// The supervised tasks that have panicked and not recovered.
    failing: ArcSwap<Vec<&'static str>>,
    /// Whether one of them was given up.
    is_fatal: AtomicBool,
}

impl Lifecycle {
    /// Spawns a task that [`Lifecycle::stopped`] waits for. It must end when [`Lifecycle::stopping`] resolves.
    pub fn spawn<F>(&self, task: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let failures = Arc::clone(&self.failures);
        // Not an `async` block, which would hold the task twice.
        let task = AssertUnwindSafe(task).catch_unwind().map(move |ended| {
            if let Err(panic) = ended {
                failures.panics.fetch_add(1, Ordering::Relaxed);
                tracing::error!(error = message_of(&*panic), "task panicked");
            }
        });
        self.tasks.spawn(task);
    }

    /// Runs the task that `start` makes until it returns, and again after a panic. After `MAX_RESTARTS` restarts in a
    /// row the gateway drains, and [`Lifecycle::has_failed`].
    pub fn supervise<F, T>(&self, name: &'static str, mut start: F)
    where
        F: FnMut() -> T + Send + 'static,
        T: Future<Output = ()> + Send + 'static,
    {
        let lifecycle = self.clone();
        self.spawn(async move {
            let mut restarts = 0;
            loop {
                let mut task = Box::pin(AssertUnwindSafe(start()).catch_unwind());
                let ended = tokio::select! {
                    biased;
                    ended = &mut task => ended,
                    () = tokio::time::sleep(RECOVERY_TIME), if restarts > 0 => {
                        restarts = 0;
                        lifecycle.failures.clear(name);
                        task.await
                    }
                };
                let Err(panic) = ended else { return lifecycle.failures.clear(name) };
                lifecycle.failures.panics.fetch_add(1, Ordering::Relaxed);
                lifecycle.failures.add(name);
                let error = message_of(&*panic);
                if restarts == MAX_RESTARTS {
                    tracing::error!(
                        task = name,
                        error,
                        "background task keeps panicking; draining"
                    );
                    lifecycle.failures.is_fatal.store(true, Ordering::Relaxed);
                    return lifecycle.begin_drain();
                }
                tracing::error!(task = name, error, "background task panicked; restarting");
                tokio::select! {
                    biased;
                    () = lifecycle.stopping() => return,
                    () = tokio::time::sleep(RESTART_DELAY * 2_u32.pow(restarts)) => restarts += 1,
                }
            }
        });
    }

    /// A supervised task that has panicked and not recovered.
    #[must_use]
    pub fn failing_task(&self) -> Option<&'static str> {
        self.failures.failing.load().first().copied()
    }

    /// Whether a supervised task was given up.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.failures.is_fatal.load(Ordering::Relaxed)
    }

    /// The number of panics since the last call.
    #[must_use]
    pub fn take_panics(&self) -> u64 {
        self.failures.panics.swap(0, Ordering::Relaxed)
    }

    pub fn begin_drain(&self) {
        self.is_draining.store(true, Ordering::Release);
        self.drain.cancel();
    }

    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.is_draining.load(Ordering::Acquire)
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
        self.begin_drain();
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

impl Failures {
    fn add(&self, task: &'static str) {
        self.failing.rcu(|failing| {
            let mut failing = Vec::clone(failing);
            if !failing.contains(&task) {
                failing.push(task);
            }
            failing
        });
    }

    fn clear(&self, task: &'static str) {
        self.failing.rcu(|failing| {
            failing.iter().copied().filter(|other| *other != task).collect::<Vec<_>>()
        });
    }
}

/// The message of a panic.
fn message_of(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEADLINE: Duration = Duration::from_mins(1);

    #[tokio::test(start_paused = true)]
    async fn panicking_task_is_counted_and_others_go_on() {
        let lifecycle = Lifecycle::default();
        lifecycle.spawn(async { panic!("a fault of this task") });
        assert!(lifecycle.idle(DEADLINE).await);
        assert_eq!((lifecycle.take_panics(), lifecycle.take_panics()), (1, 0));
        assert!(!lifecycle.is_draining());
    }

    #[tokio::test(start_paused = true)]
    async fn supervised_task_is_restarted_and_recovers() {
        let lifecycle = Lifecycle::default();
        let (tasks, mut runs) = (lifecycle.clone(), 0);
        lifecycle.supervise("sweep", move || {
            runs += 1;
            let (run, tasks) = (runs, tasks.clone());
            async move {
                assert!(run > 2, "run {run} fails");
                assert_eq!(tasks.failing_task(), Some("sweep"), "not recovered yet");
                tokio::time::sleep(RECOVERY_TIME * 2).await;
                assert_eq!(tasks.failing_task(), None, "recovered");
            }
        });
        assert!(lifecycle.idle(DEADLINE).await);
        assert_eq!(lifecycle.take_panics(), 2);
        assert!(!lifecycle.has_failed() && !lifecycle.is_draining());
    }

    #[tokio::test(start_paused = true)]
    async fn task_that_keeps_panicking_drains_the_gateway() {
        let lifecycle = Lifecycle::default();
        lifecycle.supervise("sweep", || async { panic!("{}", "always") });
        lifecycle.draining().await;
        assert!(lifecycle.has_failed());
        assert_eq!(lifecycle.failing_task(), Some("sweep"));
        assert_eq!(lifecycle.take_panics(), u64::from(MAX_RESTARTS) + 1);
    }

    #[tokio::test(start_paused = true)]
    async fn supervised_task_that_returns_is_done() {
        let lifecycle = Lifecycle::default();
        lifecycle.supervise("sweep", || std::future::ready(()));
        assert!(lifecycle.idle(DEADLINE).await);
        assert!(!lifecycle.is_draining());
    }
}
