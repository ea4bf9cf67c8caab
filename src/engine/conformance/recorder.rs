//! A handler that records its calls.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use tokio::sync::watch;

use crate::engine::{Displaced, Gap, NodeHandler, RoomLog, RoomMessage};
use crate::room::{Entry, NodeEpoch, RoomKey};

/// The handler does not answer a request with this body.
pub(super) const UNANSWERED: &[u8] = b"unanswered";

/// The recorded calls of one node's handler, in order.
#[derive(Default)]
pub(in crate::engine) struct Recorder {
    state: Mutex<State>,
    changes: watch::Sender<()>,
}

#[derive(Default)]
struct State {
    entries: Vec<Entry>,
    restored: Vec<RoomLog>,
    messages: Vec<(u64, RoomMessage)>,
    displaced: Vec<Displaced>,
    checkpoints_due: usize,
    requests: usize,
}

impl Recorder {
    pub(super) fn entries(&self) -> Vec<Entry> {
        self.state().entries.clone()
    }

    pub(super) fn versions(&self) -> Vec<u64> {
        self.state().entries.iter().map(|entry| entry.version).collect()
    }

    pub(super) fn restored(&self) -> Vec<RoomLog> {
        self.state().restored.clone()
    }

    pub(super) fn orders(&self) -> Vec<u64> {
        self.state().messages.iter().map(|(order, _)| *order).collect()
    }

    pub(super) fn displaced(&self) -> Vec<Displaced> {
        self.state().displaced.clone()
    }

    pub(super) fn checkpoints_due(&self) -> usize {
        self.state().checkpoints_due
    }

    pub(super) fn requests(&self) -> usize {
        self.state().requests
    }

    /// Waits until `is_so` holds, with a long timeout.
    pub(super) async fn until(&self, is_so: impl Fn(&Self) -> bool) {
        let mut changes = self.changes.subscribe();
        let waited = async {
            while !is_so(self) {
                changes.changed().await.expect("the recorder is there");
            }
        };
        let waited = tokio::time::timeout(Duration::from_secs(20), waited).await;
        assert!(waited.is_ok(), "what was waited for did not come");
    }

    fn note(&self, note: impl FnOnce(&mut State)) {
        note(&mut self.state());
        self.changes.send_replace(());
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl NodeHandler for Recorder {
    fn apply(&self, _: &RoomKey, entry: Entry) {
        self.note(|state| state.entries.push(entry));
    }

    fn applied_version(&self, _: &RoomKey) -> u64 {
        self.state().entries.last().map_or(0, |entry| entry.version)
    }

    fn restore(&self, _: &RoomKey, log: RoomLog) {
        self.note(|state| state.restored.push(log));
    }

    fn checkpoint_due(&self, _: &RoomKey) {
        self.note(|state| state.checkpoints_due += 1);
    }

    fn deliver(&self, _: &RoomKey, order: u64, message: RoomMessage) {
        self.note(|state| state.messages.push((order, message)));
    }

    fn displaced(&self, displaced: Displaced) {
        self.note(|state| state.displaced.push(displaced));
    }

    fn request(&self, _: NodeEpoch, body: Bytes) -> BoxFuture<'static, Bytes> {
        self.note(|state| state.requests += 1);
        Box::pin(async move {
            if body == UNANSWERED {
                std::future::pending::<()>().await;
            }
            body
        })
    }

    fn resync(&self, gap: Gap) {
        panic!("nothing was lost, and yet {gap:?}");
    }
}
