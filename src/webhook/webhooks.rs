//! The webhook endpoints of one app: stores their messages and replays their dead letters.
//!
//! The set of endpoints is one snapshot that a reload replaces as a whole. Counters survive a reload.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use arc_swap::ArcSwap;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::sync::Notify;

use super::endpoint::Endpoint;
use super::event::Event;
use crate::clock::{Clock, Rng};
use crate::event_type::OutboxShare;
use crate::outbound::MessageId;
use crate::store::{
    AuditEvent, DeadLetters, Evicted, Message, NewMessage, NewMessages, OutboxCount, Store,
    StoreError,
};
use crate::telemetry::Metrics;

/// Maximum messages per app in the outbox, dead letters included. Half is reserved for moderation and bans.
pub const MAX_MESSAGES: u64 = 100_000;

/// Wakes the dispatcher. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct DispatchSignal(Arc<SignalState>);

#[derive(Debug, Default)]
struct SignalState {
    notify: Notify,
    /// Set by a reload, cleared when the dispatcher syncs its queues.
    was_reloaded: AtomicBool,
}

impl DispatchSignal {
    pub(super) fn notify(&self) {
        self.0.notify.notify_one();
    }

    /// Resolves after the next [`DispatchSignal::notify`]. Cancel-safe.
    pub(super) async fn notified(&self) {
        self.0.notify.notified().await;
    }

    fn mark_reloaded(&self) {
        self.0.was_reloaded.store(true, Ordering::Release);
        self.notify();
    }

    pub(super) fn take_reload(&self) -> bool {
        self.0.was_reloaded.swap(false, Ordering::Acquire)
    }
}

/// Why a replay was rejected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplayError {
    #[error("no dead letter with this number")]
    NoSuchDeadLetter,
    /// The app has no endpoint with this id, or no longer has it.
    #[error("app has no endpoint {0:?}; configure it, then retry")]
    NoSuchEndpoint(Box<str>),
}

pub struct Webhooks {
    app: Arc<str>,
    endpoints: ArcSwap<Vec<Arc<Endpoint>>>,
    store: Arc<dyn Store>,
    clock: Clock,
    signal: DispatchSignal,
    metrics: Arc<Metrics>,
    dropped: AtomicU64,
    is_overflow_logged: AtomicBool,
}

/// Messages passed to the store, whose result is still open.
pub struct QueuedMessages {
    webhooks: Arc<Webhooks>,
    count: Evicted,
}

impl QueuedMessages {
    /// Counts the messages that were evicted for these. On an error these count as dropped.
    pub fn finish(self, evicted: Result<Evicted, &StoreError>) {
        let Self { webhooks, count } = self;
        match evicted {
            Ok(evicted) if evicted.total() == 0 => {}
            Ok(evicted) => webhooks.record_overflow(evicted),
            Err(error) => {
                webhooks.count_dropped(count);
                tracing::error!(app = &*webhooks.app, %error, "webhook messages not persisted");
            }
        }
        webhooks.notify();
    }
}

impl Webhooks {
    #[must_use]
    pub fn new(
        app: Arc<str>,
        endpoints: Vec<Arc<Endpoint>>,
        store: Arc<dyn Store>,
        clock: Clock,
        signal: DispatchSignal,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self {
            app,
            endpoints: ArcSwap::from_pointee(endpoints),
            store,
            clock,
            signal,
            metrics,
            dropped: AtomicU64::new(0),
            is_overflow_logged: AtomicBool::new(false),
        }
    }

    #[must_use]
    pub const fn app(&self) -> &Arc<str> {
        &self.app
    }

    #[must_use]
    pub fn endpoints(&self) -> Arc<Vec<Arc<Endpoint>>> {
        self.endpoints.load_full()
    }

    /// Whether the app has endpoints. Takes no lock.
    #[must_use]
    pub fn has_endpoints(&self) -> bool {
        !self.endpoints.load().is_empty()
    }

    /// Replaces the endpoints with those of `fresh`.
    ///
    /// Attempts in flight finish with the former configuration. Pending messages go to the endpoint with their id.
    /// Messages of a removed endpoint wait for its return until they expire.
    pub fn reload(&self, fresh: &Self) {
        self.endpoints.store(fresh.endpoints());
        self.signal.mark_reloaded();
    }

    /// Creates the messages of these events, to be written in the transaction of the change that they report. Pass the
    /// result of the write to [`QueuedMessages::finish`]. `None`: no endpoint subscribes to the events.
    #[must_use]
    pub fn prepare(self: &Arc<Self>, events: &[Event]) -> Option<(NewMessages, QueuedMessages)> {
        let endpoints = self.endpoints.load();
        let messages: Vec<_> =
            events.iter().flat_map(|event| self.messages(&endpoints, event)).collect();
        if messages.is_empty() {
            return None;
        }
        let is_reserved = |message: &&NewMessage| message.share == OutboxShare::Reserved;
        let reserved = messages.iter().filter(is_reserved).count() as u64;
        let count = Evicted { reserved, common: messages.len() as u64 - reserved };
        let queued = QueuedMessages { webhooks: Arc::clone(self), count };
        Some((NewMessages { messages, max: MAX_MESSAGES, now: self.clock.wall() }, queued))
    }

    /// Stores the messages of these events in a transaction of their own. The future resolves when they are on disk. A
    /// store error is logged and counts the messages as dropped. `None`: no endpoint subscribes to the events.
    #[must_use]
    pub fn publish(self: &Arc<Self>, events: &[Event]) -> Option<BoxFuture<'static, ()>> {
        let (NewMessages { messages, max, now }, queued) = self.prepare(events)?;
        let written = self.store.put_messages(Arc::clone(&self.app), messages, max, now);
        Some(async move { queued.finish(written.await.as_ref().copied()) }.boxed())
    }

    /// A message per subscribed endpoint. Disabled endpoints get none.
    fn messages(
        &self,
        endpoints: &[Arc<Endpoint>],
        event: &Event,
    ) -> impl Iterator<Item = NewMessage> {
        let id = Rng.bits();
        let mut bodies: BTreeMap<bool, Arc<str>> = BTreeMap::new();
        let subscribed = endpoints.iter();
        let subscribed = subscribed
            .filter(|endpoint| endpoint.events().includes(event.kind) && !endpoint.is_disabled());
        subscribed.map(move |endpoint| {
            self.log_queued(endpoint, event, MessageId(id));
            let body = bodies
                .entry(endpoint.config.connection_data)
                .or_insert_with_key(|with_data| event.body(id, &self.app, *with_data).into());
            NewMessage {
                endpoint: Arc::clone(endpoint.id()),
                event: id,
                kind: event.kind.to_string().into(),
                share: event.kind.outbox_share(),
                body: Arc::clone(body),
                at: event.at,
            }
        })
    }

    fn log_queued(&self, endpoint: &Endpoint, event: &Event, id: MessageId) {
        let (app, endpoint) = (&*self.app, &**endpoint.id());
        let request = event.request.as_ref().map(tracing::field::display);
        tracing::debug!(app, endpoint, event = %id, request, "webhook queued");
    }

    fn count_dropped(&self, messages: Evicted) {
        self.dropped.fetch_add(messages.total(), Ordering::Relaxed);
        self.metrics.webhook_dropped.inc_by(messages.total());
        self.metrics.webhook_dropped_reserved.inc_by(messages.reserved);
    }

    fn record_overflow(&self, dropped: Evicted) {
        self.count_dropped(dropped);
        if !self.is_overflow_logged.swap(true, Ordering::Relaxed) {
            let (app, max) = (&*self.app, MAX_MESSAGES);
            tracing::warn!(app, "more than {max} webhook messages: the oldest are dropped");
        }
    }

    fn notify(&self) {
        // The current endpoints are enough: an endpoint added later starts with a read of the store.
        self.endpoints.load().iter().for_each(|endpoint| endpoint.mark_new_messages());
        self.signal.notify();
    }

    /// Messages dropped since the process started, because the outbox was full or the store failed.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// The number of messages per endpoint, former endpoints included.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn counts(&self) -> Result<Vec<OutboxCount>, StoreError> {
        self.store.count_messages(Arc::clone(&self.app)).await
    }

    /// At most `limit` dead letters with numbers above `after`, in ascending order.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn dead_letters(&self, after: u64, limit: usize) -> Result<Vec<Message>, StoreError> {
        self.store.dead_letters(Arc::clone(&self.app), after, limit).await
    }

    /// Makes a dead letter pending again and enables its endpoint. Writes `row` to the audit log.
    ///
    /// # Errors
    /// Outer: the store failed. Inner: there is nothing to replay.
    pub async fn replay(
        &self,
        number: u64,
        row: AuditEvent,
    ) -> Result<Result<(), ReplayError>, StoreError> {
        let letters = self.dead_letters(number.saturating_sub(1), 1).await?;
        let Some(letter) = letters.into_iter().find(|letter| letter.number == number) else {
            return Ok(Err(ReplayError::NoSuchDeadLetter));
        };
        if let Err(refused) = self.enable(&letter.new.endpoint) {
            return Ok(Err(refused));
        }
        let replayed = self.replay_some(DeadLetters::One(number), row).await?;
        Ok(if replayed > 0 { Ok(()) } else { Err(ReplayError::NoSuchDeadLetter) })
    }

    /// Makes all dead letters of an endpoint pending again and enables it. Writes `row` to the audit log. Returns their
    /// number.
    ///
    /// # Errors
    /// Outer: the store failed, possibly after some messages. Inner: there is no such endpoint.
    pub async fn replay_all(
        &self,
        id: &str,
        row: AuditEvent,
    ) -> Result<Result<u64, ReplayError>, StoreError> {
        if let Err(refused) = self.enable(id) {
            return Ok(Err(refused));
        }
        self.replay_some(DeadLetters::Of(id.into()), row).await.map(Ok)
    }

    fn enable(&self, id: &str) -> Result<(), ReplayError> {
        let endpoints = self.endpoints();
        let endpoint = endpoints.iter().find(|endpoint| **endpoint.id() == *id);
        endpoint.ok_or_else(|| ReplayError::NoSuchEndpoint(id.into()))?.enable();
        Ok(())
    }

    async fn replay_some(&self, which: DeadLetters, row: AuditEvent) -> Result<u64, StoreError> {
        let (app, now) = (Arc::clone(&self.app), self.clock.wall());
        let replayed = self.store.replay_messages(app, which, now, Some(row)).await;
        self.notify(); // A failure may have come after some of them.
        replayed
    }
}
