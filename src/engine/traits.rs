//! The two halves of the seam: what a node asks of the engine, and what the engine asks of a node.

use std::sync::Weak;
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use tokio::sync::watch;

use super::answer::Answer;
use super::directory::{
    Claim, Claimed, Displaced, Move, Moved, Prepare, Prepared, Restore, SessionRow,
};
use super::error::{EngineError, RequestError};
use super::log::{Appended, Checkpoint, Condition, Delivered, RoomLog, RoomMessage};
use super::nodes::{Burial, Gap, Health, Renewal};
use crate::lifecycle::Lifecycle;
use crate::room::{Entry, NodeEpoch, RoomCommand, RoomKey};
use crate::store::UserKey;
use stagedoor_proto::SessionId;

/// What the nodes of a cluster share, as one of them sees it.
///
/// Calls of one caller for one room take effect in the order in which they are made, whether or not their answers are
/// waited for. No call blocks; a queue that is full answers [`EngineError::Unavailable`].
pub trait Engine: Send + Sync + 'static {
    /// Hands everything for this node to `handler` from now on, from tasks of `lifecycle`. Called once, before anything
    /// else is.
    fn attach(&self, handler: Weak<dyn NodeHandler>, lifecycle: &Lifecycle);

    /// This node's registration.
    fn node(&self) -> NodeEpoch;

    /// Whether other nodes can take part.
    fn is_shared(&self) -> bool;

    /// Gives `command` its version and its time in a room's log, if `condition` holds. Its entry reaches the handler of
    /// every interested node, this one's too, and before the answer. Versions grow, and may be skipped.
    fn append(
        &self,
        room: &RoomKey,
        command: RoomCommand,
        condition: Condition,
    ) -> Answer<Appended>;

    /// Asks for a room's entries, and in the same step for what came before: [`NodeHandler::restore`] gets the log so
    /// far, then [`NodeHandler::apply`] each further entry. Answered once the handler has all that there was when this was
    /// called, by a node that is interested already too.
    fn interest(&self, room: &RoomKey) -> Answer<Result<(), EngineError>>;

    /// Ends the interest in a room. The log of a room without interest is dropped.
    fn release_interest(&self, room: &RoomKey) -> Answer<Result<(), EngineError>>;

    /// Puts a checkpoint in place of the entries up to its version; `false` when there is a newer one.
    fn store_checkpoint(
        &self,
        room: &RoomKey,
        checkpoint: Checkpoint,
    ) -> Answer<Result<bool, EngineError>>;

    /// Gives a message its order, greater than `last` (the greatest this node has seen in the room), and sends it to
    /// all interested nodes. [`Delivered`] says who delivers it on this node.
    ///
    /// May be called under the room's lock, so that messages are delivered in their order where the answer is ready.
    fn send(
        &self,
        room: &RoomKey,
        last: u64,
        message: &RoomMessage,
    ) -> Answer<Result<Delivered, EngineError>>;

    /// Begins a start: reads the user's fence and fixes the generation. Asked before the store is.
    fn prepare(&self, prepare: Prepare) -> Answer<Result<Prepared, EngineError>>;

    /// Gives a client instance to a session, unless something came between. The nodes of those it displaces are
    /// notified in the same step.
    fn claim(&self, claim: Claim) -> Answer<Result<Claimed, EngineError>>;

    /// Moves a user's fence, so that starts that were prepared before it prepare again, and returns the sessions held.
    fn fence(&self, user: &UserKey) -> Answer<Result<Vec<SessionRow>, EngineError>>;

    /// The sessions a user holds.
    fn rows(&self, user: &UserKey) -> Answer<Result<Vec<SessionRow>, EngineError>>;

    /// Removes the row of a session of this node; `false` when the row is of another session or node by now.
    fn release(&self, user: &UserKey, session: SessionId) -> Answer<Result<bool, EngineError>>;

    /// Notes that the connection of `generation` is gone; `false` when the row is of another one by now.
    fn suspend(
        &self,
        user: &UserKey,
        session: SessionId,
        generation: u64,
    ) -> Answer<Result<bool, EngineError>>;

    /// Moves a session's row to this node, for a resume: from here on no other node may act for it.
    fn move_here(&self, to: Move) -> Answer<Result<Moved, EngineError>>;

    /// Puts back rows that this node held before; those of which a newer generation is held are not.
    fn restore(&self, rows: Vec<Restore>) -> Answer<Result<(), EngineError>>;

    /// Renews this node's lease; see [`LEASE_RENEWAL`](super::LEASE_RENEWAL).
    fn renew_lease(&self) -> Answer<Result<Renewal, EngineError>>;

    /// Declares a node dead whose lease has lapsed. Of all who try, one succeeds.
    fn bury(&self, node: NodeEpoch) -> Answer<Result<Burial, EngineError>>;

    /// Asks another node for something, which it does at most once.
    fn request(
        &self,
        to: NodeEpoch,
        body: Bytes,
        deadline: Duration,
    ) -> Answer<Result<Bytes, RequestError>>;

    /// Whether the engine can be used.
    fn health(&self) -> watch::Receiver<Health>;

    /// Takes nothing more, waits for what is being applied, and ends this node's registration; the last version given.
    fn close(&self) -> Answer<u64>;
}

/// A node, as the engine uses it. Calls for one room come one at a time and in order.
///
/// None of them may wait for an answer of the engine before it returns. Of a node that is alone only the first two are
/// asked.
pub trait NodeHandler: Send + Sync {
    /// The next entry of a room's log.
    fn apply(&self, room: &RoomKey, entry: Entry);

    /// The version of the last entry that was applied to a room; 0 when the node does not have it.
    fn applied_version(&self, room: &RoomKey) -> u64;

    /// The log of a room in which the node has interest from now on; takes the place of what the node has of it.
    fn restore(&self, room: &RoomKey, log: RoomLog);

    /// A room's log has grown long: the node may store a checkpoint.
    fn checkpoint_due(&self, room: &RoomKey);

    /// A message to the local participants of a room.
    fn deliver(&self, room: &RoomKey, order: u64, message: RoomMessage);

    /// A session of this node was displaced by one of another node.
    fn displaced(&self, displaced: Displaced);

    /// Answers another node.
    fn request(&self, from: NodeEpoch, body: Bytes) -> BoxFuture<'static, Bytes>;

    /// Something may have been missed.
    fn resync(&self, gap: Gap);
}
