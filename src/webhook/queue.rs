//! The queue of one endpoint: messages read from the store, in flight, or waiting for their result to be stored.
//!
//! A queue belongs to an endpoint id, not to a configuration. After a reload it holds the new endpoint value. When the
//! endpoint is removed the queue stays, so that attempts in flight finish in it and a returning endpoint finds it.
//! Invariant: `taken` contains the number of a message from its read until its result is stored, so no message is read
//! twice.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use stagedoor_proto::Timestamp;

use super::endpoint::{AttemptFailure, Endpoint};
use crate::outbound::MessageId;
use crate::store::{DueMessages, Message, StoreError};
use crate::time::{Monotonic, Now};

/// Messages of an endpoint read from the store at a time.
const POLL_BATCH: usize = 64;
/// Delay before a failed store call is repeated.
pub(super) const STORE_RETRY: Duration = Duration::from_secs(1);

/// An app's id and the id of its endpoint.
pub(super) type QueueKey = (Arc<str>, Arc<str>);

pub(super) struct EndpointQueue {
    key: QueueKey,
    /// The endpoint as configured. `None`: it was removed.
    endpoint: Option<Arc<Endpoint>>,
    /// Messages to attempt next.
    ready: VecDeque<Message>,
    /// Numbers of messages that were read and have no stored result.
    taken: HashSet<u64>,
    /// Attempts in flight, those of former configurations included.
    in_flight: usize,
    /// Whether a read is running.
    is_polling: bool,
    /// Messages finished while a read is running. Its result may predate them.
    finished_during_poll: Vec<u64>,
    /// Time of the next read, unless new messages arrive before.
    next_poll: Monotonic,
}

impl EndpointQueue {
    pub(super) fn new(key: QueueKey, endpoint: Arc<Endpoint>) -> Self {
        Self {
            key,
            endpoint: Some(endpoint),
            ready: VecDeque::new(),
            taken: HashSet::new(),
            in_flight: 0,
            is_polling: false,
            finished_during_poll: Vec::new(),
            next_poll: Monotonic::default(),
        }
    }

    pub(super) const fn key(&self) -> &QueueKey {
        &self.key
    }

    /// Replaces the endpoint. Without one, messages not yet attempted return to the store.
    pub(super) fn set_endpoint(&mut self, endpoint: Option<Arc<Endpoint>>) {
        self.endpoint = endpoint;
        if self.endpoint.is_none() {
            for message in self.ready.drain(..) {
                self.taken.remove(&message.number);
            }
        }
    }

    /// The endpoint, if it is below its limit of concurrent attempts.
    fn open(&self, now: Monotonic) -> Option<&Arc<Endpoint>> {
        self.endpoint.as_ref().filter(|endpoint| endpoint.max_attempts(now) > self.in_flight)
    }

    /// The number of messages to read now, if the queue is empty and the store may have some.
    pub(super) fn begin_poll(&mut self, now: Monotonic) -> Option<usize> {
        if self.is_polling || !self.ready.is_empty() {
            return None;
        }
        let endpoint = self.open(now)?;
        if !endpoint.take_new_messages() && now < self.next_poll {
            return None;
        }
        (self.is_polling, self.next_poll) = (true, Monotonic::MAX);
        // The store still lists the messages that were read before.
        Some(self.taken.len() + POLL_BATCH)
    }

    /// Queues the messages of a read.
    pub(super) fn take(&mut self, limit: usize, due: Result<DueMessages, StoreError>, now: Now) {
        self.is_polling = false;
        let DueMessages { messages, next } = match due {
            Ok(due) => due,
            Err(error) => {
                tracing::warn!(%error, "cannot read due webhook messages");
                DueMessages { messages: Vec::new(), next: Some(now.wall + STORE_RETRY) }
            }
        };
        // A full batch may leave more in the store. Read again when these are in flight.
        let is_all = messages.len() < limit;
        // Without an endpoint the messages stay in the store.
        let messages_to_queue = messages.into_iter().filter(|_| self.endpoint.is_some());
        for message in messages_to_queue {
            if self.taken.insert(message.number) {
                self.ready.push_back(message);
            }
        }
        let next = next.map_or(Monotonic::MAX, |next| now.monotonic_at(next));
        let next = if is_all { next } else { now.monotonic };
        // A retry scheduled during the read may be missing from its result.
        self.next_poll = self.next_poll.min(next);
        for number in self.finished_during_poll.drain(..) {
            self.taken.remove(&number);
        }
    }

    /// The wall clock stepped: the times of the messages move with it.
    pub(super) fn shift(&mut self, step_ms: i64) {
        for message in &mut self.ready {
            let since = message.since.as_millis().saturating_add_signed(step_ms);
            message.since = Timestamp::from_millis(since);
        }
    }

    /// Reads the store at the next opportunity.
    pub(super) const fn poll_soon(&mut self, now: Monotonic) {
        self.next_poll = now;
    }

    /// The next message to attempt, with its endpoint.
    pub(super) fn begin_attempt(&mut self, now: Monotonic) -> Option<(Arc<Endpoint>, Message)> {
        let endpoint = Arc::clone(self.open(now)?);
        let message = self.ready.pop_front()?;
        self.in_flight += 1;
        Some((endpoint, message))
    }

    pub(super) const fn end_attempt(&mut self) {
        self.in_flight -= 1;
    }

    /// Removes a message whose result was stored, or failed to be. `again` is the time of its next attempt.
    pub(super) fn finish(&mut self, number: u64, again: Option<Monotonic>) {
        if self.is_polling {
            self.finished_during_poll.push(number);
        } else {
            self.taken.remove(&number);
        }
        if let Some(again) = again {
            self.next_poll = self.next_poll.min(again);
        }
    }

    pub(super) fn log_attempt(&self, message: &Message, outcome: &Result<(), AttemptFailure>) {
        let (app, endpoint) = (&*self.key.0, &*self.key.1);
        let (event, attempt) = (MessageId(message.new.event), message.attempts + 1);
        match outcome {
            Ok(()) => tracing::debug!(app, endpoint, %event, attempt, "webhook delivered"),
            Err(AttemptFailure { error, .. }) => {
                tracing::debug!(app, endpoint, %event, attempt, %error, "webhook attempt failed");
            }
        }
    }

    pub(super) fn log_failure(&self, message: &Message, failure: &AttemptFailure) {
        let (app, endpoint, error) = (&*self.key.0, &*self.key.1, &failure.error);
        let event = MessageId(message.new.event);
        if failure.is_gone() {
            tracing::warn!(
                app,
                endpoint,
                %event,
                "webhook endpoint answered 410; disabled"
            );
        } else {
            tracing::warn!(app, endpoint, %event, %error, "webhook endpoint failing");
        }
    }

    pub(super) fn log_recovery(&self) {
        let (app, endpoint) = (&*self.key.0, &*self.key.1);
        tracing::info!(app, endpoint, "webhook endpoint recovered");
    }
}
