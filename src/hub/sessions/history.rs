//! Sessions that ended, on their way to the store: gathered, and written with the next sweep.
//!
//! What was gathered when a process is killed is lost; nothing but lists for operators depends on it.

use std::collections::HashMap;
use std::sync::Arc;

use crate::hub::context::Context;
use crate::store::EndedSession;
use crate::sync::Mutex;

/// How many sessions may wait to be written; further ones are dropped and counted.
const MAX_QUEUED: usize = 200_000;
/// Sessions written by one call of the store: other calls wait for it.
const BATCH: usize = 500;

/// What waits to be written, by app. The lock is held for a push or a swap.
#[derive(Default)]
pub(super) struct SessionHistory(Mutex<HistoryQueue>);

#[derive(Default)]
struct HistoryQueue {
    ended: HashMap<Arc<str>, Vec<EndedSession>>,
    count: usize,
}

impl SessionHistory {
    /// Queues a session; `false` when the queue is full.
    pub(super) fn push(&self, app: &Arc<str>, session: EndedSession) -> bool {
        let mut queue = self.0.lock();
        let has_room = queue.count < MAX_QUEUED;
        if has_room {
            queue.count += 1;
            queue.ended.entry(Arc::clone(app)).or_default().push(session);
        }
        has_room
    }

    /// Hands what is queued to the store. Whoever asks the store next finds it there.
    pub(super) fn flush(&self, context: &Context) {
        for (app, mut ended) in self.take() {
            while !ended.is_empty() {
                let rest = ended.split_off(ended.len().min(BATCH));
                let written = context.store.record_sessions(Arc::clone(&app), ended);
                ended = rest;
                context.lifecycle.spawn(async move {
                    if let Err(error) = written.await {
                        tracing::error!(%error, "sessions that ended could not be kept");
                    }
                });
            }
        }
    }

    fn take(&self) -> HashMap<Arc<str>, Vec<EndedSession>> {
        std::mem::take(&mut *self.0.lock()).ended
    }
}
