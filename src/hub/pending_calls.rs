//! Calls of the server API that wait for the reply of a room.
//!
//! A call is appended to its room's log with a unique number, like a command of a session. The room's reply arrives
//! once it is durable, and receipts arrive later. Invariants: at most [`MAX_PENDING`] calls wait, and a dropped call
//! leaves no state behind. Numbers start at a random one, so that each of several nodes recognizes its own calls.
//! Both `rooms`, which replies, and `server_api`, which calls, use it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use stagedoor_proto::{Error, ErrorCode, ModerationReport, Reply};
use tokio::sync::watch;

use crate::sync::{Mutex, MutexGuard};

/// Maximum number of pending calls.
const MAX_PENDING: usize = 10_000;
/// How long a room has to reply. A reply waits for the disk and for other nodes.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// The pending calls of this node. The lock is held for a map access, and nothing is called under it.
pub(super) struct PendingCalls {
    pending: Mutex<HashMap<u64, watch::Sender<CallResult>>>,
    next: AtomicU64,
}

/// The reply and receipts that a call has received so far.
#[derive(Default)]
struct CallResult {
    answer: Option<Result<Reply, Error>>,
    report: Option<ModerationReport>,
}

/// A pending call. Dropping it cancels the wait.
pub(super) struct PendingCall<'a> {
    calls: &'a PendingCalls,
    id: u64,
    result: watch::Receiver<CallResult>,
}

impl PendingCalls {
    /// An empty set of calls, whose numbers start at `first`.
    pub(super) fn new(first: u64) -> Self {
        Self { pending: Mutex::default(), next: AtomicU64::new(first) }
    }

    /// A new call, unless too many are pending.
    pub(super) fn begin(&self) -> Result<PendingCall<'_>, Error> {
        let mut pending = self.lock();
        if pending.len() >= MAX_PENDING {
            let message = "too many pending API calls; retry";
            return Err(
                Error::new(ErrorCode::Overloaded, message).retry_after(Duration::from_secs(1))
            );
        }
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (sender, result) = watch::channel(CallResult::default());
        pending.insert(id, sender);
        Ok(PendingCall { calls: self, id, result })
    }

    /// Delivers the reply of a room to the call with this number, if it is still pending.
    pub(super) fn answer(&self, id: u64, answer: &Result<Reply, Error>) {
        self.update(id, |result| result.answer = Some(answer.clone()));
    }

    /// Delivers new receipts to the call with this number, if it is still pending.
    pub(super) fn report(&self, id: u64, report: ModerationReport) {
        self.update(id, |result| result.report = Some(report));
    }

    fn update(&self, id: u64, update: impl FnOnce(&mut CallResult)) {
        if let Some(call) = self.lock().get(&id) {
            call.send_modify(update);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, watch::Sender<CallResult>>> {
        self.pending.lock()
    }
}

impl PendingCall<'_> {
    /// The number in the room's reply.
    pub(super) const fn id(&self) -> u64 {
        self.id
    }

    /// The reply of the room.
    pub(super) async fn answered(&mut self) -> Result<Reply, Error> {
        let answer = self.result.wait_for(|result| result.answer.is_some());
        let answer = tokio::time::timeout(ANSWER_TIMEOUT, answer).await;
        answer.ok().and_then(Result::ok).and_then(|result| result.answer.clone()).unwrap_or_else(
            || {
                let message = "room did not reply in time; retry with the same `ref`";
                Err(Error::engine_unavailable(message))
            },
        )
    }

    /// The newest receipts, after at most `wait`; `None` if the reply had none.
    pub(super) async fn receipts(&mut self, wait: Duration) -> Option<ModerationReport> {
        let newest = self.result.borrow().report.clone()?;
        if newest.counts.pending == 0 || wait.is_zero() {
            return Some(newest);
        }
        // Offline targets are not awaited; online ones answer soon or are forced to.
        let is_settled = |result: &CallResult| {
            result.report.as_ref().is_none_or(|report| report.counts.pending == 0)
        };
        let settled = tokio::time::timeout(wait, self.result.wait_for(is_settled)).await;
        drop(settled);
        self.result.borrow().report.clone()
    }
}

impl Drop for PendingCall<'_> {
    fn drop(&mut self) {
        self.calls.lock().remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pending_calls_are_bounded_and_removed_when_dropped() {
        let calls = PendingCalls::new(u64::MAX);
        let pending: Vec<_> = (0..MAX_PENDING).map(|_| calls.begin().unwrap()).collect();
        let error = calls.begin().err().expect("one more is too many");
        assert_eq!(error.code, ErrorCode::Overloaded);
        drop(pending);
        assert!(calls.lock().is_empty());
        assert!(calls.begin().is_ok());
    }

    #[tokio::test]
    async fn reply_reaches_only_its_call() {
        let calls = PendingCalls::new(7);
        let (mut one, mut other) = (calls.begin().unwrap(), calls.begin().unwrap());
        calls.answer(one.id, &Ok(Reply::Left {}));
        calls.answer(other.id, &Ok(Reply::Ended {}));
        calls.answer(99, &Ok(Reply::Ended {}));
        assert_eq!(one.answered().await, Ok(Reply::Left {}));
        assert_eq!(other.answered().await, Ok(Reply::Ended {}));
        assert_eq!(one.receipts(Duration::from_mins(1)).await, None, "it had none");
    }
}
