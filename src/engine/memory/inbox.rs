//! What reaches one node, in order: one queue and the task that hands it to the node's handler.

use std::sync::{Arc, Weak};

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};

use super::cluster::Shared;
use crate::engine::directory::Displaced;
use crate::engine::error::EngineError;
use crate::engine::log::{Appended, Delivered, RoomLog, RoomMessage};
use crate::engine::traits::NodeHandler;
use crate::lifecycle::Lifecycle;
use crate::room::{Entry, NodeEpoch, RoomKey};

/// Something for a node's handler, and who waits until the handler had it.
pub(super) enum Delivery {
    Entry {
        room: RoomKey,
        entry: Entry,
        appended: Option<oneshot::Sender<Appended>>,
    },
    Restore {
        room: RoomKey,
        log: RoomLog,
        restored: oneshot::Sender<Result<(), EngineError>>,
    },
    /// The node has had everything before it.
    UpToDate(oneshot::Sender<Result<(), EngineError>>),
    CheckpointDue {
        room: RoomKey,
    },
    Message {
        room: RoomKey,
        order: u64,
        message: RoomMessage,
        sent: Option<oneshot::Sender<Result<Delivered, EngineError>>>,
    },
    Displaced(Displaced),
    Request {
        from: NodeEpoch,
        body: Bytes,
        answer: oneshot::Sender<Bytes>,
    },
    /// Everything before it was handled.
    Flushed(oneshot::Sender<()>),
}

/// Hands a node what is for it, until the node stops; then the node has left.
pub(super) async fn deliver(
    node: NodeEpoch,
    shared: Arc<Shared>,
    mut inbox: mpsc::Receiver<Delivery>,
    handler: Weak<dyn NodeHandler>,
    lifecycle: Lifecycle,
) {
    loop {
        let delivery = tokio::select! {
            biased;
            () = lifecycle.stopping() => break,
            delivery = inbox.recv() => delivery,
        };
        let (Some(delivery), Some(handler)) = (delivery, handler.upgrade()) else { break };
        hand_over(&*handler, delivery, &lifecycle);
    }
    // Senders that wait for a place here give up, so that the log they hold is free to be left.
    drop(inbox);
    shared.leave(node).await;
}

fn hand_over(handler: &dyn NodeHandler, delivery: Delivery, lifecycle: &Lifecycle) {
    match delivery {
        Delivery::Entry { room, entry, appended } => {
            let version = entry.version;
            handler.apply(&room, entry);
            if let Some(appended) = appended {
                answer(appended, Appended::Placed(version));
            }
        }
        Delivery::Restore { room, log, restored } => {
            handler.restore(&room, log);
            answer(restored, Ok(()));
        }
        Delivery::UpToDate(known) => answer(known, Ok(())),
        Delivery::CheckpointDue { room } => handler.checkpoint_due(&room),
        Delivery::Message { room, order, message, sent } => {
            handler.deliver(&room, order, message);
            if let Some(sent) = sent {
                answer(sent, Ok(Delivered::ByHandlers(order)));
            }
        }
        Delivery::Displaced(displaced) => handler.displaced(displaced),
        Delivery::Request { from, body, answer } => {
            let answering = handler.request(from, body);
            lifecycle.spawn(async move { self::answer(answer, answering.await) });
        }
        Delivery::Flushed(flushed) => answer(flushed, ()),
    }
}

/// Gives a result to whoever asked, unless they wait no more.
pub(super) fn answer<T>(to: oneshot::Sender<T>, result: T) {
    let _ = to.send(result);
}
