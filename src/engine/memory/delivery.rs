//! Deliveries to one node.

use bytes::Bytes;
use tokio::sync::oneshot;

use crate::engine::directory::Displaced;
use crate::engine::error::EngineError;
use crate::engine::log::{Appended, Delivered, RoomLog, RoomMessage};
use crate::room::{Entry, NodeEpoch, RoomKey};

/// A call of a node's handler, and the caller that waits for it.
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
    /// Marks that the node handled all earlier deliveries.
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
    /// Marks that all earlier deliveries were handled.
    Flushed(oneshot::Sender<()>),
}

/// Sends a result to its caller, if the caller still waits.
pub(super) fn answer<T>(to: oneshot::Sender<T>, result: T) {
    let _ = to.send(result);
}
