//! The interface between node and engine: calls of the node, and calls of the engine.

use std::sync::Weak;
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use tokio::sync::watch;

use super::answer::Answer;
use super::directory::{
    Claim, Claimed, DirectoryKey, Displaced, Move, Moved, Prepare, Prepared, Restore, SessionRow,
};
use super::error::{EngineError, RequestError};
use super::log::{Appended, Checkpoint, Condition, Delivered, RoomLog, RoomMessage};
use super::nodes::{Burial, Gap, Health, Renewal};
use crate::lifecycle::Lifecycle;
use crate::room::{Entry, NodeEpoch, RoomCommand, RoomKey};
use stagedoor_proto::SessionId;

/// The engine for one node of a cluster.
///
/// Calls of one caller for one room take effect in order, whether or not their answers are
/// awaited. No call blocks; a full queue answers [`EngineError::Unavailable`].
pub trait Engine: Send + Sync + 'static {
    /// Sets the handler of this node, which tasks of `lifecycle` call. Called once, before all other methods.
    fn attach(&self, handler: Weak<dyn NodeHandler>, lifecycle: &Lifecycle);

    /// This node's registration.
    fn node(&self) -> NodeEpoch;

    /// Whether several nodes can share the engine.
    fn is_shared(&self) -> bool;

    /// Appends `command` to a room's log with a version and a time, if `condition` holds. The handlers of all
    /// interested nodes receive the entry; this node's receives it before the answer. Versions increase, with gaps.
    fn append(
        &self,
        room: &RoomKey,
        command: RoomCommand,
        condition: Condition,
    ) -> Answer<Appended>;

    /// Registers interest in a room. In the same step [`NodeHandler::restore`] receives the log so
    /// far, then [`NodeHandler::apply`] each further entry. Answered once the handler has all entries at the time of
    /// the call, also if the node was interested already.
    fn interest(&self, room: &RoomKey) -> Answer<Result<(), EngineError>>;

    /// Ends the interest in a room. The log of a room without interested nodes is dropped.
    fn release_interest(&self, room: &RoomKey) -> Answer<Result<(), EngineError>>;

    /// Replaces the entries up to the version of a checkpoint with it; `false` if there is a newer one.
    fn store_checkpoint(
        &self,
        room: &RoomKey,
        checkpoint: Checkpoint,
    ) -> Answer<Result<bool, EngineError>>;

    /// Sends a message to all interested nodes, with an order greater than `last`, the greatest that this node knows in
    /// the room. [`Delivered`] says which side delivers it on this node.
    ///
    /// May be called under the room's lock, so that messages with ready answers are delivered in order.
    fn send(
        &self,
        room: &RoomKey,
        last: u64,
        message: &RoomMessage,
    ) -> Answer<Result<Delivered, EngineError>>;

    /// Begins a start: reads the user's fence and fixes the generation. Called before the store is asked.
    fn prepare(&self, prepare: Prepare) -> Answer<Result<Prepared, EngineError>>;

    /// Claims a client instance for a session, unless a concurrent change prevents it. The nodes of displaced sessions
    /// are notified in the same step.
    fn claim(&self, claim: Claim) -> Answer<Result<Claimed, EngineError>>;

    /// Moves a user's fence, so that earlier prepared starts prepare again. Returns the sessions of the user.
    fn fence(&self, user: DirectoryKey) -> Answer<Result<Vec<SessionRow>, EngineError>>;

    /// The sessions of a user.
    fn rows(&self, user: DirectoryKey) -> Answer<Result<Vec<SessionRow>, EngineError>>;

    /// Removes the row of a session of this node; `false` if another session or node has the row.
    fn release(&self, user: DirectoryKey, session: SessionId) -> Answer<Result<bool, EngineError>>;

    /// Marks the session of `generation` as disconnected; `false` if the row has another generation.
    fn suspend(
        &self,
        user: DirectoryKey,
        session: SessionId,
        generation: u64,
    ) -> Answer<Result<bool, EngineError>>;

    /// Moves a session's row to this node, for a resume: afterwards no other node may act for the session.
    fn move_here(&self, to: Move) -> Answer<Result<Moved, EngineError>>;

    /// Restores rows that this node had before, except those with a newer generation.
    fn restore(&self, rows: Vec<Restore>) -> Answer<Result<(), EngineError>>;

    /// Renews this node's lease; see [`LEASE_RENEWAL`](super::LEASE_RENEWAL).
    fn renew_lease(&self) -> Answer<Result<Renewal, EngineError>>;

    /// Declares a node with a lapsed lease dead. Only one caller succeeds.
    fn bury(&self, node: NodeEpoch) -> Answer<Result<Burial, EngineError>>;

    /// Sends a request to another node, which executes it at most once.
    fn request(
        &self,
        to: NodeEpoch,
        body: Bytes,
        deadline: Duration,
    ) -> Answer<Result<Bytes, RequestError>>;

    fn health(&self) -> watch::Receiver<Health>;

    /// Rejects new calls, waits for pending entries, and ends this node's registration. Returns the highest version.
    fn close(&self) -> Answer<u64>;
}

/// The handler of the engine's calls on a node. Calls for one room come one at a time and in order.
///
/// No method may wait for an answer of the engine before it returns. The engine of a single node only calls the
/// first two.
pub trait NodeHandler: Send + Sync {
    /// Applies the next entry of a room's log.
    fn apply(&self, room: &RoomKey, entry: Entry);

    /// The version of the last applied entry of a room; 0 if the node does not have the room.
    fn applied_version(&self, room: &RoomKey) -> u64;

    /// Loads the log of a room after interest was registered; it replaces the node's state of the room.
    fn restore(&self, room: &RoomKey, log: RoomLog);

    /// The log of a room is long: the node should store a checkpoint.
    fn checkpoint_due(&self, room: &RoomKey);

    /// Delivers a message to the local participants of a room.
    fn deliver(&self, room: &RoomKey, order: u64, message: RoomMessage);

    /// A session of another node displaced one of this node.
    fn displaced(&self, displaced: Displaced);

    /// Answers a request of another node.
    fn request(&self, from: NodeEpoch, body: Bytes) -> BoxFuture<'static, Bytes>;

    /// Deliveries may have been lost.
    fn resync(&self, gap: Gap);
}
