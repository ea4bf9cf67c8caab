//! Sessions that ended, on their way to the store: gathered, and written with the next sweep.
//!
//! What was gathered when a process is killed is lost; nothing but lists for operators depends on it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::handle::SessionHandle;
use crate::hub::Hub;
use crate::store::EndedSession;

/// Sessions that may wait to be written; what goes beyond them is not kept.
const MAX_WAITING: usize = 200_000;
/// Sessions written by one call of the store: others' calls wait for it.
const WRITTEN_AT_ONCE: usize = 500;

/// What waits to be written, by app. The lock is held for a push or a swap.
#[derive(Default)]
pub(in crate::hub) struct History(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    ended: HashMap<Arc<str>, Vec<EndedSession>>,
    count: usize,
}

impl History {
    /// Whether there was room for it.
    fn add(&self, app: &Arc<str>, session: EndedSession) -> bool {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_room = waiting.count < MAX_WAITING;
        if is_room {
            waiting.count += 1;
            waiting.ended.entry(Arc::clone(app)).or_default().push(session);
        }
        is_room
    }

    fn take(&self) -> HashMap<Arc<str>, Vec<EndedSession>> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner)).ended
    }
}

impl Hub {
    /// Notes a session that has ended, and tells of it, once.
    pub(in crate::hub) fn note_ending(&self, session: &SessionHandle) {
        let Some((ending, state)) = session.take_ending() else { return };
        self.tell_ended(session, &ending, session.ended_by());
        let ended = EndedSession {
            id: session.id(),
            username: session.user().username.clone(),
            guest: session.is_guest(),
            instance: session.instance().clone(),
            client: session.client().cloned(),
            address: session.arrival().address,
            user_agent: session.arrival().user_agent.clone(),
            started_ms: session.started(),
            ended_ms: self.clock.now(),
            state,
            ending,
        };
        if !self.history.add(session.app().id(), ended) {
            self.metrics.sessions_unrecorded.inc();
        }
    }

    /// Hands what was noted to the store. Whoever asks the store next finds it there.
    pub fn keep_history(&self) {
        for (app, mut ended) in self.history.take() {
            while !ended.is_empty() {
                let rest = ended.split_off(ended.len().min(WRITTEN_AT_ONCE));
                let kept = self.store.keep_sessions(Arc::clone(&app), ended);
                ended = rest;
                self.lifecycle.spawn(async move {
                    if let Err(error) = kept.await {
                        tracing::error!(%error, "sessions that ended could not be kept");
                    }
                });
            }
        }
    }
}
