//! Calls of the server API that wait for what a room makes of them.
//!
//! A call is appended to its room's log like a session's command, under a number of its own; the room's answer comes
//! back once it is durable, and its receipts as they come in. Invariants: so many wait at most, and whoever stops waiting
//! leaves nothing behind. The numbers begin at a random place, so that of several nodes each knows its own.
//! Not here: what is asked for (`rooms::serve`), and HTTP.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use stagedoor_proto::{Accepted, Error, ErrorCode, ModerationReport, Reply, Stream, UpdateStream};
use tokio::sync::watch;

use super::Hub;
use crate::engine::EngineError;
use crate::room::{Caller, Moderation, Origin, RoomCommand, RoomKey};
use crate::store::StoreError;

/// Calls that may wait at a time.
const MAX_WAITING: usize = 10_000;
/// How long a room has to answer. Its answer waits for the disk, and for other nodes where there are any.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// What a moderation verb came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Moderated {
    /// Its place in the room's log, and how many it concerns.
    pub accepted: Accepted,
    /// The newest receipts; `None`: it was done before under the same `ref`, and only answered again.
    pub report: Option<ModerationReport>,
}

/// Why a call came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The room is not open, and nothing is known of it.
    #[error("there is no such room")]
    NoRoom,
    /// The room is open, or was created before.
    #[error("there is such a room already")]
    RoomExists,
    /// The room refused it.
    #[error(transparent)]
    Refused(#[from] Error),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<EngineError> for CallError {
    fn from(error: EngineError) -> Self {
        Self::Refused(error.into())
    }
}

/// The calls of this node that wait. The lock is held for a map access.
pub(super) struct Calls {
    waiting: Mutex<HashMap<u64, watch::Sender<Heard>>>,
    next: AtomicU64,
}

/// What a call has heard so far.
#[derive(Default)]
struct Heard {
    answer: Option<Result<Reply, Error>>,
    report: Option<ModerationReport>,
}

/// One that waits. Dropping it stops waiting.
struct Call<'a> {
    calls: &'a Calls,
    id: u64,
    heard: watch::Receiver<Heard>,
}

impl Calls {
    /// No calls; their numbers begin at `first`.
    pub(super) fn new(first: u64) -> Self {
        Self { waiting: Mutex::default(), next: AtomicU64::new(first) }
    }

    fn begin(&self) -> Result<Call<'_>, Error> {
        let mut waiting = self.lock();
        if waiting.len() >= MAX_WAITING {
            let message = "as many calls as may wait for rooms; try again shortly";
            return Err(
                Error::new(ErrorCode::Overloaded, message).retry_after(Duration::from_secs(1))
            );
        }
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (hear, heard) = watch::channel(Heard::default());
        waiting.insert(id, hear);
        Ok(Call { calls: self, id, heard })
    }

    /// Hands a room's answer to the call of this number, if it still waits.
    pub(super) fn answer(&self, id: u64, answer: &Result<Reply, Error>) {
        self.tell(id, |heard| heard.answer = Some(answer.clone()));
    }

    /// Hands new receipts to the call of this number, if it still waits.
    pub(super) fn report(&self, id: u64, report: ModerationReport) {
        self.tell(id, |heard| heard.report = Some(report));
    }

    fn tell(&self, id: u64, tell: impl FnOnce(&mut Heard)) {
        if let Some(call) = self.lock().get(&id) {
            call.send_modify(tell);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, watch::Sender<Heard>>> {
        // A panic while the lock was held leaves at worst one call without its answer.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Call<'_> {
    async fn answered(&mut self) -> Result<Reply, Error> {
        let answer = self.heard.wait_for(|heard| heard.answer.is_some());
        let answer = tokio::time::timeout(ANSWER_WITHIN, answer).await;
        answer.ok().and_then(Result::ok).and_then(|heard| heard.answer.clone()).unwrap_or_else(
            || {
                let message = "the room has not answered yet; try again with the same `ref`";
                Err(Error::new(ErrorCode::EngineUnavailable, message))
            },
        )
    }

    /// The newest receipts, at the latest when `patience` is over; none, when it had none with its answer.
    async fn receipts(&mut self, patience: Duration) -> Option<ModerationReport> {
        let newest = self.heard.borrow().report.clone()?;
        if newest.counts.pending == 0 || patience.is_zero() {
            return Some(newest);
        }
        // Who is offline may stay so for long; who is told answers soon, or is made to.
        let is_settled =
            |heard: &Heard| heard.report.as_ref().is_none_or(|report| report.counts.pending == 0);
        let settled = tokio::time::timeout(patience, self.heard.wait_for(is_settled)).await;
        drop(settled);
        self.heard.borrow().report.clone()
    }
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        self.calls.lock().remove(&self.id);
    }
}

impl Hub {
    /// Does a moderation verb as the server, for whoever calls.
    ///
    /// Answers once it is durable, and waits up to `patience` for targets that are to acknowledge it.
    ///
    /// # Errors
    /// As the room refuses it.
    pub async fn moderate(
        self: &Arc<Self>,
        room: &RoomKey,
        verb: Moderation,
        caller: Caller,
        patience: Duration,
    ) -> Result<Moderated, CallError> {
        self.open_known(room).await?;
        // Nobody answers a question; whoever was asked decides.
        let is_asking = matches!(verb, Moderation::AskUnmute(_));
        let mut call = self.calls.begin()?;
        let origin = Origin::Call(call.id);
        self.append(room, RoomCommand::Moderate { origin, verb, server: Some(caller) });
        let Reply::Accepted(accepted) = call.answered().await? else {
            unreachable!("a room answers every verb with `accepted`")
        };
        let patience = if is_asking { Duration::ZERO } else { patience };
        Ok(Moderated { accepted, report: call.receipts(patience).await })
    }

    /// Changes a stream as the server, which may change its layout classes alone.
    ///
    /// # Errors
    /// As the room refuses it.
    pub async fn update_stream(
        self: &Arc<Self>,
        room: &RoomKey,
        update: UpdateStream,
    ) -> Result<Stream, CallError> {
        self.open_known(room).await?;
        let mut call = self.calls.begin()?;
        let origin = Origin::Call(call.id);
        self.append(room, RoomCommand::UpdateStream { origin, update });
        match call.answered().await? {
            Reply::Updated(updated) => Ok(updated.stream),
            _ => unreachable!("a room answers a changed stream with `updated`"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_calls_wait_and_whoever_stops_leaves_nothing() {
        let calls = Calls::new(u64::MAX);
        let waiting: Vec<_> = (0..MAX_WAITING).map(|_| calls.begin().unwrap()).collect();
        let error = calls.begin().err().expect("one more is too many");
        assert_eq!(error.code, ErrorCode::Overloaded);
        drop(waiting);
        assert!(calls.lock().is_empty());
        assert!(calls.begin().is_ok());
    }

    #[tokio::test]
    async fn an_answer_reaches_its_call_and_no_other() {
        let calls = Calls::new(7);
        let (mut one, mut other) = (calls.begin().unwrap(), calls.begin().unwrap());
        calls.answer(one.id, &Ok(Reply::Left {}));
        calls.answer(other.id, &Ok(Reply::Ended {}));
        calls.answer(99, &Ok(Reply::Ended {}));
        assert_eq!(one.answered().await, Ok(Reply::Left {}));
        assert_eq!(other.answered().await, Ok(Reply::Ended {}));
        assert_eq!(one.receipts(Duration::from_mins(1)).await, None, "it had none");
    }
}
