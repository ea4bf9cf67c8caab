//! How many messages there are, for the metrics: asked of the store when that may have changed, not at a scrape.

use std::sync::Arc;

use futures::future::BoxFuture;
use stagedoor_proto::Timestamp;

use crate::store::{Backlog, Outbox, StoreError};
use crate::telemetry::{MessageState, Metrics};

/// What the metrics tell of the messages there are.
pub(super) struct BacklogGauge {
    metrics: Arc<Metrics>,
    /// The store may say something else by now.
    is_stale: bool,
    /// The store is being asked.
    is_asking: bool,
    oldest: Option<Timestamp>,
}

impl BacklogGauge {
    /// Nothing is told before the store was asked.
    pub(super) const fn new(metrics: Arc<Metrics>) -> Self {
        Self { metrics, is_stale: true, is_asking: false, oldest: None }
    }

    /// Messages came, went, or were given up.
    pub(super) const fn note_change(&mut self) {
        self.is_stale = true;
    }

    /// The question to the store, when one is due; how old the oldest message is grows without one.
    pub(super) fn refresh<S: Outbox + ?Sized>(
        &mut self,
        store: &S,
        now: Timestamp,
    ) -> Option<BoxFuture<'static, Result<Backlog, StoreError>>> {
        self.tell_age(now);
        if self.is_asking || !std::mem::take(&mut self.is_stale) {
            return None;
        }
        self.is_asking = true;
        Some(store.backlog())
    }

    /// Takes in what the store said.
    pub(super) fn take(&mut self, backlog: &Result<Backlog, StoreError>, now: Timestamp) {
        self.is_asking = false;
        // What the store fails is counted there; it is asked again.
        let Ok(Backlog { pending, dead, oldest }) = *backlog else { return self.note_change() };
        let messages = &self.metrics.webhook_messages;
        messages.set(MessageState::Pending, gauge(pending));
        messages.set(MessageState::Dead, gauge(dead));
        self.oldest = oldest;
        self.tell_age(now);
    }

    fn tell_age(&self, now: Timestamp) {
        let age = self.oldest.map_or(0, |oldest| now.saturating_since(oldest).as_secs());
        self.metrics.webhook_oldest_pending.set(gauge(age));
    }
}

fn gauge(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
