//! [`Outbox`]: each call of the trait as functions handed to the writer.
//!
//! Not here: what the functions do (`outbox`), and how they are batched (`writer`).

use std::sync::Arc;

use stagedoor_proto::Timestamp;

use super::{SqliteStore, audit, outbox};
use crate::store::outbox::{
    Backlog, DeadLetters, DeliveryResult, Due, Expired, Message, NewMessage, Outbox, OutboxCount,
};
use crate::store::{Answer, AuditEvent};

impl Outbox for SqliteStore {
    fn put_messages(
        &self,
        app: Arc<str>,
        messages: Vec<NewMessage>,
        max: u64,
        now: Timestamp,
    ) -> Answer<'static, u64> {
        self.persist(move |db| outbox::put(db, &app, &messages, max, now))
    }

    fn due_messages(
        &self,
        app: Arc<str>,
        endpoint: Arc<str>,
        now: Timestamp,
        limit: usize,
    ) -> Answer<'static, Due> {
        self.read(move |db| outbox::due(db, &app, &endpoint, now, limit))
    }

    fn record_delivery(&self, number: u64, settled: DeliveryResult) -> Answer<'static, ()> {
        self.persist(move |db| outbox::settle(db, number, &settled))
    }

    fn expire_messages(
        &self,
        pending_before: Timestamp,
        dead_before: Timestamp,
    ) -> Answer<'static, Expired> {
        self.persist(move |db| {
            let given_up = outbox::dead_letter_some(db, pending_before)?;
            Ok(Expired { given_up, forgotten: outbox::prune_some(db, dead_before)? })
        })
    }

    fn dead_letters(&self, app: Arc<str>, after: u64, limit: usize) -> Answer<'_, Vec<Message>> {
        self.read(move |db| outbox::dead(db, &app, after, limit))
    }

    fn replay_messages(
        &self,
        app: Arc<str>,
        which: DeadLetters,
        now: Timestamp,
        row: Option<AuditEvent>,
    ) -> Answer<'_, u64> {
        let mut row = Some(audit::NewRow::of(row.as_ref(), &app));
        Box::pin(async move {
            let mut replayed = 0;
            loop {
                let (app, which, row) = (Arc::clone(&app), which.clone(), row.take());
                let step = self.persist(move |db| {
                    let step = outbox::replay_some(db, &app, &which, now)?;
                    if let Some(row) = &row {
                        row.append_if(db, step > 0)?;
                    }
                    Ok(step)
                });
                let step = step.await?;
                replayed += step;
                if step < outbox::CHANGED_AT_ONCE {
                    return Ok(replayed);
                }
            }
        })
    }

    fn count_messages(&self, app: Arc<str>) -> Answer<'_, Vec<OutboxCount>> {
        self.read(move |db| outbox::counts(db, &app))
    }

    fn backlog(&self) -> Answer<'static, Backlog> {
        self.read(outbox::backlog)
    }
}
