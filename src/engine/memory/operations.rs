//! The operations of a node on rooms: a queue, and the task that executes them in order.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use super::delivery::{Delivery, answer};
use super::shared::{Log, Shared};
use crate::engine::error::EngineError;
use crate::engine::log::{Appended, Checkpoint, Condition, Delivered, RoomMessage};
use crate::lifecycle::Lifecycle;
use crate::room::{NodeEpoch, RoomCommand, RoomKey};

/// An operation on a room, and the caller that waits for its result.
pub(super) enum Operation {
    Append {
        room: RoomKey,
        command: Box<RoomCommand>,
        condition: Condition,
        appended: oneshot::Sender<Appended>,
    },
    Interest {
        room: RoomKey,
        restored: oneshot::Sender<Result<(), EngineError>>,
    },
    ReleaseInterest {
        room: RoomKey,
        released: oneshot::Sender<Result<(), EngineError>>,
    },
    StoreCheckpoint {
        room: RoomKey,
        checkpoint: Checkpoint,
        stored: oneshot::Sender<Result<bool, EngineError>>,
    },
    Send {
        room: RoomKey,
        last: u64,
        message: Box<RoomMessage>,
        sent: oneshot::Sender<Result<Delivered, EngineError>>,
    },
    /// Marks that all earlier operations were executed. The result is the highest version of any room.
    Flush(oneshot::Sender<u64>),
}

/// Executes the operations of a node until it stops. Remaining ones are dropped, which fails their callers.
pub(super) async fn execute_operation(
    node: NodeEpoch,
    shared: Arc<Shared>,
    mut operations: mpsc::Receiver<Operation>,
    lifecycle: Lifecycle,
) {
    loop {
        let operation = tokio::select! {
            biased;
            () = lifecycle.stopping() => return,
            operation = operations.recv() => operation,
        };
        let Some(operation) = operation else { return };
        perform(node, &shared, operation).await;
    }
}

async fn perform(node: NodeEpoch, shared: &Shared, operation: Operation) {
    // Held until all deliveries are in the inboxes, so that all nodes have a room's entries in the same order.
    let mut logs = shared.logs.lock().await;
    match operation {
        Operation::Append { room, command, condition, appended } => {
            let placed = match logs.get_mut(&room) {
                Some(log) => log.append(node, *command, condition, &shared.clock),
                None => Log::default().append(node, *command, condition, &shared.clock),
            };
            let entry = match placed {
                Ok(entry) => entry,
                Err(error) => return answer(appended, Appended::Refused(error)),
            };
            let log = &logs[&room];
            let mut appended = Some(appended);
            for to in log.interested() {
                let appended = if to == node { appended.take() } else { None };
                let (room, entry) = (room.clone(), entry.clone());
                send(shared, to, Delivery::Entry { room, entry, appended }).await;
            }
            if let Some(due) = log.checkpoint_due() {
                send(shared, due, Delivery::CheckpointDue { room }).await;
            }
        }
        Operation::Interest { room, restored } => {
            match logs.entry(room.clone()).or_default().add_interest(node) {
                Some(log) => send(shared, node, Delivery::Restore { room, log, restored }).await,
                None => send(shared, node, Delivery::UpToDate(restored)).await,
            }
        }
        Operation::ReleaseInterest { room, released } => {
            if logs.get_mut(&room).is_some_and(|log| log.remove_interest(node)) {
                logs.remove(&room);
            }
            answer(released, Ok(()));
        }
        Operation::StoreCheckpoint { room, checkpoint, stored } => {
            let is_newest = logs.get_mut(&room).is_some_and(|log| log.store_checkpoint(checkpoint));
            answer(stored, Ok(is_newest));
        }
        Operation::Send { room, last, message, sent } => {
            let Some(log) = logs.get_mut(&room).filter(|log| log.is_interesting_to(node)) else {
                // The node left the room in the meantime and has no receiver.
                return answer(sent, Ok(Delivered::ByHandlers(last)));
            };
            let order = log.next_order(last, &shared.clock);
            let mut sent = Some(sent);
            for to in log.interested() {
                let sent = if to == node { sent.take() } else { None };
                let (room, message) = (room.clone(), (*message).clone());
                send(shared, to, Delivery::Message { room, order, message, sent }).await;
            }
        }
        Operation::Flush(flushed) => {
            let last = logs.values().map(Log::version).max().unwrap_or(0);
            drop(logs);
            let (sender, receiver) = oneshot::channel();
            send(shared, node, Delivery::Flushed(sender)).await;
            // A node with a closed inbox has no deliveries left.
            drop(receiver.await);
            answer(flushed, last);
        }
    }
}

/// Sends to a node, unless it has left.
async fn send(shared: &Shared, to: NodeEpoch, delivery: Delivery) {
    if let Some(inbox) = shared.inbox(to) {
        drop(inbox.send(delivery).await);
    }
}
