//! The outbox metrics. The store is queried after a change, at most once per tick, never at a scrape.

use std::sync::Arc;

use futures::future::BoxFuture;
use stagedoor_proto::Timestamp;

use crate::store::{Backlog, Outbox, StoreError};
use crate::telemetry::{MessageState, Metrics};

/// Publishes the number of messages by state and the age of the oldest pending one.
pub(super) struct BacklogGauge {
    metrics: Arc<Metrics>,
    /// Whether messages changed since the last query.
    is_stale: bool,
    /// Whether a query is running.
    is_polling: bool,
    oldest: Option<Timestamp>,
}

impl BacklogGauge {
    /// Sets no metric before the first query has returned.
    pub(super) const fn new(metrics: Arc<Metrics>) -> Self {
        Self { metrics, is_stale: true, is_polling: false, oldest: None }
    }

    /// Call when messages were added, delivered or dead-lettered.
    pub(super) const fn mark_stale(&mut self) {
        self.is_stale = true;
    }

    /// Starts a query when the counts are stale. Always updates the age of the oldest message.
    pub(super) fn refresh<S: Outbox + ?Sized>(
        &mut self,
        store: &S,
        now: Timestamp,
    ) -> Option<BoxFuture<'static, Result<Backlog, StoreError>>> {
        self.update_age_metric(now);
        if self.is_polling || !std::mem::take(&mut self.is_stale) {
            return None;
        }
        self.is_polling = true;
        Some(store.backlog())
    }

    /// Publishes the result of a query.
    pub(super) fn take(&mut self, backlog: &Result<Backlog, StoreError>, now: Timestamp) {
        self.is_polling = false;
        // The store counts its own errors. Query again at the next tick.
        let Ok(Backlog { pending, dead, oldest }) = *backlog else { return self.mark_stale() };
        let messages = &self.metrics.webhook_messages;
        messages.set(MessageState::Pending, gauge(pending));
        messages.set(MessageState::Dead, gauge(dead));
        self.oldest = oldest;
        self.update_age_metric(now);
    }

    fn update_age_metric(&self, now: Timestamp) {
        let age = self.oldest.map_or(0, |oldest| now.saturating_since(oldest).as_secs());
        self.metrics.webhook_oldest_pending.set(gauge(age));
    }
}

fn gauge(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
