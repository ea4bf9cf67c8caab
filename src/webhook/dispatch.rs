//! The task that delivers the messages of all apps.
//!
//! Each endpoint has a queue of messages read from the store. A message stays in the queue until its result is stored.
//! Attempts and store calls are futures owned by the task, so that they end with it; unfinished messages stay in the
//! store for the next process. After a configuration reload, the signal makes the task sync its queues.
//! Invariants: a message has at most one attempt at a time; an endpoint has at most its configured number of concurrent
//! attempts, and all endpoints together have at most [`MAX_ATTEMPTS`].

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::{FuturesUnordered, StreamExt as _};

use super::attempt::attempt;
use super::backlog::BacklogGauge;
use super::endpoint::{AttemptFailure, Endpoint};
use super::queue::{EndpointQueue, QueueKey, STORE_RETRY};
use super::schedule::{DEAD_LETTER_AFTER, DEAD_LETTER_RETENTION, retry_delay};
use super::webhooks::{DispatchSignal, Webhooks};
use crate::clock::{Clock, Rng};
use crate::lifecycle::Lifecycle;
use crate::store::{
    Backlog, DeliveryResult, DueMessages, ExpiredMessages, Message, Store, StoreError,
};
use crate::telemetry::{AttemptOutcome, Metrics};
use crate::time::{Monotonic, Now, StepDetector};

/// Maximum concurrent attempts, over all endpoints.
const MAX_ATTEMPTS: usize = 256;
/// Interval at which the task polls for due messages and refreshes the outbox metrics.
const TICK: Duration = Duration::from_millis(250);
/// Interval at which the task expires old messages.
const EXPIRY_INTERVAL: Duration = Duration::from_mins(1);

pub struct Dispatcher {
    apps: Vec<Arc<Webhooks>>,
    queues: Vec<EndpointQueue>,
    store: Arc<dyn Store>,
    clock: Clock,
    signal: DispatchSignal,
    metrics: Arc<Metrics>,
    backlog: BacklogGauge,
    work: FuturesUnordered<BoxFuture<'static, WorkResult>>,
    attempts: usize,
    next_expiry: Monotonic,
    steps: StepDetector,
    /// The queue served first. It rotates, so that no queue starves.
    first: usize,
}

/// The result of a finished future.
enum WorkResult {
    /// The due messages of an endpoint.
    Polled {
        queue: usize,
        limit: usize,
        due: Result<DueMessages, StoreError>,
    },
    Attempted {
        queue: usize,
        /// The configuration at the start of the attempt.
        endpoint: Arc<Endpoint>,
        message: Message,
        /// When it becomes a dead letter.
        deadline: Monotonic,
        outcome: Result<(), AttemptFailure>,
    },
    /// The delivery result was stored. On an error the message is delivered again.
    Recorded {
        queue: usize,
        number: u64,
        next: NextStep,
        result: Result<(), StoreError>,
    },
    Expired(Result<ExpiredMessages, StoreError>),
    /// The times of the pending messages moved with the wall clock.
    Shifted(Result<(), StoreError>),
    Counted(Result<Backlog, StoreError>),
}

/// What follows a delivery attempt.
#[derive(Clone, Copy)]
enum NextStep {
    /// The message was delivered.
    Finish,
    /// The message became a dead letter.
    DeadLettered,
    /// The message is retried at this time.
    Retry(Monotonic),
}

impl Dispatcher {
    /// Creates the dispatcher of `apps`, which wake it through `signal`.
    #[must_use]
    pub fn new(
        apps: Vec<Arc<Webhooks>>,
        store: Arc<dyn Store>,
        clock: Clock,
        signal: DispatchSignal,
        metrics: Arc<Metrics>,
    ) -> Self {
        let backlog = BacklogGauge::new(Arc::clone(&metrics));
        let steps = StepDetector::new(clock.now());
        Self {
            apps,
            queues: Vec::new(),
            store,
            clock,
            signal,
            metrics,
            backlog,
            work: FuturesUnordered::new(),
            attempts: 0,
            next_expiry: Monotonic::default(),
            steps,
            first: 0,
        }
    }

    /// Runs until the gateway stops. Attempts in flight are aborted; the next process repeats them.
    pub async fn run(mut self, lifecycle: Lifecycle) {
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        self.sync_endpoints();
        loop {
            if self.signal.take_reload() {
                self.sync_endpoints();
            }
            self.begin_work(self.clock.now());
            tokio::select! {
                biased;
                () = lifecycle.stopping() => return,
                _ = ticks.tick() => self.count(),
                Some(done) = self.work.next() => self.finish(done),
                () = self.signal.notified() => self.backlog.mark_stale(),
            }
        }
    }

    /// Points each queue at the current configuration of its endpoint, and adds queues for new endpoints.
    fn sync_endpoints(&mut self) {
        let mut configured: BTreeMap<QueueKey, Arc<Endpoint>> = BTreeMap::new();
        for webhooks in &self.apps {
            for endpoint in &*webhooks.endpoints() {
                let key = (Arc::clone(webhooks.app()), Arc::clone(endpoint.id()));
                configured.insert(key, Arc::clone(endpoint));
            }
        }
        for queue in &mut self.queues {
            queue.set_endpoint(configured.remove(queue.key()));
        }
        self.queues.extend(
            configured.into_iter().map(|(key, endpoint)| EndpointQueue::new(key, endpoint)),
        );
    }

    /// Refreshes the outbox metrics if messages changed.
    fn count(&mut self) {
        if let Some(backlog) = self.backlog.refresh(&*self.store, self.clock.wall()) {
            self.work.push(Box::pin(async move { WorkResult::Counted(backlog.await) }));
        }
    }

    /// The wall clock stepped: retries and dead-lettering take as long as before.
    fn shift(&mut self, step_ms: i64, now: Now) {
        for queue in &mut self.queues {
            queue.shift(step_ms);
        }
        self.next_expiry = now.monotonic + EXPIRY_INTERVAL;
        let store = Arc::clone(&self.store);
        self.work.push(Box::pin(async move {
            let mut after = 0;
            loop {
                match store.shift_messages(step_ms, now.wall, after).await {
                    Ok(Some(last)) => after = last,
                    Ok(None) => return WorkResult::Shifted(Ok(())),
                    Err(error) => return WorkResult::Shifted(Err(error)),
                }
            }
        }));
    }

    fn begin_work(&mut self, now: Now) {
        if let Some(step_ms) = self.steps.detect(now) {
            self.shift(step_ms, now);
        }
        if now.monotonic >= self.next_expiry {
            self.next_expiry = now.monotonic + EXPIRY_INTERVAL;
            let (pending, dead) = (now.wall - DEAD_LETTER_AFTER, now.wall - DEAD_LETTER_RETENTION);
            let expired = self.store.expire_messages(now.wall, pending, dead);
            self.work.push(Box::pin(async move { WorkResult::Expired(expired.await) }));
        }
        for queue in 0..self.queues.len() {
            self.poll_due(queue, now);
        }
        self.begin_attempts(now);
    }

    /// Reads an endpoint's due messages from the store if its queue is empty.
    fn poll_due(&mut self, index: usize, now: Now) {
        let queue = &mut self.queues[index];
        let Some(limit) = queue.begin_poll(now.monotonic) else { return };
        let (app, endpoint) = queue.key().clone();
        let due = self.store.due_messages(app, endpoint, now.wall, limit);
        self.work.push(Box::pin(async move {
            WorkResult::Polled { queue: index, limit, due: due.await }
        }));
    }

    /// Starts attempts round-robin over the queues until each is at its limit.
    fn begin_attempts(&mut self, now: Now) {
        let count = self.queues.len();
        loop {
            let mut has_begun = false;
            for offset in 0..count {
                if self.attempts >= MAX_ATTEMPTS {
                    self.first = (self.first + offset) % count;
                    return;
                }
                has_begun |= self.begin_attempt((self.first + offset) % count, now);
            }
            if !has_begun {
                return;
            }
        }
    }

    fn begin_attempt(&mut self, index: usize, now: Now) -> bool {
        let Some((endpoint, message)) = self.queues[index].begin_attempt(now.monotonic) else {
            return false;
        };
        let deadline = now.monotonic_at(message.since + DEAD_LETTER_AFTER);
        self.attempts += 1;
        let (clock, metrics) = (self.clock.clone(), Arc::clone(&self.metrics));
        self.work.push(Box::pin(async move {
            let began = clock.micros();
            let outcome = attempt(&endpoint, &message.new, now.wall).await;
            metrics.webhook_attempt_duration.observe(clock.since(began));
            WorkResult::Attempted { queue: index, endpoint, message, deadline, outcome }
        }));
        true
    }

    fn finish(&mut self, done: WorkResult) {
        let now = self.clock.now();
        match done {
            WorkResult::Polled { queue, limit, due } => self.queues[queue].take(limit, due, now),
            WorkResult::Attempted { queue, endpoint, message, deadline, outcome } => {
                self.attempts -= 1;
                self.queues[queue].end_attempt();
                self.record_result(queue, &endpoint, &message, deadline, &outcome);
            }
            WorkResult::Recorded { queue, number, next, result } => {
                self.backlog.mark_stale();
                let next = result.map_or_else(
                    |error| {
                        tracing::warn!(%error, "webhook result not persisted; the message will be redelivered");
                        NextStep::Retry(now.monotonic + STORE_RETRY)
                    },
                    |()| next,
                );
                let again = match next {
                    NextStep::Finish => None,
                    NextStep::DeadLettered => {
                        self.metrics.webhook_dead_lettered.inc();
                        None
                    }
                    NextStep::Retry(at) => Some(at),
                };
                self.queues[queue].finish(number, again);
            }
            WorkResult::Expired(Ok(expired)) => {
                if expired != ExpiredMessages::default() {
                    // The store expires a batch per call; there may be more.
                    self.next_expiry = now.monotonic;
                    self.backlog.mark_stale();
                }
                if expired.corrected > 0 {
                    for queue in &mut self.queues {
                        queue.poll_soon(now.monotonic);
                    }
                }
                if expired.dead_lettered > 0 {
                    self.metrics.webhook_dead_lettered.inc_by(expired.dead_lettered);
                    tracing::warn!(
                        messages = expired.dead_lettered,
                        "webhook messages dead-lettered"
                    );
                }
            }
            WorkResult::Expired(Err(error)) => {
                tracing::warn!(%error, "cannot expire old webhook messages");
            }
            WorkResult::Shifted(shifted) => {
                if let Err(error) = shifted {
                    tracing::warn!(%error, "cannot move webhook messages with the wall clock");
                }
                for queue in &mut self.queues {
                    queue.poll_soon(now.monotonic);
                }
            }
            WorkResult::Counted(backlog) => self.backlog.take(&backlog, now.wall),
        }
    }

    /// Updates the endpoint's stats and stores the result of an attempt.
    fn record_result(
        &mut self,
        index: usize,
        endpoint: &Endpoint,
        message: &Message,
        deadline: Monotonic,
        outcome: &Result<(), AttemptFailure>,
    ) {
        let now = self.clock.now();
        let queue = &self.queues[index];
        let failure = outcome.as_ref().err().map(|failure| failure.outcome);
        self.metrics.webhook_attempts.inc(failure.unwrap_or(AttemptOutcome::Delivered));
        queue.log_attempt(message, outcome);
        let (result, next) = match outcome {
            Ok(()) => {
                if endpoint.record_delivered(now.wall) {
                    queue.log_recovery();
                }
                (DeliveryResult::Delivered, NextStep::Finish)
            }
            Err(failure) => {
                let wait = retry_delay(message.attempts + 1, Rng);
                let wait = failure.retry_after.map_or(wait, |requested| requested.max(wait));
                let next = now.monotonic + wait;
                let is_last = next > deadline;
                if endpoint.record_failed(failure, is_last, now) {
                    queue.log_failure(message, failure);
                }
                let error = failure.error.clone();
                if is_last {
                    (DeliveryResult::Dead { error }, NextStep::DeadLettered)
                } else {
                    (DeliveryResult::Retry { due: now.wall + wait, error }, NextStep::Retry(next))
                }
            }
        };
        let number = message.number;
        let recorded = self.store.record_delivery(number, result);
        self.work.push(Box::pin(async move {
            WorkResult::Recorded { queue: index, number, next, result: recorded.await }
        }));
    }
}
