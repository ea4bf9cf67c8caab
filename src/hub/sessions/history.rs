//! The history of ended sessions: queued, and persisted with the next sweep.
//!
//! Queued rows are lost when the process is killed; only lists for operators depend on them.

use std::collections::HashMap;
use std::sync::Arc;

use crate::hub::context::Context;
use crate::store::EndedSession;
use crate::sync::Mutex;

/// Capacity of the queue; further sessions are dropped and counted.
const MAX_QUEUED: usize = 200_000;
/// Maximum number of sessions in one store call, because other calls wait for it.
const BATCH: usize = 500;

/// Queued rows by app. The lock is held for a push or a swap.
#[derive(Default)]
pub(super) struct SessionHistory(Mutex<HistoryQueue>);

#[derive(Default)]
struct HistoryQueue {
    ended: HashMap<Arc<str>, Vec<EndedSession>>,
    count: usize,
}

impl SessionHistory {
    /// Queues a session; `false` if the queue is full.
    pub(super) fn push(&self, app: &Arc<str>, session: EndedSession) -> bool {
        let mut queue = self.0.lock();
        let has_room = queue.count < MAX_QUEUED;
        if has_room {
            queue.count += 1;
            queue.ended.entry(Arc::clone(app)).or_default().push(session);
        }
        has_room
    }

    /// Passes the queued rows to the store. Later store calls see them.
    pub(super) fn flush(&self, context: &Context) {
        for (app, mut ended) in self.take() {
            while !ended.is_empty() {
                let rest = ended.split_off(ended.len().min(BATCH));
                let written = context.store.record_sessions(Arc::clone(&app), ended);
                ended = rest;
                context.lifecycle.spawn(async move {
                    if let Err(error) = written.await {
                        tracing::error!(%error, "cannot persist ended sessions");
                    }
                });
            }
        }
    }

    fn take(&self) -> HashMap<Arc<str>, Vec<EndedSession>> {
        std::mem::take(&mut *self.0.lock()).ended
    }
}
