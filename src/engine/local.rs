//! The engine of a single node: an entry is applied when it is appended, and every answer is ready at once.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{OnceLock, Weak};
use std::time::Duration;

use bytes::Bytes;
use stagedoor_proto::SessionId;
use tokio::sync::watch;

use super::answer::Answer;
use super::directory::{
    Claim, Claimed, DirectoryKey, Move, Moved, Prepare, Prepared, Restore, SessionRow, Table,
};
use super::error::{EngineError, RequestError};
use super::log::{AppendError, Appended, Checkpoint, Condition, Delivered, RoomMessage};
use super::nodes::{Burial, Health, Lease, Renewal};
use super::traits::{Engine, NodeHandler};
use crate::clock::{Clock, Rng};
use crate::lifecycle::Lifecycle;
use crate::room::{Entry, NodeEpoch, RoomCommand, RoomKey};
use crate::sync::{Mutex, Rank};

/// Number of locks for rooms; rooms with the same lock wait for each other.
const PARTITIONS: usize = 1_024;

/// The logs of one node's rooms. Entries are not stored, because a room's state includes them.
pub struct Local {
    /// Held while an entry gets its version and is applied, so that a room's entries are applied one at a time and in
    /// order.
    partitions: Box<[Mutex<()>]>,
    hasher: RandomState,
    /// The highest version in any room: a room that closes and opens again continues with higher ones.
    last: AtomicU64,
    is_closed: AtomicBool,
    handler: OnceLock<Weak<dyn NodeHandler>>,
    node: NodeEpoch,
    directory: Table,
    health: watch::Sender<Health>,
    clock: Clock,
}

impl Local {
    /// An engine with versions after `last`: the highest one of the previous process, or 0.
    #[must_use]
    pub fn new(clock: Clock, last: u64) -> Self {
        Self {
            partitions: (0..PARTITIONS).map(|_| Mutex::new(Rank::Partition, ())).collect(),
            hasher: RandomState::new(),
            last: AtomicU64::new(last),
            is_closed: AtomicBool::new(false),
            handler: OnceLock::new(),
            node: NodeEpoch(u64::from_be_bytes(Rng.bytes())),
            directory: Table::new(clock.clone()),
            health: watch::Sender::new(Health::Ready),
            clock,
        }
    }

    fn place(
        &self,
        room: &RoomKey,
        command: RoomCommand,
        condition: Condition,
    ) -> Result<u64, AppendError> {
        let handler = self.handler.get().and_then(Weak::upgrade).ok_or(EngineError::Closed)?;
        let _turn = self.partition(room).lock();
        self.check_open()?;
        match condition {
            Condition::None => {}
            Condition::VersionIs(version) if handler.applied_version(room) == version => {}
            Condition::VersionIs(_) => return Err(AppendError::VersionChanged),
        }
        let version = self.last.fetch_add(1, Ordering::Relaxed) + 1;
        handler.apply(room, Entry { version, now: self.clock.now(), origin: self.node, command });
        Ok(version)
    }

    fn partition(&self, room: &RoomKey) -> &Mutex<()> {
        let hash = usize::try_from(self.hasher.hash_one(room) % PARTITIONS as u64);
        &self.partitions[hash.expect("there are few partitions")]
    }

    fn check_open(&self) -> Result<(), EngineError> {
        if self.is_closed.load(Ordering::Relaxed) { Err(EngineError::Closed) } else { Ok(()) }
    }

    /// Answers with the result of `step`, unless the engine is closed.
    fn answer<T>(&self, step: impl FnOnce() -> T) -> Answer<Result<T, EngineError>> {
        Answer::ready(self.check_open().map(|()| step()))
    }
}

impl Engine for Local {
    fn attach(&self, handler: Weak<dyn NodeHandler>, _: &Lifecycle) {
        assert!(self.handler.set(handler).is_ok(), "an engine has one handler");
    }

    fn node(&self) -> NodeEpoch {
        self.node
    }

    fn is_shared(&self) -> bool {
        false
    }

    fn append(
        &self,
        room: &RoomKey,
        command: RoomCommand,
        condition: Condition,
    ) -> Answer<Appended> {
        let placed = self.place(room, command, condition);
        Answer::ready(placed.map_or_else(Appended::Refused, Appended::Placed))
    }

    /// The only node always has all entries of the room.
    fn interest(&self, _: &RoomKey) -> Answer<Result<(), EngineError>> {
        self.answer(|| ())
    }

    fn release_interest(&self, _: &RoomKey) -> Answer<Result<(), EngineError>> {
        self.answer(|| ())
    }

    /// There is no stored log that a checkpoint could replace.
    fn store_checkpoint(&self, _: &RoomKey, _: Checkpoint) -> Answer<Result<bool, EngineError>> {
        self.answer(|| false)
    }

    fn send(
        &self,
        _: &RoomKey,
        last: u64,
        _: &RoomMessage,
    ) -> Answer<Result<Delivered, EngineError>> {
        self.answer(|| Delivered::ByCaller(last + 1))
    }

    fn prepare(&self, prepare: Prepare) -> Answer<Result<Prepared, EngineError>> {
        self.answer(|| self.directory.prepare(&prepare))
    }

    fn claim(&self, claim: Claim) -> Answer<Result<Claimed, EngineError>> {
        self.answer(|| self.directory.claim(claim, self.node))
    }

    fn fence(&self, user: DirectoryKey) -> Answer<Result<Vec<SessionRow>, EngineError>> {
        self.answer(|| self.directory.fence(user))
    }

    fn rows(&self, user: DirectoryKey) -> Answer<Result<Vec<SessionRow>, EngineError>> {
        self.answer(|| self.directory.rows(user))
    }

    fn release(&self, user: DirectoryKey, session: SessionId) -> Answer<Result<bool, EngineError>> {
        self.answer(|| self.directory.release(user, session, self.node))
    }

    fn suspend(
        &self,
        user: DirectoryKey,
        session: SessionId,
        generation: u64,
    ) -> Answer<Result<bool, EngineError>> {
        self.answer(|| self.directory.suspend(user, session, generation, self.node))
    }

    fn move_here(&self, to: Move) -> Answer<Result<Moved, EngineError>> {
        self.answer(|| self.directory.move_here(&to, self.node))
    }

    fn restore(&self, rows: Vec<Restore>) -> Answer<Result<(), EngineError>> {
        self.answer(|| self.directory.restore(rows, self.node))
    }

    fn renew_lease(&self) -> Answer<Result<Renewal, EngineError>> {
        self.answer(|| {
            self.directory.remove_idle();
            let own = Lease { node: self.node, name: "local".into(), age: Duration::ZERO };
            Renewal::Held(vec![own])
        })
    }

    fn bury(&self, node: NodeEpoch) -> Answer<Result<Burial, EngineError>> {
        self.answer(|| if node == self.node { Burial::Alive } else { Burial::Gone })
    }

    fn request(
        &self,
        to: NodeEpoch,
        body: Bytes,
        deadline: Duration,
    ) -> Answer<Result<Bytes, RequestError>> {
        if let Err(closed) = self.check_open() {
            return Answer::ready(Err(closed.into()));
        }
        let handler = self.handler.get().and_then(Weak::upgrade);
        let Some(handler) = handler.filter(|_| to == self.node) else {
            return Answer::ready(Err(RequestError::Unreachable));
        };
        let answer = handler.request(self.node, body);
        Answer::pending(async move {
            tokio::time::timeout(deadline, answer).await.map_err(|_| RequestError::Deadline)
        })
    }

    fn health(&self) -> watch::Receiver<Health> {
        self.health.subscribe()
    }

    fn close(&self) -> Answer<u64> {
        self.is_closed.store(true, Ordering::Relaxed);
        for partition in &self.partitions {
            // Appends that lock later see that the engine is closed; earlier ones are complete.
            drop(partition.lock());
        }
        self.health.send_replace(Health::Closed);
        Answer::ready(self.last.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::Local;
    use crate::engine::conformance::{Harness, every_rule};

    every_rule!(Harness::new(|clock| Arc::new(Local::new(clock.clone(), 7))));
}
