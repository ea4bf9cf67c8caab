//! One node of a memory cluster.

use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use bytes::Bytes;
use stagedoor_proto::SessionId;
use tokio::sync::{mpsc, oneshot, watch};

use super::delivery::{self, Delivery};
use super::inbox;
use super::operations::{self, Operation};
use super::shared::{RETRY_AFTER, Shared};
use crate::engine::answer::Answer;
use crate::engine::directory::{
    Claim, Claimed, DirectoryKey, Displaced, Move, Moved, Prepare, Prepared, Restore, SessionRow,
};
use crate::engine::error::{EngineError, RequestError};
use crate::engine::log::{AppendError, Appended, Checkpoint, Condition, Delivered, RoomMessage};
use crate::engine::nodes::{Burial, Health, Renewal};
use crate::engine::traits::{Engine, NodeHandler};
use crate::lifecycle::Lifecycle;
use crate::room::{NodeEpoch, RoomCommand, RoomKey};
use crate::sync::{Mutex, Rank};

/// Maximum queued operations of a node; further ones fail with "engine unavailable".
const MAX_OPERATIONS: usize = 1_024;
/// Capacity of a node's inbox; senders wait while it is full.
const MAX_DELIVERIES: usize = 1_024;

/// The engine of one node.
pub(super) struct MemoryNode {
    epoch: NodeEpoch,
    shared: Arc<Shared>,
    operations: mpsc::Sender<Operation>,
    /// The receivers of its queues, until it is attached.
    waiting: Mutex<Option<Ends>>,
    lifecycle: OnceLock<Lifecycle>,
    is_closed: AtomicBool,
    health: watch::Sender<Health>,
}

struct Ends {
    operations: mpsc::Receiver<Operation>,
    inbox: mpsc::Receiver<Delivery>,
}

impl MemoryNode {
    pub(super) fn new(epoch: NodeEpoch, name: &str, shared: Arc<Shared>) -> Self {
        let (inbox, deliveries) = mpsc::channel(MAX_DELIVERIES);
        let (operations, asked_for) = mpsc::channel(MAX_OPERATIONS);
        shared.join(epoch, name, inbox);
        let ends = Ends { operations: asked_for, inbox: deliveries };
        Self {
            epoch,
            shared,
            operations,
            waiting: Mutex::new(Rank::Leaf, Some(ends)),
            lifecycle: OnceLock::new(),
            is_closed: AtomicBool::new(false),
            health: watch::Sender::new(Health::Ready),
        }
    }

    /// Queues an operation; `lost` is the result if the node stops before the answer.
    fn operate<T: Send + 'static>(
        &self,
        operation: impl FnOnce(oneshot::Sender<T>) -> Operation,
        refused: impl FnOnce(EngineError) -> T,
        lost: T,
    ) -> Answer<T> {
        if self.is_closed.load(Ordering::Acquire) {
            return Answer::ready(refused(EngineError::Closed));
        }
        let (sender, receiver) = oneshot::channel();
        match self.operations.try_send(operation(sender)) {
            Ok(()) => Answer::pending(async move { receiver.await.unwrap_or(lost) }),
            Err(mpsc::error::TrySendError::Full(_)) => {
                Answer::ready(refused(EngineError::Unavailable { retry_after: RETRY_AFTER }))
            }
            Err(mpsc::error::TrySendError::Closed(_)) => {
                Answer::ready(refused(EngineError::Closed))
            }
        }
    }

    /// Runs `work` in a task of the gateway, so that it completes even if its caller is dropped.
    fn run<T: Send + 'static, E: From<EngineError> + Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, E>> + Send + 'static,
    ) -> Answer<Result<T, E>> {
        let lifecycle = self.lifecycle.get();
        let Some(lifecycle) = lifecycle.filter(|_| !self.is_closed.load(Ordering::Acquire)) else {
            return Answer::ready(Err(EngineError::Closed.into()));
        };
        let (sender, receiver) = oneshot::channel();
        lifecycle.spawn(async move { delivery::answer(sender, work.await) });
        Answer::pending(async move {
            receiver.await.unwrap_or_else(|_| Err(EngineError::Closed.into()))
        })
    }

    /// Runs one step of the directory.
    fn step<T: Send + 'static>(
        &self,
        step: impl FnOnce(&Shared) -> T + Send + 'static,
    ) -> Answer<Result<T, EngineError>> {
        let shared = Arc::clone(&self.shared);
        self.run(async move { Ok(step(&shared)) })
    }
}

impl Engine for MemoryNode {
    fn attach(&self, handler: Weak<dyn NodeHandler>, lifecycle: &Lifecycle) {
        let ends = self.waiting.lock().take();
        let Ends { operations, inbox } = ends.expect("an engine has one handler");
        assert!(self.lifecycle.set(lifecycle.clone()).is_ok(), "an engine has one handler");
        let (node, shared) = (self.epoch, &self.shared);
        let deliver = inbox::deliver(node, Arc::clone(shared), inbox, handler, lifecycle.clone());
        lifecycle.spawn(deliver);
        let execute_operation =
            operations::execute_operation(node, Arc::clone(shared), operations, lifecycle.clone());
        lifecycle.spawn(execute_operation);
    }

    fn node(&self) -> NodeEpoch {
        self.epoch
    }

    fn is_shared(&self) -> bool {
        true
    }

    fn append(
        &self,
        room: &RoomKey,
        command: RoomCommand,
        condition: Condition,
    ) -> Answer<Appended> {
        let (room, command) = (room.clone(), Box::new(command));
        self.operate(
            |appended| Operation::Append { room, command, condition, appended },
            |error| Appended::Refused(AppendError::Engine(error)),
            Appended::Unknown,
        )
    }

    fn interest(&self, room: &RoomKey) -> Answer<Result<(), EngineError>> {
        let room = room.clone();
        self.operate(
            |restored| Operation::Interest { room, restored },
            Err,
            Err(EngineError::Closed),
        )
    }

    fn release_interest(&self, room: &RoomKey) -> Answer<Result<(), EngineError>> {
        let room = room.clone();
        self.operate(
            |released| Operation::ReleaseInterest { room, released },
            Err,
            Err(EngineError::Closed),
        )
    }

    fn store_checkpoint(
        &self,
        room: &RoomKey,
        checkpoint: Checkpoint,
    ) -> Answer<Result<bool, EngineError>> {
        let room = room.clone();
        self.operate(
            |stored| Operation::StoreCheckpoint { room, checkpoint, stored },
            Err,
            Err(EngineError::Closed),
        )
    }

    fn send(
        &self,
        room: &RoomKey,
        last: u64,
        message: &RoomMessage,
    ) -> Answer<Result<Delivered, EngineError>> {
        let (room, message) = (room.clone(), Box::new(message.clone()));
        self.operate(
            |sent| Operation::Send { room, last, message, sent },
            Err,
            Err(EngineError::Closed),
        )
    }

    fn prepare(&self, prepare: Prepare) -> Answer<Result<Prepared, EngineError>> {
        self.step(move |shared| shared.directory.prepare(&prepare))
    }

    fn claim(&self, claim: Claim) -> Answer<Result<Claimed, EngineError>> {
        let (shared, node) = (Arc::clone(&self.shared), self.epoch);
        self.run(async move {
            let user = claim.user.clone();
            let claimed = shared.directory.claim(claim, node);
            if let Claimed::Held { displaced } = &claimed {
                for row in displaced.iter().filter(|row| row.node != node) {
                    let (session, generation) = (row.session, row.generation);
                    let notice = Displaced { user: user.clone(), session, generation };
                    if let Some(inbox) = shared.inbox(row.node) {
                        drop(inbox.send(Delivery::Displaced(notice)).await);
                    }
                }
            }
            Ok(claimed)
        })
    }

    fn fence(&self, user: DirectoryKey) -> Answer<Result<Vec<SessionRow>, EngineError>> {
        self.step(move |shared| shared.directory.fence(user))
    }

    fn rows(&self, user: DirectoryKey) -> Answer<Result<Vec<SessionRow>, EngineError>> {
        self.step(move |shared| shared.directory.rows(user))
    }

    fn release(&self, user: DirectoryKey, session: SessionId) -> Answer<Result<bool, EngineError>> {
        let node = self.epoch;
        self.step(move |shared| shared.directory.release(user, session, node))
    }

    fn suspend(
        &self,
        user: DirectoryKey,
        session: SessionId,
        generation: u64,
    ) -> Answer<Result<bool, EngineError>> {
        let node = self.epoch;
        self.step(move |shared| shared.directory.suspend(user, session, generation, node))
    }

    fn move_here(&self, to: Move) -> Answer<Result<Moved, EngineError>> {
        let node = self.epoch;
        self.step(move |shared| shared.directory.move_here(&to, node))
    }

    fn restore(&self, rows: Vec<Restore>) -> Answer<Result<(), EngineError>> {
        let node = self.epoch;
        self.step(move |shared| shared.directory.restore(rows, node))
    }

    fn renew_lease(&self) -> Answer<Result<Renewal, EngineError>> {
        let node = self.epoch;
        self.step(move |shared| {
            shared.directory.remove_idle();
            shared.renew(node)
        })
    }

    fn bury(&self, node: NodeEpoch) -> Answer<Result<Burial, EngineError>> {
        let (shared, by) = (Arc::clone(&self.shared), self.epoch);
        self.run(async move { Ok(shared.bury(node, by).await) })
    }

    fn request(
        &self,
        to: NodeEpoch,
        body: Bytes,
        deadline: Duration,
    ) -> Answer<Result<Bytes, RequestError>> {
        let (inbox, from) = (self.shared.inbox(to), self.epoch);
        self.run(async move {
            let inbox = inbox.ok_or(RequestError::Unreachable)?;
            let (answer, answered) = oneshot::channel();
            let request = Delivery::Request { from, body, answer };
            let asked = async {
                inbox.send(request).await.map_err(|_| RequestError::Unreachable)?;
                answered.await.map_err(|_| RequestError::Unreachable)
            };
            tokio::time::timeout(deadline, asked).await.unwrap_or(Err(RequestError::Deadline))
        })
    }

    fn health(&self) -> watch::Receiver<Health> {
        self.health.subscribe()
    }

    fn close(&self) -> Answer<u64> {
        let was_closed = self.is_closed.swap(true, Ordering::AcqRel);
        self.health.send_replace(Health::Closed);
        let (sender, receiver) = oneshot::channel();
        if was_closed || self.operations.try_send(Operation::Flush(sender)).is_err() {
            return Answer::ready(0);
        }
        let (shared, node) = (Arc::clone(&self.shared), self.epoch);
        Answer::pending(async move {
            // Tasks that ended earlier need no signal.
            let last = receiver.await.unwrap_or(0);
            shared.leave(node).await;
            last
        })
    }
}
