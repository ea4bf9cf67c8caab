//! The store probe behind `/readyz`.
//!
//! Readiness needs no authentication, and a probe writes to the disk. Invariant: at most one probe runs, at most one
//! starts in [`RETENTION`], and a request that gives up waiting does not start another.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::{BoxFuture, Shared};

use crate::sync::Mutex;
use crate::time::Monotonic;

/// How long a result is reused.
const RETENTION: Duration = Duration::from_secs(1);

/// What a probe found; the error is text.
type Found = Result<(), Arc<str>>;

/// The newest probe.
#[derive(Default)]
pub(super) struct Readiness(Mutex<Option<Probe>>);

struct Probe {
    started: Monotonic,
    found: Shared<BoxFuture<'static, Found>>,
}

impl Readiness {
    /// The result of the newest probe; `start` starts one where it is too old.
    pub(super) fn check(
        &self,
        now: Monotonic,
        start: impl FnOnce() -> BoxFuture<'static, Found>,
    ) -> Shared<BoxFuture<'static, Found>> {
        let mut newest = self.0.lock();
        if let Some(probe) = &*newest {
            let is_recent = now.saturating_since(probe.started) < RETENTION;
            if is_recent || probe.found.peek().is_none() {
                return probe.found.clone();
            }
        }
        let found = start().shared();
        *newest = Some(Probe { started: now, found: found.clone() });
        found
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use futures::channel::oneshot;

    use super::*;

    const NOW: Monotonic = Monotonic::from_millis(1_000_000);

    #[tokio::test]
    async fn result_is_reused_for_a_second() {
        let readiness = Readiness::default();
        let probes = Arc::new(AtomicU32::new(0));
        let check = |ms| {
            let probes = Arc::clone(&probes);
            readiness.check(NOW + Duration::from_millis(ms), move || {
                async move {
                    let number = probes.fetch_add(1, Ordering::Relaxed);
                    if number == 0 { Ok(()) } else { Err(number.to_string().into()) }
                }
                .boxed()
            })
        };
        assert_eq!(check(0).await, Ok(()));
        assert_eq!(check(999).await, Ok(()));
        assert_eq!(check(1_000).await, Err("1".into()), "an error as well");
        assert_eq!(check(1_999).await, Err("1".into()));
    }

    #[tokio::test]
    async fn slow_probe_is_shared_and_not_repeated() {
        let readiness = Readiness::default();
        let (finish, finished) = oneshot::channel::<()>();
        let first = readiness.check(NOW, || finished.map(|_| Ok(())).boxed());
        drop(first); // Its request gave up.
        let later =
            readiness.check(NOW + Duration::from_mins(1), || unreachable!("one is running"));
        finish.send(()).unwrap();
        assert_eq!(later.await, Ok(()));
    }
}
