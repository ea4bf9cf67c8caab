//! Keeps a slow, failing or crowded hook from holding up the gateway.
//!
//! Invariants: a decision comes within the deadline; at most so many run at a time, and beyond them the answer is
//! [`Decision::Unavailable`] at once; nothing but the hook's own word lets anybody in.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::breaker::{Breaker, BreakerLimits, Outcome, Pass};
use super::{AuthHook, AuthRequest, Decision};
use crate::clock::Clock;
use crate::sync::{Mutex, Rank};

/// What a guarded hook may use up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GuardLimits {
    /// How long one decision may take.
    pub deadline: Duration,
    /// How many decisions may be under way.
    pub concurrency: usize,
    /// When it is left alone.
    pub breaker: BreakerLimits,
}

impl Default for GuardLimits {
    fn default() -> Self {
        Self {
            deadline: Duration::from_secs(5),
            concurrency: 256,
            breaker: BreakerLimits::default(),
        }
    }
}

/// A hook with a deadline, a bound on concurrency and a circuit breaker.
pub struct Guard {
    hook: Arc<dyn AuthHook>,
    deadline: Duration,
    places: Semaphore,
    /// Held for a few instructions.
    breaker: Mutex<Breaker>,
    clock: Clock,
}

impl Guard {
    /// Guards `hook`.
    #[must_use]
    pub fn new(hook: Arc<dyn AuthHook>, limits: GuardLimits, clock: Clock) -> Self {
        let GuardLimits { deadline, concurrency, breaker } = limits;
        let places = Semaphore::new(concurrency.min(Semaphore::MAX_PERMITS));
        Self {
            hook,
            deadline,
            places,
            breaker: Mutex::new(Rank::Leaf, Breaker::new(breaker)),
            clock,
        }
    }

    async fn decide(&self, request: &AuthRequest) -> Decision {
        let Ok(_place) = self.places.try_acquire() else {
            return Decision::Unavailable { retry_after: CROWDED_RETRY_AFTER };
        };
        let mut call = match self.admit() {
            Ok(pass) => Call { guard: self, pass, outcome: Outcome::Abandoned },
            Err(retry_after) => return Decision::Unavailable { retry_after },
        };
        let decision =
            timeout(self.deadline, self.hook.decide(request)).await.unwrap_or_else(|_| {
                tracing::warn!(
                    app = &*request.app,
                    hook = self.hook.name(),
                    "auth hook did not decide in time"
                );
                Decision::Unavailable { retry_after: LATE_RETRY_AFTER }
            });
        call.outcome = match &decision {
            Decision::Allow(_) | Decision::Deny(_) => Outcome::Success,
            Decision::Unavailable { .. } => Outcome::Failure,
        };
        decision
    }

    fn admit(&self) -> Result<Pass, Duration> {
        self.breaker.lock().admit(self.clock.now())
    }
}

/// A call under way; its outcome is recorded when it is dropped, whether or not anybody still waited for it.
struct Call<'a> {
    guard: &'a Guard,
    pass: Pass,
    outcome: Outcome,
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        let mut breaker = self.guard.breaker.lock();
        breaker.record(self.pass, self.outcome, self.guard.clock.now());
    }
}

impl AuthHook for Guard {
    fn name(&self) -> &'static str {
        self.hook.name()
    }

    fn is_secure(&self) -> bool {
        self.hook.is_secure()
    }

    fn claims(&self, request: &AuthRequest) -> bool {
        self.hook.claims(request)
    }

    fn decide<'a>(&'a self, request: &'a AuthRequest) -> BoxFuture<'a, Decision> {
        self.decide(request).boxed()
    }
}

/// When to try again while too many decisions are under way.
const CROWDED_RETRY_AFTER: Duration = Duration::from_secs(1);
/// When to try again after a decision that did not come.
const LATE_RETRY_AFTER: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use stagedoor_proto::Credentials;
    use tokio::sync::Notify;

    use super::*;
    use crate::auth::fixtures::{clock, request};
    use crate::auth::{Denied, Purpose};

    /// Denies once it is told to; a renewal finds it out of order.
    #[derive(Default)]
    struct Slow {
        asked: AtomicUsize,
        answer: Notify,
    }

    impl AuthHook for Slow {
        fn name(&self) -> &'static str {
            "slow"
        }
        fn claims(&self, _: &AuthRequest) -> bool {
            true
        }
        fn decide<'a>(&'a self, request: &'a AuthRequest) -> BoxFuture<'a, Decision> {
            async move {
                self.asked.fetch_add(1, Ordering::SeqCst);
                if request.purpose == Purpose::Renew {
                    return Decision::Unavailable { retry_after: Duration::from_secs(9) };
                }
                self.answer.notified().await;
                Decision::Deny(Denied::guest())
            }
            .boxed()
        }
    }

    fn starting() -> AuthRequest {
        request(Some("ada"), Credentials::Guest {})
    }

    fn failing() -> AuthRequest {
        AuthRequest { purpose: Purpose::Renew, ..starting() }
    }

    fn guard(limits: GuardLimits, clock: &Clock) -> (Arc<Slow>, Guard) {
        let hook = Arc::new(Slow::default());
        (Arc::clone(&hook), Guard::new(hook, limits, clock.clone()))
    }

    fn unavailable(decision: &Decision) -> Duration {
        match decision {
            Decision::Unavailable { retry_after } => *retry_after,
            other => panic!("an answer: {other:?}"),
        }
    }

    #[tokio::test]
    async fn beyond_the_bound_the_answer_comes_at_once() {
        let (hook, guard) =
            guard(GuardLimits { concurrency: 1, ..GuardLimits::default() }, &clock());
        let request = starting();
        let mut first = std::pin::pin!(guard.decide(&request));
        assert!(futures::poll!(first.as_mut()).is_pending());
        assert_eq!(unavailable(&guard.decide(&request).await), CROWDED_RETRY_AFTER);
        hook.answer.notify_one();
        assert_eq!(first.await, Decision::Deny(Denied::guest()));
        hook.answer.notify_one();
        assert_eq!(guard.decide(&request).await, Decision::Deny(Denied::guest()));
        assert_eq!(hook.asked.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn a_hook_that_hangs_is_left_at_the_deadline() {
        let limits = GuardLimits { deadline: Duration::from_millis(10), ..GuardLimits::default() };
        let (_hook, guard) = guard(limits, &clock());
        assert_eq!(unavailable(&guard.decide(&starting()).await), LATE_RETRY_AFTER);
    }

    #[tokio::test]
    async fn a_hook_that_keeps_failing_is_left_alone_for_a_while() {
        let clock = clock();
        let breaker = BreakerLimits { failures: 2, pause: Duration::from_secs(10) };
        let (hook, guard) = guard(GuardLimits { breaker, ..GuardLimits::default() }, &clock);
        for _ in 0..2 {
            assert_eq!(unavailable(&guard.decide(&failing()).await), Duration::from_secs(9));
        }
        assert_eq!(unavailable(&guard.decide(&failing()).await), Duration::from_secs(10));
        assert_eq!(hook.asked.load(Ordering::SeqCst), 2);

        clock.advance(Duration::from_secs(10));
        let request = starting();
        {
            let mut abandoned = std::pin::pin!(guard.decide(&request));
            assert!(futures::poll!(abandoned.as_mut()).is_pending());
        }
        hook.answer.notify_one();
        assert_eq!(guard.decide(&request).await, Decision::Deny(Denied::guest()));
        assert_eq!(
            unavailable(&guard.decide(&failing()).await),
            Duration::from_secs(9),
            "it is asked again"
        );
    }
}
