//! What endpoints are still to be told: durable, until each was told or it was given up.
//!
//! A message is of one event for one endpoint. It is *pending* until it is delivered, and then gone; or until it is
//! given up, and then a *dead letter*, which stays for an operator to replay. Messages have numbers, in the order in
//! which they were put in, that are never used again.
//! Not here: what a message says, when it is tried again and for how long (`webhook`).

use std::sync::Arc;

use stagedoor_proto::Timestamp;

use super::audit::AuditEvent;
use super::error::StoreFuture;

/// A message to be kept until its endpoint was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewMessage {
    /// The endpoint's id.
    pub endpoint: Arc<str>,
    /// The event's id, the same for all endpoints.
    pub event: u128,
    /// The event's type.
    pub kind: Box<str>,
    /// What the endpoint is told, as it is told.
    pub body: Arc<str>,
    /// When it happened.
    pub at: Timestamp,
}

/// A message as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its place among all messages.
    pub number: u64,
    /// What was put in.
    pub new: NewMessage,
    /// Since when it is tried: since it was put in, or last replayed.
    pub since: Timestamp,
    /// How often it was tried since.
    pub attempts: u32,
    /// What went wrong the last time.
    pub error: Option<Box<str>>,
}

/// The messages of an endpoint that are due.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DueMessages {
    /// The messages, those due longest first.
    pub messages: Vec<Message>,
    /// When the first of the others is due; `None` when there is none.
    pub next: Option<Timestamp>,
}

/// What became of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeliveryResult {
    /// The endpoint was told: the message is gone.
    Delivered,
    /// It is to be tried again.
    Retry {
        /// When.
        due: Timestamp,
        /// What went wrong.
        error: Box<str>,
    },
    /// It is given up: a dead letter from now on.
    Dead {
        /// What went wrong.
        error: Box<str>,
    },
}

/// How many messages were too old.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExpiredMessages {
    /// Those that were pending, and are dead letters now.
    pub dead_lettered: u64,
    /// Dead letters that are gone.
    pub pruned: u64,
}

/// How many messages of an endpoint there are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboxCount {
    /// The endpoint's id.
    pub endpoint: Arc<str>,
    /// Messages that are still tried.
    pub pending: u64,
    /// Dead letters.
    pub dead: u64,
    /// When what is told in the oldest pending one happened.
    pub oldest_pending: Option<Timestamp>,
}

/// How many messages there are, of all apps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Messages that are still tried.
    pub pending: u64,
    /// Dead letters.
    pub dead: u64,
    /// Since when the pending one is tried that is tried for longest.
    pub oldest: Option<Timestamp>,
}

/// Which dead letters of an app are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeadLetters {
    /// The one of this number.
    One(u64),
    /// All of an endpoint.
    Of(Arc<str>),
}

/// The messages of all apps. Calls are as those of [`super::Store`].
pub trait Outbox: Send + Sync + 'static {
    /// Keeps messages of an app, to be tried at once. Beyond `max` of them the oldest go, dead letters first; how many
    /// went.
    fn put_messages(
        &self,
        app: Arc<str>,
        messages: Vec<NewMessage>,
        max: u64,
        now: Timestamp,
    ) -> StoreFuture<'static, u64>;

    /// At most `limit` messages of an endpoint that are due.
    fn due_messages(
        &self,
        app: Arc<str>,
        endpoint: Arc<str>,
        now: Timestamp,
        limit: usize,
    ) -> StoreFuture<'static, DueMessages>;

    /// Notes what became of an attempt; nothing, when the message is not pending any more.
    fn record_delivery(&self, number: u64, result: DeliveryResult) -> StoreFuture<'static, ()>;

    /// Gives up some of what was pending since `pending_before` or longer, and forgets some of the dead letters that were
    /// tried since `dead_before` or longer. There may be more until it finds none.
    fn expire_messages(
        &self,
        pending_before: Timestamp,
        dead_before: Timestamp,
    ) -> StoreFuture<'static, ExpiredMessages>;

    /// At most `limit` dead letters of an app after number `after`, in the order of their numbers.
    fn dead_letters(
        &self,
        app: Arc<str>,
        after: u64,
        limit: usize,
    ) -> StoreFuture<'_, Vec<Message>>;

    /// Makes dead letters pending anew; how many. A failure leaves the others dead. `row` is appended to the app's audit
    /// log in the same step as the first of them.
    fn replay_messages(
        &self,
        app: Arc<str>,
        which: DeadLetters,
        now: Timestamp,
        row: Option<AuditEvent>,
    ) -> StoreFuture<'_, u64>;

    /// How many messages of an app there are, by endpoint.
    fn count_messages(&self, app: Arc<str>) -> StoreFuture<'_, Vec<OutboxCount>>;

    /// How many messages there are in all; takes no longer when there are many.
    fn backlog(&self) -> StoreFuture<'static, Backlog>;
}
