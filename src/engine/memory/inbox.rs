//! The inbox of a node: a queue of deliveries, and the task that calls the node's handler in order.

use std::sync::{Arc, Weak};

use tokio::sync::mpsc;

use super::delivery::{self, Delivery};
use super::shared::Shared;
use crate::engine::log::{Appended, Delivered};
use crate::engine::traits::NodeHandler;
use crate::lifecycle::Lifecycle;
use crate::room::NodeEpoch;

/// Delivers to a node until it stops; then the node leaves the cluster.
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
    // Senders that wait for space in the queue fail and release the log, so that the node can leave it.
    drop(inbox);
    shared.leave(node).await;
}

fn hand_over(handler: &dyn NodeHandler, delivery: Delivery, lifecycle: &Lifecycle) {
    match delivery {
        Delivery::Entry { room, entry, appended } => {
            let version = entry.version;
            handler.apply(&room, entry);
            if let Some(appended) = appended {
                delivery::answer(appended, Appended::Placed(version));
            }
        }
        Delivery::Restore { room, log, restored } => {
            handler.restore(&room, log);
            delivery::answer(restored, Ok(()));
        }
        Delivery::UpToDate(known) => delivery::answer(known, Ok(())),
        Delivery::CheckpointDue { room } => handler.checkpoint_due(&room),
        Delivery::Message { room, order, message, sent } => {
            handler.deliver(&room, order, message);
            if let Some(sent) = sent {
                delivery::answer(sent, Ok(Delivered::ByHandlers(order)));
            }
        }
        Delivery::Displaced(displaced) => handler.displaced(displaced),
        Delivery::Request { from, body, answer } => {
            let answering = handler.request(from, body);
            lifecycle.spawn(async move { delivery::answer(answer, answering.await) });
        }
        Delivery::Flushed(flushed) => delivery::answer(flushed, ()),
    }
}
