//! [`Outbox`] for the embedded store: passes each call to the writer.
//!
//! Not here: the queries (`outbox`), and their batching (`writer`).

use std::sync::Arc;

use stagedoor_proto::Timestamp;

use super::{SqliteStore, audit, outbox};
use crate::store::outbox::{
    Backlog, DeadLetters, DeliveryResult, DueMessages, Evicted, ExpiredMessages, Message,
    NewMessage, Outbox, OutboxCount,
};
use crate::store::{AuditEvent, StoreFuture};

impl Outbox for SqliteStore {
    fn put_messages(
        &self,
        app: Arc<str>,
        messages: Vec<NewMessage>,
        max: u64,
        now: Timestamp,
    ) -> StoreFuture<'static, Evicted> {
        self.persist_apart(move |db| outbox::put(db, &app, &messages, max, now))
    }

    fn due_messages(
        &self,
        app: Arc<str>,
        endpoint: Arc<str>,
        now: Timestamp,
        limit: usize,
    ) -> StoreFuture<'static, DueMessages> {
        self.read(move |db| outbox::due(db, &app, &endpoint, now, limit))
    }

    fn record_delivery(&self, number: u64, result: DeliveryResult) -> StoreFuture<'static, ()> {
        self.persist_apart(move |db| outbox::record_result(db, number, &result))
    }

    fn expire_messages(
        &self,
        now: Timestamp,
        pending_before: Timestamp,
        dead_before: Timestamp,
    ) -> StoreFuture<'static, ExpiredMessages> {
        self.persist_apart(move |db| {
            let corrected = outbox::correct_some(db, now)?;
            let dead_lettered = outbox::dead_letter_some(db, pending_before)?;
            let pruned = outbox::prune_some(db, dead_before)?;
            Ok(ExpiredMessages { corrected, dead_lettered, pruned })
        })
    }

    fn shift_messages(
        &self,
        step_ms: i64,
        now: Timestamp,
        after: u64,
    ) -> StoreFuture<'static, Option<u64>> {
        self.persist_apart(move |db| outbox::shift_some(db, step_ms, now, after))
    }

    fn dead_letters(
        &self,
        app: Arc<str>,
        after: u64,
        limit: usize,
    ) -> StoreFuture<'_, Vec<Message>> {
        self.read(move |db| outbox::dead(db, &app, after, limit))
    }

    fn replay_messages(
        &self,
        app: Arc<str>,
        which: DeadLetters,
        now: Timestamp,
        row: Option<AuditEvent>,
    ) -> StoreFuture<'_, u64> {
        let mut row = Some(audit::NewRow::of(row.as_ref(), &app));
        Box::pin(async move {
            let mut replayed = 0;
            loop {
                let (app, which, row) = (Arc::clone(&app), which.clone(), row.take());
                let step = self.persist_apart(move |db| {
                    let step = outbox::replay_some(db, &app, &which, now)?;
                    if let Some(row) = &row {
                        row.append_if(db, step > 0)?;
                    }
                    Ok(step)
                });
                let step = step.await?;
                replayed += step;
                if step < outbox::UPDATE_BATCH {
                    return Ok(replayed);
                }
            }
        })
    }

    fn count_messages(&self, app: Arc<str>) -> StoreFuture<'_, Vec<OutboxCount>> {
        self.read(move |db| outbox::counts(db, &app))
    }

    fn backlog(&self) -> StoreFuture<'static, Backlog> {
        self.read(outbox::backlog)
    }
}
