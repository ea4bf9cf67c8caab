//! The one task that delivers the messages of all apps.
//!
//! Each endpoint has a lane: messages taken from the store, which stay in it until they are settled there. What is under
//! way (attempts, and questions to the store) are futures that the task owns, so that its end ends them all; what they
//! were about is still in the store, for the next process. Other endpoints are lined up when the bell tells of a change.
//! Invariants: no message is attempted twice at a time; an endpoint has at most as many attempts under way as it may,
//! and all together at most [`MAX_ATTEMPTS`].

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::{FuturesUnordered, StreamExt as _};
use stagedoor_proto::Timestamp;

use super::attempt::attempt;
use super::backlog::BacklogGauge;
use super::endpoint::{Endpoint, Failure};
use super::lane::{Key, Lane, STORE_RETRY};
use super::schedule::{DEAD_LETTERS_KEPT, GIVE_UP_AFTER, wait_after};
use super::webhooks::{Bell, Webhooks};
use crate::clock::{Clock, Rng};
use crate::lifecycle::Lifecycle;
use crate::store::{
    Backlog, DeliveryResult, DueMessages, ExpiredMessages, Message, Store, StoreError,
};
use crate::telemetry::{AttemptOutcome, Metrics};

/// Attempts under way at a time, of all endpoints.
const MAX_ATTEMPTS: usize = 256;
/// How often it is looked for what is due by now, and at most how many messages there are.
const TICK: Duration = Duration::from_millis(250);
/// How often old messages are looked for.
const EXPIRY: Duration = Duration::from_mins(1);

/// Delivers messages until the gateway stops.
pub struct Dispatcher {
    apps: Vec<Arc<Webhooks>>,
    lanes: Vec<Lane>,
    store: Arc<dyn Store>,
    clock: Clock,
    bell: Bell,
    metrics: Arc<Metrics>,
    backlog: BacklogGauge,
    work: FuturesUnordered<BoxFuture<'static, Done>>,
    attempts: usize,
    next_expiry: Timestamp,
    /// The lane that is served first; it moves on, so that none waits for the others for ever.
    first: usize,
}

/// Something under way that is over.
enum Done {
    /// The store said what is due.
    Looked { lane: usize, limit: usize, due: Result<DueMessages, StoreError> },
    /// An attempt was made.
    Attempted {
        lane: usize,
        /// As it was configured when the attempt began.
        endpoint: Arc<Endpoint>,
        message: Message,
        outcome: Result<(), Failure>,
    },
    /// What became of a message is in the store, or could not be written: it is due anew then.
    Recorded { lane: usize, number: u64, next: Next, result: Result<(), StoreError> },
    /// Old messages were looked for.
    Expired(Result<ExpiredMessages, StoreError>),
    /// The store said how many messages there are.
    Counted(Result<Backlog, StoreError>),
}

/// What comes after an attempt.
#[derive(Clone, Copy)]
enum Next {
    /// Nothing: the message was delivered.
    Nothing,
    /// Nothing: the message is a dead letter.
    GivenUp,
    /// Another attempt, at that time.
    Again(Timestamp),
}

impl Dispatcher {
    /// Delivers for these apps; `bell` is the one they ring.
    #[must_use]
    pub fn new(
        apps: Vec<Arc<Webhooks>>,
        store: Arc<dyn Store>,
        clock: Clock,
        bell: Bell,
        metrics: Arc<Metrics>,
    ) -> Self {
        let backlog = BacklogGauge::new(Arc::clone(&metrics));
        Self {
            apps,
            lanes: Vec::new(),
            store,
            clock,
            bell,
            metrics,
            backlog,
            work: FuturesUnordered::new(),
            attempts: 0,
            next_expiry: Timestamp::default(),
            first: 0,
        }
    }

    /// Runs until the gateway stops. What is under way then is broken off, and is tried again by the next process.
    pub async fn run(mut self, lifecycle: Lifecycle) {
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        self.line_up();
        loop {
            if self.bell.take_change() {
                self.line_up();
            }
            self.begin_work(self.clock.now());
            tokio::select! {
                biased;
                () = lifecycle.stopping() => return,
                _ = ticks.tick() => self.count(),
                Some(done) = self.work.next() => self.finish(done),
                () = self.bell.rung() => self.backlog.note_change(),
            }
        }
    }

    /// Has each lane lead to the endpoint of its key as it is configured now, and gives new ones a lane.
    fn line_up(&mut self) {
        let mut configured: BTreeMap<Key, Arc<Endpoint>> = BTreeMap::new();
        for webhooks in &self.apps {
            for endpoint in &*webhooks.endpoints() {
                let key = (Arc::clone(webhooks.app()), Arc::clone(endpoint.id()));
                configured.insert(key, Arc::clone(endpoint));
            }
        }
        for lane in &mut self.lanes {
            lane.lead_to(configured.remove(lane.key()));
        }
        self.lanes.extend(configured.into_iter().map(|(key, endpoint)| Lane::new(key, endpoint)));
    }

    /// Asks the store how many messages there are, where that may have changed.
    fn count(&mut self) {
        if let Some(backlog) = self.backlog.refresh(&*self.store, self.clock.now()) {
            self.work.push(Box::pin(async move { Done::Counted(backlog.await) }));
        }
    }

    fn begin_work(&mut self, now: Timestamp) {
        if now >= self.next_expiry {
            self.next_expiry = now + EXPIRY;
            let (pending, dead) = (now - GIVE_UP_AFTER, now - DEAD_LETTERS_KEPT);
            let expired = self.store.expire_messages(pending, dead);
            self.work.push(Box::pin(async move { Done::Expired(expired.await) }));
        }
        for lane in 0..self.lanes.len() {
            self.look(lane, now);
        }
        self.begin_attempts(now);
    }

    /// Asks the store for an endpoint's messages, where there may be some and none is ready.
    fn look(&mut self, index: usize, now: Timestamp) {
        let lane = &mut self.lanes[index];
        let Some(limit) = lane.begin_look(now) else { return };
        let (app, endpoint) = lane.key().clone();
        let due = self.store.due_messages(app, endpoint, now, limit);
        self.work
            .push(Box::pin(async move { Done::Looked { lane: index, limit, due: due.await } }));
    }

    /// Begins one attempt for each lane in turn, until none may have another.
    fn begin_attempts(&mut self, now: Timestamp) {
        let count = self.lanes.len();
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

    fn begin_attempt(&mut self, index: usize, now: Timestamp) -> bool {
        let Some((endpoint, message)) = self.lanes[index].begin(now) else { return false };
        self.attempts += 1;
        let (clock, metrics) = (self.clock.clone(), Arc::clone(&self.metrics));
        self.work.push(Box::pin(async move {
            let began = clock.micros();
            let outcome = attempt(&endpoint, &message.new, now).await;
            metrics.webhook_attempt_duration.observe(clock.since(began));
            Done::Attempted { lane: index, endpoint, message, outcome }
        }));
        true
    }

    fn finish(&mut self, done: Done) {
        let now = self.clock.now();
        match done {
            Done::Looked { lane, limit, due } => self.lanes[lane].take(limit, due, now),
            Done::Attempted { lane, endpoint, message, outcome } => {
                self.attempts -= 1;
                self.lanes[lane].end();
                self.settle(lane, &endpoint, &message, &outcome, now);
            }
            Done::Recorded { lane, number, next, result } => {
                self.backlog.note_change();
                let next = result.map_or_else(
                    |error| {
                        tracing::warn!(%error, "a webhook's outcome was not kept; it is told anew");
                        Next::Again(now + STORE_RETRY)
                    },
                    |()| next,
                );
                let again = match next {
                    Next::Nothing => None,
                    Next::GivenUp => {
                        self.metrics.webhook_given_up.inc();
                        None
                    }
                    Next::Again(at) => Some(at),
                };
                self.lanes[lane].forget(number, again);
            }
            Done::Expired(Ok(expired)) => {
                if expired != ExpiredMessages::default() {
                    // There may be more.
                    self.next_expiry = now;
                    self.backlog.note_change();
                }
                if expired.dead_lettered > 0 {
                    self.metrics.webhook_given_up.inc_by(expired.dead_lettered);
                    tracing::warn!(
                        messages = expired.dead_lettered,
                        "webhook messages were given up"
                    );
                }
            }
            Done::Expired(Err(error)) => {
                tracing::warn!(%error, "old webhook messages could not be looked for");
            }
            Done::Counted(backlog) => self.backlog.take(&backlog, now),
        }
    }

    /// Has what became of an attempt written down.
    fn settle(
        &mut self,
        index: usize,
        endpoint: &Endpoint,
        message: &Message,
        outcome: &Result<(), Failure>,
        now: Timestamp,
    ) {
        let lane = &self.lanes[index];
        let told = outcome.as_ref().err().map(|failure| failure.outcome);
        self.metrics.webhook_attempts.inc(told.unwrap_or(AttemptOutcome::Delivered));
        lane.log_attempt(message, outcome);
        let (settled, next) = match outcome {
            Ok(()) => {
                if endpoint.note_delivered(now) {
                    lane.log_recovery();
                }
                (DeliveryResult::Delivered, Next::Nothing)
            }
            Err(failure) => {
                let wait = wait_after(message.attempts + 1, Rng);
                let due = now + failure.retry_after.map_or(wait, |told| told.max(wait));
                let is_last = due > message.since + GIVE_UP_AFTER;
                if endpoint.note_failed(failure, is_last, now) {
                    lane.log_failure(message, failure);
                }
                let error = failure.error.clone();
                if is_last {
                    (DeliveryResult::Dead { error }, Next::GivenUp)
                } else {
                    (DeliveryResult::Retry { due, error }, Next::Again(due))
                }
            }
        };
        let number = message.number;
        let kept = self.store.record_delivery(number, settled);
        self.work.push(Box::pin(async move {
            Done::Recorded { lane: index, number, next, result: kept.await }
        }));
    }
}
