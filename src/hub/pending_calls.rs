//! Calls of the server API that wait for the answer of a room.
//!
//! A call is appended to its room's log like a session's command, under a number of its own; the room's answer comes
//! back once it is durable, and its receipts as they come in. Invariants: at most [`MAX_PENDING`] wait, and a call that
//! stops waiting leaves nothing behind. The numbers begin at a random one, so that of several nodes each knows its own.
//! Below both `rooms`, which answers calls, and `server_api`, which makes them.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use stagedoor_proto::{Error, ErrorCode, ModerationReport, Reply};
use tokio::sync::watch;

use crate::sync::{Mutex, MutexGuard};

/// How many calls may wait at a time.
const MAX_PENDING: usize = 10_000;
/// How long a room has to answer. Its answer waits for the disk, and for other nodes where there are any.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// The calls of this node that wait. The lock is held for a map access, and nothing is called under it.
pub(super) struct PendingCalls {
    pending: Mutex<HashMap<u64, watch::Sender<CallResult>>>,
    next: AtomicU64,
}

/// What a call has received so far.
#[derive(Default)]
struct CallResult {
    answer: Option<Result<Reply, Error>>,
    report: Option<ModerationReport>,
}

/// A call that waits. Dropping it stops waiting.
pub(super) struct PendingCall<'a> {
    calls: &'a PendingCalls,
    id: u64,
    result: watch::Receiver<CallResult>,
}

impl PendingCalls {
    /// No calls; their numbers begin at `first`.
    pub(super) fn new(first: u64) -> Self {
        Self { pending: Mutex::default(), next: AtomicU64::new(first) }
    }

    /// A new call, unless too many wait.
    pub(super) fn begin(&self) -> Result<PendingCall<'_>, Error> {
        let mut pending = self.lock();
        if pending.len() >= MAX_PENDING {
            let message = "as many calls as may wait for rooms; try again shortly";
            return Err(
                Error::new(ErrorCode::Overloaded, message).retry_after(Duration::from_secs(1))
            );
        }
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (sender, result) = watch::channel(CallResult::default());
        pending.insert(id, sender);
        Ok(PendingCall { calls: self, id, result })
    }

    /// Hands a room's answer to the call of this number, if it still waits.
    pub(super) fn answer(&self, id: u64, answer: &Result<Reply, Error>) {
        self.update(id, |result| result.answer = Some(answer.clone()));
    }

    /// Hands new receipts to the call of this number, if it still waits.
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
    /// The number by which the room answers.
    pub(super) const fn id(&self) -> u64 {
        self.id
    }

    /// The room's answer.
    pub(super) async fn answered(&mut self) -> Result<Reply, Error> {
        let answer = self.result.wait_for(|result| result.answer.is_some());
        let answer = tokio::time::timeout(ANSWER_TIMEOUT, answer).await;
        answer.ok().and_then(Result::ok).and_then(|result| result.answer.clone()).unwrap_or_else(
            || {
                let message = "the room has not answered yet; try again with the same `ref`";
                Err(Error::new(ErrorCode::EngineUnavailable, message))
            },
        )
    }

    /// The newest receipts, after at most `wait`; none, when it had none with its answer.
    pub(super) async fn receipts(&mut self, wait: Duration) -> Option<ModerationReport> {
        let newest = self.result.borrow().report.clone()?;
        if newest.counts.pending == 0 || wait.is_zero() {
            return Some(newest);
        }
        // Targets that are offline may stay so for long; those that are online answer soon, or are made to.
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
    async fn an_answer_reaches_its_call_and_no_other() {
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
