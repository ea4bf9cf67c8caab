//! Limits the time and concurrency of a hook, and stops calling one that fails.
//!
//! Invariants: a call waits at most the deadline for its turn, and takes at most the deadline then; at most as many
//! calls wait as run, and further ones are answered [`Decision::Unavailable`] at once. While others wait, an address
//! with more than its share of the calls gets no further one. Only the hook admits a user.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

use super::breaker::{Breaker, BreakerLimits, Outcome, Permit};
use super::{AuthHook, AuthRequest, Decision};
use crate::address::network;
use crate::clock::Clock;
use crate::sync::{Mutex, Rank};

/// The limits of a guarded hook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GuardLimits {
    /// Timeout of one decision.
    pub deadline: Duration,
    /// Maximum number of concurrent decisions.
    pub concurrency: usize,
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

/// A hook with a deadline, a concurrency limit and a circuit breaker.
pub struct Guard {
    hook: Arc<dyn AuthHook>,
    deadline: Duration,
    /// First come, first served.
    permits: Semaphore,
    /// The calls that may wait for a permit.
    waiting: Semaphore,
    concurrency: usize,
    /// Calls that one address may run while calls are scarce.
    per_address: usize,
    /// Running and waiting calls by the address that caused them.
    addresses: Mutex<HashMap<IpAddr, usize>>,
    /// Never held across an await.
    breaker: Mutex<Breaker>,
    clock: Clock,
}

impl Guard {
    #[must_use]
    pub fn new(hook: Arc<dyn AuthHook>, limits: GuardLimits, clock: Clock) -> Self {
        let GuardLimits { deadline, concurrency, breaker } = limits;
        let [permits, waiting] =
            [(); 2].map(|()| Semaphore::new(concurrency.min(Semaphore::MAX_PERMITS)));
        Self {
            hook,
            deadline,
            permits,
            waiting,
            concurrency,
            per_address: (concurrency / 4).max(2),
            addresses: Mutex::new(Rank::Leaf, HashMap::new()),
            breaker: Mutex::new(Rank::Leaf, Breaker::new(breaker)),
            clock,
        }
    }

    async fn decide(&self, request: &AuthRequest) -> Decision {
        let Some(_address) = AddressShare::acquire(self, request.address) else {
            return Decision::Unavailable { retry_after: BUSY_RETRY_AFTER };
        };
        let Some(_permit) = self.wait_for_turn().await else {
            return Decision::Unavailable { retry_after: BUSY_RETRY_AFTER };
        };
        let mut call = match self.acquire() {
            Ok(permit) => Call { guard: self, permit, outcome: Outcome::Abandoned },
            Err(retry_after) => return Decision::Unavailable { retry_after },
        };
        let decision =
            timeout(self.deadline, self.hook.decide(request)).await.unwrap_or_else(|_| {
                tracing::warn!(app = &*request.app, hook = self.hook.name(), "auth hook timed out");
                Decision::Unavailable { retry_after: TIMEOUT_RETRY_AFTER }
            });
        call.outcome = match &decision {
            Decision::Allow(_) | Decision::Deny(_) => Outcome::Success,
            Decision::Unavailable { .. } => Outcome::Failure,
        };
        decision
    }

    /// A permit to call the hook; `None` if too many calls wait already, or none ended in time.
    async fn wait_for_turn(&self) -> Option<SemaphorePermit<'_>> {
        if let Ok(permit) = self.permits.try_acquire() {
            return Some(permit);
        }
        let _waiting = self.waiting.try_acquire().ok()?;
        timeout(self.deadline, self.permits.acquire()).await.ok()?.ok()
    }

    fn acquire(&self) -> Result<Permit, Duration> {
        self.breaker.lock().acquire(self.clock.monotonic())
    }
}

/// One running or waiting call of an address (IPv6: of its /64). Dropping it releases the share.
struct AddressShare<'a> {
    guard: &'a Guard,
    address: IpAddr,
}

impl<'a> AddressShare<'a> {
    /// `None` if the address has its share of the calls and at most half of all are free: those are for others.
    fn acquire(guard: &'a Guard, address: IpAddr) -> Option<Self> {
        let address = network(address);
        let is_scarce = guard.permits.available_permits() <= guard.concurrency / 2;
        let mut addresses = guard.addresses.lock();
        let running = addresses.entry(address).or_default();
        if *running >= guard.per_address && is_scarce {
            return None;
        }
        *running += 1;
        drop(addresses);
        Some(Self { guard, address })
    }
}

impl Drop for AddressShare<'_> {
    fn drop(&mut self) {
        let mut addresses = self.guard.addresses.lock();
        if let Some(running) = addresses.get_mut(&self.address) {
            *running -= 1;
            if *running == 0 {
                addresses.remove(&self.address);
            }
        }
    }
}

/// A running call. Dropping it records its outcome, also when the caller abandoned it.
struct Call<'a> {
    guard: &'a Guard,
    permit: Permit,
    outcome: Outcome,
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        let mut breaker = self.guard.breaker.lock();
        breaker.record(self.permit, self.outcome, self.guard.clock.monotonic());
    }
}

impl AuthHook for Guard {
    fn name(&self) -> &'static str {
        self.hook.name()
    }

    fn verifies_identity(&self) -> bool {
        self.hook.verifies_identity()
    }

    fn is_local(&self) -> bool {
        self.hook.is_local()
    }

    fn claims(&self, request: &AuthRequest) -> bool {
        self.hook.claims(request)
    }

    fn decide<'a>(&'a self, request: &'a AuthRequest) -> BoxFuture<'a, Decision> {
        self.decide(request).boxed()
    }
}

/// Retry delay when the concurrency limit is reached.
const BUSY_RETRY_AFTER: Duration = Duration::from_secs(1);
/// Retry delay after a timeout.
const TIMEOUT_RETRY_AFTER: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use stagedoor_proto::Credentials;
    use tokio::sync::Notify;

    use super::*;
    use crate::auth::fixtures::{clock, request};
    use crate::auth::{Denied, Purpose};

    /// Denies a start when the test permits it; is unavailable for a renewal.
    #[derive(Default)]
    struct Slow {
        calls: AtomicUsize,
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
                self.calls.fetch_add(1, Ordering::SeqCst);
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
    async fn calls_beyond_the_concurrency_limit_wait_and_are_bounded() {
        let (hook, guard) =
            guard(GuardLimits { concurrency: 1, ..GuardLimits::default() }, &clock());
        let request = starting();
        let mut first = std::pin::pin!(guard.decide(&request));
        assert!(futures::poll!(first.as_mut()).is_pending());
        let mut second = std::pin::pin!(guard.decide(&request));
        assert!(futures::poll!(second.as_mut()).is_pending());
        assert_eq!(hook.calls.load(Ordering::SeqCst), 1, "the second waits");
        let other = AuthRequest { address: "192.0.2.1".parse().unwrap(), ..starting() };
        assert_eq!(unavailable(&guard.decide(&other).await), BUSY_RETRY_AFTER, "as many wait");
        for call in [first, second] {
            hook.answer.notify_one();
            assert_eq!(call.await, Decision::Deny(Denied::guest()));
        }
        hook.answer.notify_one();
        assert_eq!(guard.decide(&other).await, Decision::Deny(Denied::guest()));
        assert_eq!(hook.calls.load(Ordering::SeqCst), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn call_whose_turn_does_not_come_fails_in_time() {
        let (hook, guard) =
            guard(GuardLimits { concurrency: 1, ..GuardLimits::default() }, &clock());
        let (request, other) =
            (starting(), AuthRequest { address: "192.0.2.1".parse().unwrap(), ..starting() });
        let mut first = std::pin::pin!(guard.decide(&request));
        assert!(futures::poll!(first.as_mut()).is_pending());
        let (first, second) = tokio::join!(first, guard.decide(&other));
        assert_eq!(unavailable(&first), TIMEOUT_RETRY_AFTER);
        // The first ends at the same moment, so the second may just get its turn.
        assert!([BUSY_RETRY_AFTER, TIMEOUT_RETRY_AFTER].contains(&unavailable(&second)));
        drop(hook);
    }

    #[tokio::test]
    async fn others_who_wait_come_before_an_address_over_its_share() {
        let limits = GuardLimits { concurrency: 8, ..GuardLimits::default() };
        let (hook, guard) = guard(limits, &clock());
        let from = |address: &str| AuthRequest { address: address.parse().unwrap(), ..starting() };
        let (hogging, others) = (from("192.0.2.1"), [from("192.0.2.2"), from("192.0.2.3")]);
        let mut held: Vec<_> = (0..4).map(|_| Box::pin(guard.decide(&hogging))).collect();
        let mut more: Vec<_> = others
            .iter()
            .flat_map(|other| [other; 2])
            .map(|one| Box::pin(guard.decide(one)))
            .collect();
        for call in held.iter_mut().chain(&mut more) {
            assert!(futures::poll!(call.as_mut()).is_pending());
        }
        assert_eq!(hook.calls.load(Ordering::SeqCst), 8);
        let honest = from("192.0.2.4");
        let mut honest = Box::pin(guard.decide(&honest));
        assert!(futures::poll!(honest.as_mut()).is_pending(), "it waits for its turn");
        held.pop();
        assert_eq!(unavailable(&guard.decide(&hogging).await), BUSY_RETRY_AFTER, "3 of 8");
        assert!(futures::poll!(honest.as_mut()).is_pending());
        assert_eq!(hook.calls.load(Ordering::SeqCst), 9, "the honest one is next");
        held.truncate(1);
        let mut again = Box::pin(guard.decide(&hogging));
        assert!(futures::poll!(again.as_mut()).is_pending(), "within its share");
        assert_eq!(hook.calls.load(Ordering::SeqCst), 10);
    }

    #[tokio::test]
    async fn one_address_leaves_calls_to_others() {
        let limits = GuardLimits { concurrency: 8, ..GuardLimits::default() };
        let (hook, guard) = guard(limits, &clock());
        let from = |address: &str| AuthRequest { address: address.parse().unwrap(), ..starting() };
        let hogging = from("2001:db8::1");
        let mut calls: Vec<_> = (0..4).map(|_| Box::pin(guard.decide(&hogging))).collect();
        for call in &mut calls {
            assert!(futures::poll!(call.as_mut()).is_pending());
        }
        let same_subnet = from("2001:db8::2");
        assert_eq!(unavailable(&guard.decide(&same_subnet).await), BUSY_RETRY_AFTER);
        let other = from("192.0.2.1");
        let mut others: Vec<_> = (0..2).map(|_| Box::pin(guard.decide(&other))).collect();
        for call in &mut others {
            assert!(futures::poll!(call.as_mut()).is_pending());
        }
        assert_eq!(unavailable(&guard.decide(&other).await), BUSY_RETRY_AFTER);
        drop((calls, others));
        assert!(guard.addresses.lock().is_empty(), "abandoned calls release their share");
        assert_eq!(hook.calls.load(Ordering::SeqCst), 6);
    }

    #[tokio::test]
    async fn hanging_hook_times_out() {
        let limits = GuardLimits { deadline: Duration::from_millis(10), ..GuardLimits::default() };
        let (_hook, guard) = guard(limits, &clock());
        assert_eq!(unavailable(&guard.decide(&starting()).await), TIMEOUT_RETRY_AFTER);
    }

    #[tokio::test]
    async fn failing_hook_is_not_called_for_a_while() {
        let clock = clock();
        let breaker = BreakerLimits { failures: 2, pause: Duration::from_secs(10) };
        let (hook, guard) = guard(GuardLimits { breaker, ..GuardLimits::default() }, &clock);
        for _ in 0..2 {
            assert_eq!(unavailable(&guard.decide(&failing()).await), Duration::from_secs(9));
        }
        assert_eq!(unavailable(&guard.decide(&failing()).await), Duration::from_secs(10));
        assert_eq!(hook.calls.load(Ordering::SeqCst), 2);

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
            "the hook is called again"
        );
    }
}
