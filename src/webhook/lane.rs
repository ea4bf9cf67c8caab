//! The messages of one endpoint on their way: taken from the store, being attempted, being settled there.
//!
//! A lane is of an id, not of settings: with other settings the endpoint is another one in the same lane, and when it is
//! gone the lane stays, so that what is under way ends in it and is found by an endpoint of that id that comes back.
//! Invariant: a number is in `taken` from when its message was taken until it is settled, so it is not taken twice.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use stagedoor_proto::Timestamp;

use super::endpoint::{Endpoint, Failure};
use crate::outbound::MessageId;
use crate::store::{DueMessages, Message, StoreError};

/// Messages of an endpoint taken from the store at a time.
const TAKEN_AT_ONCE: usize = 64;
/// When the store is asked again that could not answer.
pub(super) const STORE_RETRY: Duration = Duration::from_secs(1);

/// The ids of an app and of an endpoint of it.
pub(super) type Key = (Arc<str>, Arc<str>);

/// The messages of one endpoint.
pub(super) struct Lane {
    key: Key,
    /// It as it is configured, if it still is.
    endpoint: Option<Arc<Endpoint>>,
    /// Those to be attempted next.
    ready: VecDeque<Message>,
    /// The numbers of all that were taken and are not settled.
    taken: HashSet<u64>,
    /// Attempts under way, those under former settings too.
    under_way: usize,
    /// The store is being asked.
    is_asking: bool,
    /// The numbers of those settled meanwhile: its answer may be from before.
    settled: Vec<u64>,
    /// When the store is to be asked again, if there is no news before.
    next_look: Timestamp,
}

impl Lane {
    pub(super) fn new(key: Key, endpoint: Arc<Endpoint>) -> Self {
        Self {
            key,
            endpoint: Some(endpoint),
            ready: VecDeque::new(),
            taken: HashSet::new(),
            under_way: 0,
            is_asking: false,
            settled: Vec::new(),
            next_look: Timestamp::default(),
        }
    }

    pub(super) const fn key(&self) -> &Key {
        &self.key
    }

    /// Delivers to this endpoint from now on; what was not begun waits in the store while there is none.
    pub(super) fn lead_to(&mut self, endpoint: Option<Arc<Endpoint>>) {
        self.endpoint = endpoint;
        if self.endpoint.is_none() {
            for message in self.ready.drain(..) {
                self.taken.remove(&message.number);
            }
        }
    }

    /// The endpoint, when it may have another attempt now.
    fn open(&self, now: Timestamp) -> Option<&Arc<Endpoint>> {
        self.endpoint.as_ref().filter(|endpoint| endpoint.most_attempts(now) > self.under_way)
    }

    /// How many messages the store is to be asked for, where there may be some and none is ready.
    pub(super) fn begin_look(&mut self, now: Timestamp) -> Option<usize> {
        if self.is_asking || !self.ready.is_empty() {
            return None;
        }
        let endpoint = self.open(now)?;
        if !endpoint.take_news() && now < self.next_look {
            return None;
        }
        (self.is_asking, self.next_look) = (true, Timestamp::MAX);
        // Those that were taken are due in the store as well.
        Some(self.taken.len() + TAKEN_AT_ONCE)
    }

    /// Takes in what the store said is due.
    pub(super) fn take(
        &mut self,
        limit: usize,
        due: Result<DueMessages, StoreError>,
        now: Timestamp,
    ) {
        self.is_asking = false;
        let DueMessages { messages, next } = match due {
            Ok(due) => due,
            Err(error) => {
                tracing::warn!(%error, "webhook messages cannot be read");
                DueMessages { messages: Vec::new(), next: Some(now + STORE_RETRY) }
            }
        };
        // A full page may not be all: the store is asked again once these are on their way.
        let is_all = messages.len() < limit;
        // Where there is no endpoint any more they are left alone; one that comes back asks for them.
        let wanted = messages.into_iter().filter(|_| self.endpoint.is_some());
        for message in wanted {
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

    /// The next message to be attempted, and at which endpoint.
    pub(super) fn begin(&mut self, now: Timestamp) -> Option<(Arc<Endpoint>, Message)> {
        let endpoint = Arc::clone(self.open(now)?);
        let message = self.ready.pop_front()?;
        self.under_way += 1;
        Some((endpoint, message))
    }

    /// An attempt is over.
    pub(super) const fn end(&mut self) {
        self.under_way -= 1;
    }

    /// A message was settled, or could not be; where it is tried again, at that time.
    pub(super) fn forget(&mut self, number: u64, again: Option<Timestamp>) {
        if self.is_asking {
            self.settled.push(number);
        } else {
            self.taken.remove(&number);
        }
        if let Some(again) = again {
            self.next_look = self.next_look.min(again);
        }
    }

    pub(super) fn log_attempt(&self, message: &Message, outcome: &Result<(), Failure>) {
        let (app, endpoint) = (&*self.key.0, &*self.key.1);
        let (event, attempt) = (MessageId(message.new.event), message.attempts + 1);
        match outcome {
            Ok(()) => tracing::debug!(app, endpoint, %event, attempt, "webhook delivered"),
            Err(Failure { error, .. }) => {
                tracing::debug!(app, endpoint, %event, attempt, %error, "webhook attempt failed");
            }
        }
    }

    pub(super) fn log_failure(&self, message: &Message, failure: &Failure) {
        let (app, endpoint, error) = (&*self.key.0, &*self.key.1, &failure.error);
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

    pub(super) fn log_recovery(&self) {
        let (app, endpoint) = (&*self.key.0, &*self.key.1);
        tracing::info!(app, endpoint, "a webhook endpoint takes messages again");
    }
}
