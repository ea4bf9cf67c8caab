//! The one task that delivers the messages of all apps.
//!
//! Each endpoint has a lane: messages taken from the store, which stay in it until they are settled there. What is under
//! way (attempts, and questions to the store) are futures that the task owns, so that its end ends them all; what they
//! were about is still in the store, for the next process.
//! Invariants: no message is attempted twice at a time; an endpoint has at most as many attempts under way as it may,
//! and all together at most [`MAX_ATTEMPTS`].

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::{FuturesUnordered, StreamExt as _};
use stagedoor_proto::Timestamp;

use super::attempt::attempt;
use super::endpoint::{Endpoint, Failure};
use super::schedule::{DEAD_LETTERS_KEPT, GIVE_UP_AFTER, wait_after};
use super::webhooks::{Bell, Webhooks};
use crate::clock::{Clock, Rng};
use crate::lifecycle::Lifecycle;
use crate::outbound::MessageId;
use crate::store::{Due, Expired, Message, Settled, Store, StoreError};
use crate::telemetry::{AttemptOutcome, Metrics};

/// Attempts under way at a time, of all endpoints.
const MAX_ATTEMPTS: usize = 256;
/// Messages of an endpoint taken from the store at a time.
const TAKEN_AT_ONCE: usize = 64;
/// How often it is looked for what is due by now.
const TICK: Duration = Duration::from_millis(250);
/// When the store is asked again that could not answer.
const STORE_RETRY: Duration = Duration::from_secs(1);
/// How often old messages are looked for.
const EXPIRY: Duration = Duration::from_mins(1);

/// Delivers messages until the gateway stops.
pub struct Dispatcher {
    lanes: Vec<Lane>,
    store: Arc<dyn Store>,
    clock: Clock,
    bell: Bell,
    metrics: Arc<Metrics>,
    work: FuturesUnordered<BoxFuture<'static, Done>>,
    attempts: usize,
    next_expiry: Timestamp,
    /// The lane that is served first; it moves on, so that none waits for the others for ever.
    first: usize,
}

/// The messages of one endpoint.
struct Lane {
    webhooks: Arc<Webhooks>,
    endpoint: Arc<Endpoint>,
    /// Those to be attempted next.
    ready: VecDeque<Message>,
    /// The numbers of all that were taken and are not settled.
    taken: HashSet<u64>,
    /// The store is being asked.
    is_asking: bool,
    /// The numbers of those settled meanwhile: its answer may be from before.
    settled: Vec<u64>,
    /// When the store is to be asked again, if there is no news before.
    next_look: Timestamp,
}

/// Something under way that is over.
enum Done {
    /// The store said what is due.
    Looked { lane: usize, limit: usize, due: Result<Due, StoreError> },
    /// An attempt was made.
    Attempted { lane: usize, message: Message, outcome: Result<(), Failure> },
    /// What became of a message is in the store, or could not be written: it is due anew then.
    Settled { lane: usize, number: u64, next: Next, result: Result<(), StoreError> },
    /// Old messages were looked for.
    Expired(Result<Expired, StoreError>),
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
        apps: &[Arc<Webhooks>],
        store: Arc<dyn Store>,
        clock: Clock,
        bell: Bell,
        metrics: Arc<Metrics>,
    ) -> Self {
        let lanes = apps.iter().flat_map(|webhooks| {
            webhooks.endpoints().iter().map(|endpoint| Lane::new(webhooks, endpoint))
        });
        Self {
            lanes: lanes.collect(),
            store,
            clock,
            bell,
            metrics,
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
        loop {
            self.begin_work(self.clock.now());
            tokio::select! {
                biased;
                () = lifecycle.stopping() => return,
                Some(done) = self.work.next() => self.finish(done),
                () = self.bell.rung() => {}
                _ = ticks.tick() => {}
            }
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
        if lane.is_asking || !lane.ready.is_empty() || lane.endpoint.room(now) == 0 {
            return;
        }
        if !lane.endpoint.take_news() && now < lane.next_look {
            return;
        }
        (lane.is_asking, lane.next_look) = (true, Timestamp::MAX);
        // Those that were taken are due in the store as well.
        let limit = lane.taken.len() + TAKEN_AT_ONCE;
        let (app, endpoint) = (Arc::clone(lane.webhooks.app()), Arc::clone(lane.endpoint.id()));
        let due = lane.webhooks.store().due_messages(app, endpoint, now, limit);
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
        let lane = &mut self.lanes[index];
        if lane.endpoint.room(now) == 0 {
            return false;
        }
        let Some(message) = lane.ready.pop_front() else { return false };
        lane.endpoint.begin();
        self.attempts += 1;
        let (endpoint, clock) = (Arc::clone(&lane.endpoint), self.clock.clone());
        let metrics = Arc::clone(&self.metrics);
        self.work.push(Box::pin(async move {
            let began = clock.micros();
            let outcome = attempt(&endpoint, &message.new, now).await;
            metrics.webhook_attempt_duration.observe(clock.since(began));
            Done::Attempted { lane: index, message, outcome }
        }));
        true
    }

    fn finish(&mut self, done: Done) {
        let now = self.clock.now();
        match done {
            Done::Looked { lane, limit, due } => self.lanes[lane].take(limit, due, now),
            Done::Attempted { lane, message, outcome } => {
                self.attempts -= 1;
                self.settle(lane, &message, &outcome, now);
            }
            Done::Settled { lane, number, next, result } => {
                let lane = &mut self.lanes[lane];
                lane.forget(number);
                let next = result.map_or_else(
                    |error| {
                        tracing::warn!(%error, "a webhook's outcome was not kept; it is told anew");
                        Next::Again(now + STORE_RETRY)
                    },
                    |()| next,
                );
                match next {
                    Next::Nothing => {}
                    Next::GivenUp => {
                        self.metrics.webhook_given_up.inc();
                    }
                    Next::Again(at) => lane.next_look = lane.next_look.min(at),
                }
            }
            Done::Expired(Ok(expired)) => {
                if expired != Expired::default() {
                    // There may be more.
                    self.next_expiry = now;
                }
                if expired.given_up > 0 {
                    self.metrics.webhook_given_up.inc_by(expired.given_up);
                    tracing::warn!(messages = expired.given_up, "webhook messages were given up");
                }
            }
            Done::Expired(Err(error)) => {
                tracing::warn!(%error, "old webhook messages could not be looked for");
            }
        }
    }

    /// Has what became of an attempt written down.
    fn settle(
        &mut self,
        index: usize,
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
                if lane.endpoint.note_delivered(now) {
                    lane.log_recovery();
                }
                (Settled::Delivered, Next::Nothing)
            }
            Err(failure) => {
                let wait = wait_after(message.attempts + 1, Rng);
                let due = now + failure.retry_after.map_or(wait, |told| told.max(wait));
                let is_last = due > message.since + GIVE_UP_AFTER;
                if lane.endpoint.note_failed(failure, is_last, now) {
                    lane.log_failure(message, failure);
                }
                let error = failure.error.clone();
                if is_last {
                    (Settled::Dead { error }, Next::GivenUp)
                } else {
                    (Settled::Retry { due, error }, Next::Again(due))
                }
            }
        };
        let (store, number) = (lane.webhooks.store(), message.number);
        let kept = store.settle_message(number, settled);
        self.work.push(Box::pin(async move {
            Done::Settled { lane: index, number, next, result: kept.await }
        }));
    }
}

impl Lane {
    fn new(webhooks: &Arc<Webhooks>, endpoint: &Arc<Endpoint>) -> Self {
        Self {
            webhooks: Arc::clone(webhooks),
            endpoint: Arc::clone(endpoint),
            ready: VecDeque::new(),
            taken: HashSet::new(),
            is_asking: false,
            settled: Vec::new(),
            next_look: Timestamp::default(),
        }
    }

    /// Takes in what the store said is due.
    fn take(&mut self, limit: usize, due: Result<Due, StoreError>, now: Timestamp) {
        self.is_asking = false;
        let Due { messages, next } = match due {
            Ok(due) => due,
            Err(error) => {
                tracing::warn!(%error, "webhook messages cannot be read");
                Due { messages: Vec::new(), next: Some(now + STORE_RETRY) }
            }
        };
        // A full page may not be all: the store is asked again once these are on their way.
        let is_all = messages.len() < limit;
        for message in messages {
            if self.taken.insert(message.number) {
                self.ready.push_back(message);
            }
        }
        let next = if is_all { next.unwrap_or(Timestamp::MAX) } else { now };
        // What was put off meanwhile may be missing in the answer.
        self.next_look = self.next_look.min(next);
        for number in self.settled.drain(..) {
            self.taken.remove(&number);
        }
    }

    /// A message was settled.
    fn forget(&mut self, number: u64) {
        if self.is_asking {
            self.settled.push(number);
        } else {
            self.taken.remove(&number);
        }
    }

    fn log_attempt(&self, message: &Message, outcome: &Result<(), Failure>) {
        let (app, endpoint) = (&**self.webhooks.app(), &**self.endpoint.id());
        let (event, attempt) = (MessageId(message.new.event), message.attempts + 1);
        match outcome {
            Ok(()) => tracing::debug!(app, endpoint, %event, attempt, "webhook delivered"),
            Err(Failure { error, .. }) => {
                tracing::debug!(app, endpoint, %event, attempt, %error, "webhook attempt failed");
            }
        }
    }

    fn log_failure(&self, message: &Message, failure: &Failure) {
        let (app, endpoint, error) =
            (&**self.webhooks.app(), &**self.endpoint.id(), &failure.error);
        let event = MessageId(message.new.event);
        if failure.is_gone() {
            tracing::warn!(
                app,
                endpoint,
                %event,
                "a webhook endpoint is gone; it is left alone from now on"
            );
        } else {
            tracing::warn!(app, endpoint, %event, %error, "a webhook endpoint fails");
        }
    }

    fn log_recovery(&self) {
        let (app, endpoint) = (&**self.webhooks.app(), &**self.endpoint.id());
        tracing::info!(app, endpoint, "a webhook endpoint takes messages again");
    }
}
