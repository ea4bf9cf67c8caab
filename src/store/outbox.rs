//! The outbox: durable webhook messages.
//!
//! A message carries one event to one endpoint. It is *pending* until it is delivered and removed, or until it becomes
//! a *dead letter* that an operator can replay. Numbers ascend in insertion order and are never reused.
//! Not here: the content of a message and its retry schedule (`webhook`).

use std::sync::Arc;

use stagedoor_proto::Timestamp;

use super::audit::AuditEvent;
use super::error::StoreFuture;
use crate::event_type::OutboxShare;

/// A message to add to the outbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewMessage {
    pub endpoint: Arc<str>,
    /// The event's id, the same for all endpoints.
    pub event: u128,
    pub kind: Box<str>,
    pub share: OutboxShare,
    /// The body, exactly as sent.
    pub body: Arc<str>,
    /// When the event happened.
    pub at: Timestamp,
}

/// The messages evicted for new ones, by share.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Evicted {
    pub reserved: u64,
    pub common: u64,
}

impl Evicted {
    #[must_use]
    pub const fn total(self) -> u64 {
        self.reserved + self.common
    }
}

/// A stored message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its position in the outbox of all apps.
    pub number: u64,
    pub new: NewMessage,
    /// When it was added or last replayed.
    pub since: Timestamp,
    /// Attempts since then.
    pub attempts: u32,
    /// The error of the last attempt.
    pub error: Option<Box<str>>,
}

/// The due messages of an endpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DueMessages {
    /// Longest due first.
    pub messages: Vec<Message>,
    /// When the next of the others becomes due.
    pub next: Option<Timestamp>,
}

/// The result of a delivery attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeliveryResult {
    /// The message is removed.
    Delivered,
    /// The message is retried.
    Retry { due: Timestamp, error: Box<str> },
    /// The message becomes a dead letter.
    Dead { error: Box<str> },
}

/// The result of expiring messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExpiredMessages {
    /// Messages of the future.
    pub corrected: u64,
    /// Pending messages that became dead letters.
    pub dead_lettered: u64,
    /// Dead letters that were removed.
    pub pruned: u64,
}

/// The number of messages of an endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboxCount {
    pub endpoint: Arc<str>,
    pub pending: u64,
    pub dead: u64,
    /// When the event of the oldest pending message happened.
    pub oldest_pending: Option<Timestamp>,
}

/// The number of messages of all apps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    pub pending: u64,
    pub dead: u64,
    /// When the longest pending message was added or last replayed.
    pub oldest: Option<Timestamp>,
}

/// Selects dead letters of an app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeadLetters {
    /// By number.
    One(u64),
    /// All of an endpoint.
    Of(Arc<str>),
}

/// The messages of all apps. The rules of [`super::Store`] apply to every call.
pub trait Outbox: Send + Sync + 'static {
    /// Adds messages of an app, due at once. Beyond `max` those of the share that exceeds its half are evicted: dead
    /// letters first, then the oldest. Returns the number of evicted ones.
    fn put_messages(
        &self,
        app: Arc<str>,
        messages: Vec<NewMessage>,
        max: u64,
        now: Timestamp,
    ) -> StoreFuture<'static, Evicted>;

    /// At most `limit` due messages of an endpoint.
    fn due_messages(
        &self,
        app: Arc<str>,
        endpoint: Arc<str>,
        now: Timestamp,
        limit: usize,
    ) -> StoreFuture<'static, DueMessages>;

    /// Records the result of an attempt. Does nothing if the message is no longer pending.
    fn record_delivery(&self, number: u64, result: DeliveryResult) -> StoreFuture<'static, ()>;

    /// Dead-letters a batch of messages pending since `pending_before` or longer, and removes a batch of dead letters
    /// last tried before `dead_before`. A batch of messages that were added after `now`, by a clock that was ahead,
    /// counts as added and due now. Repeat until it reports none.
    fn expire_messages(
        &self,
        now: Timestamp,
        pending_before: Timestamp,
        dead_before: Timestamp,
    ) -> StoreFuture<'static, ExpiredMessages>;

    /// Moves the times of a batch of pending messages by a step of the wall clock, which shows `now` since: those with
    /// numbers above `after`. Returns the last number looked at. Repeat with that until there is none.
    fn shift_messages(
        &self,
        step_ms: i64,
        now: Timestamp,
        after: u64,
    ) -> StoreFuture<'static, Option<u64>>;

    /// At most `limit` dead letters of an app after number `after`, in ascending order.
    fn dead_letters(
        &self,
        app: Arc<str>,
        after: u64,
        limit: usize,
    ) -> StoreFuture<'_, Vec<Message>>;

    /// Makes dead letters pending again. Returns their number. On a failure the rest stay dead letters. Appends `row`
    /// to the app's audit log in the transaction of the first batch.
    fn replay_messages(
        &self,
        app: Arc<str>,
        which: DeadLetters,
        now: Timestamp,
        row: Option<AuditEvent>,
    ) -> StoreFuture<'_, u64>;

    /// The number of an app's messages by endpoint.
    fn count_messages(&self, app: Arc<str>) -> StoreFuture<'_, Vec<OutboxCount>>;

    /// The number of all messages, in constant time.
    fn backlog(&self) -> StoreFuture<'static, Backlog>;
}
