//! The endpoints of one app: what they are told is kept, and what was not delivered can be looked at and tried again.
//!
//! Which endpoints there are is one snapshot that is replaced as a whole. All else is of the app, and goes on.

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
use crate::outbound::MessageId;
use crate::store::{
    AuditEvent, DeadLetters, Message, NewMessage, NewMessages, OutboxCount, Store, StoreError,
};
use crate::telemetry::Metrics;

/// Messages of an app that are kept, dead letters included; beyond, the oldest go.
pub const MAX_MESSAGES: u64 = 100_000;

/// Wakes the dispatcher. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Bell(Arc<Rope>);

#[derive(Debug, Default)]
struct Rope {
    notify: Notify,
    /// An app has other endpoints than the dispatcher has seen.
    has_change: AtomicBool,
}

impl Bell {
    pub(super) fn ring(&self) {
        self.0.notify.notify_one();
    }

    /// Resolves when it was rung since the last time. Cancel-safe.
    pub(super) async fn rung(&self) {
        self.0.notify.notified().await;
    }

    fn note_change(&self) {
        self.0.has_change.store(true, Ordering::Release);
        self.ring();
    }

    pub(super) fn take_change(&self) -> bool {
        self.0.has_change.swap(false, Ordering::Acquire)
    }
}

/// Why nothing is tried again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplayRefused {
    /// No dead letter of the app has this number.
    #[error("there is no dead letter of this number")]
    NoLetter,
    /// No endpoint of the app has this id, or none any more.
    #[error("the app has no endpoint {0:?}: configure one, and its messages can be tried again")]
    NoEndpoint(Box<str>),
}

/// The endpoints of one app.
pub struct Webhooks {
    app: Arc<str>,
    endpoints: ArcSwap<Vec<Arc<Endpoint>>>,
    store: Arc<dyn Store>,
    clock: Clock,
    bell: Bell,
    metrics: Arc<Metrics>,
    dropped: AtomicU64,
    is_overflow_told: AtomicBool,
}

/// Messages on their way into the store.
pub struct QueuedMessages {
    webhooks: Arc<Webhooks>,
    count: u64,
}

impl QueuedMessages {
    /// They are in the store, where so many older ones were evicted for them; or they are not, and count as dropped.
    pub fn finish(self, evicted: Result<u64, &StoreError>) {
        let Self { webhooks, count } = self;
        match evicted {
            Ok(0) => {}
            Ok(evicted) => webhooks.note_overflow(evicted),
            Err(error) => {
                webhooks.count_dropped(count);
                tracing::error!(app = &*webhooks.app, %error, "webhook messages were not kept");
            }
        }
        webhooks.ring();
    }
}

impl Webhooks {
    /// The endpoints of `app`, if it has any.
    #[must_use]
    pub fn new(
        app: Arc<str>,
        endpoints: Vec<Arc<Endpoint>>,
        store: Arc<dyn Store>,
        clock: Clock,
        bell: Bell,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self {
            app,
            endpoints: ArcSwap::from_pointee(endpoints),
            store,
            clock,
            bell,
            metrics,
            dropped: AtomicU64::new(0),
            is_overflow_told: AtomicBool::new(false),
        }
    }

    /// The app's id.
    #[must_use]
    pub const fn app(&self) -> &Arc<str> {
        &self.app
    }

    /// Its endpoints.
    #[must_use]
    pub fn endpoints(&self) -> Arc<Vec<Arc<Endpoint>>> {
        self.endpoints.load_full()
    }

    /// Whether it has any, which costs no lock.
    #[must_use]
    pub fn has_endpoints(&self) -> bool {
        !self.endpoints.load().is_empty()
    }

    /// Tells the endpoints of `fresh` in place of its own from now on.
    ///
    /// An attempt under way ends as it began. Messages that wait go to the endpoint of their id; where there is none any
    /// more, they stay for one that comes back, until they are too old.
    pub fn adopt(&self, fresh: &Self) {
        self.endpoints.store(fresh.endpoints());
        self.bell.note_change();
    }

    /// Messages about these events for the endpoints that want them, to be written in one transaction with what they
    /// tell of; `None` where no endpoint does. What came of it is for [`QueuedMessages::finish`].
    #[must_use]
    pub fn prepare(self: &Arc<Self>, events: &[Event]) -> Option<(NewMessages, QueuedMessages)> {
        let endpoints = self.endpoints.load();
        let messages: Vec<_> =
            events.iter().flat_map(|event| self.messages(&endpoints, event)).collect();
        if messages.is_empty() {
            return None;
        }
        let queued = QueuedMessages { webhooks: Arc::clone(self), count: messages.len() as u64 };
        Some((NewMessages { messages, max: MAX_MESSAGES, now: self.clock.now() }, queued))
    }

    /// Hands messages about these events to the store's queue, by themselves; the future resolves once they are on disk,
    /// and is `None` where no endpoint wants them. An error of the store is logged, and counted as dropped messages.
    #[must_use]
    pub fn tell(self: &Arc<Self>, events: &[Event]) -> Option<BoxFuture<'static, ()>> {
        let (NewMessages { messages, max, now }, queued) = self.prepare(events)?;
        let written = self.store.put_messages(Arc::clone(&self.app), messages, max, now);
        Some(async move { queued.finish(written.await.as_ref().copied()) }.boxed())
    }

    /// A message for each endpoint that wants an event; those that are gone are told nothing.
    fn messages(
        &self,
        endpoints: &[Arc<Endpoint>],
        event: &Event,
    ) -> impl Iterator<Item = NewMessage> {
        let id = Rng.bits();
        let mut bodies: BTreeMap<bool, Arc<str>> = BTreeMap::new();
        let wanting = endpoints.iter();
        let wanting = wanting
            .filter(|endpoint| endpoint.events().wants(event.kind) && !endpoint.is_disabled());
        wanting.map(move |endpoint| {
            self.log_telling(endpoint, event, MessageId(id));
            let body = bodies
                .entry(endpoint.told.connection_data)
                .or_insert_with_key(|with_data| event.body(id, &self.app, *with_data).into());
            NewMessage {
                endpoint: Arc::clone(endpoint.id()),
                event: id,
                kind: event.kind.to_string().into(),
                body: Arc::clone(body),
                at: event.at,
            }
        })
    }

    fn log_telling(&self, endpoint: &Endpoint, event: &Event, id: MessageId) {
        let (app, endpoint) = (&*self.app, &**endpoint.id());
        let request = event.request.as_ref().map(tracing::field::display);
        tracing::debug!(app, endpoint, event = %id, request, "telling a webhook endpoint");
    }

    fn count_dropped(&self, messages: u64) {
        self.dropped.fetch_add(messages, Ordering::Relaxed);
        self.metrics.webhook_dropped.inc_by(messages);
    }

    fn note_overflow(&self, dropped: u64) {
        self.count_dropped(dropped);
        if !self.is_overflow_told.swap(true, Ordering::Relaxed) {
            let (app, max) = (&*self.app, MAX_MESSAGES);
            tracing::warn!(app, "more than {max} webhook messages: the oldest are dropped");
        }
    }

    fn ring(&self) {
        // Those there are now: whoever came since has not looked for what was put in before.
        self.endpoints.load().iter().for_each(|endpoint| endpoint.note_news());
        self.bell.ring();
    }

    /// Messages that were dropped since the process began, for want of room or because the store failed.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// How many messages each endpoint has, those of former endpoints too.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn counts(&self) -> Result<Vec<OutboxCount>, StoreError> {
        self.store.count_messages(Arc::clone(&self.app)).await
    }

    /// At most `limit` dead letters after number `after`, in the order of their numbers.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn dead_letters(&self, after: u64, limit: usize) -> Result<Vec<Message>, StoreError> {
        self.store.dead_letters(Arc::clone(&self.app), after, limit).await
    }

    /// Tries the dead letter of this number again as if it were new, though its endpoint may have said that it is gone.
    /// `row` is what the audit log keeps of it.
    ///
    /// # Errors
    /// When the store does not take it; inside, why there is nothing to try.
    pub async fn replay(
        &self,
        number: u64,
        row: AuditEvent,
    ) -> Result<Result<(), ReplayRefused>, StoreError> {
        let letters = self.dead_letters(number.saturating_sub(1), 1).await?;
        let Some(letter) = letters.into_iter().find(|letter| letter.number == number) else {
            return Ok(Err(ReplayRefused::NoLetter));
        };
        if let Err(refused) = self.enable(&letter.new.endpoint) {
            return Ok(Err(refused));
        }
        let replayed = self.replay_some(DeadLetters::One(number), row).await?;
        Ok(if replayed > 0 { Ok(()) } else { Err(ReplayRefused::NoLetter) })
    }

    /// Tries all dead letters of an endpoint again, though it may have said that it is gone; how many. `row` is what the
    /// audit log keeps of it.
    ///
    /// # Errors
    /// When the store does not take it, or not all of it; inside, when there is no such endpoint.
    pub async fn replay_all(
        &self,
        id: &str,
        row: AuditEvent,
    ) -> Result<Result<u64, ReplayRefused>, StoreError> {
        if let Err(refused) = self.enable(id) {
            return Ok(Err(refused));
        }
        self.replay_some(DeadLetters::Of(id.into()), row).await.map(Ok)
    }

    /// An endpoint is told again, though it may have said that it is gone.
    fn enable(&self, id: &str) -> Result<(), ReplayRefused> {
        let endpoints = self.endpoints();
        let endpoint = endpoints.iter().find(|endpoint| **endpoint.id() == *id);
        endpoint.ok_or_else(|| ReplayRefused::NoEndpoint(id.into()))?.enable();
        Ok(())
    }

    async fn replay_some(&self, which: DeadLetters, row: AuditEvent) -> Result<u64, StoreError> {
        let (app, now) = (Arc::clone(&self.app), self.clock.now());
        let replayed = self.store.replay_messages(app, which, now, Some(row)).await;
        self.ring(); // A failure may have come after some of them.
        replayed
    }
}
