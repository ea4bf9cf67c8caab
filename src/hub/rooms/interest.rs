//! Rooms that other nodes have too: their log so far, checkpoints, messages, and when this node needs them no more.
//!
//! A node is interested in a room from before it opens it until the room has closed, or until no session of this node
//! has been in it for a while.

use std::sync::Arc;
use std::time::Duration;

use stagedoor_proto::{RoomId, Timestamp};

use super::Rooms;
use super::handle::RoomHandle;
use super::replicas::Replicas;
use crate::hub::errors::CallError;
use crate::hub::sessions::SessionHandle;
use crate::room::RoomKey;
use crate::session::RoomTag;

/// How long a room without sessions of this node is kept, where other nodes have it: whoever was here last often comes back.
pub(super) const IDLE_ROOM_RETENTION: Duration = Duration::from_mins(1);

impl Rooms {
    /// The rooms as the engine changes them.
    pub(in crate::hub) fn replicas(&self) -> Replicas {
        Replicas {
            registry: Arc::clone(&self.registry),
            engine: Arc::clone(&self.engine),
            executor: Arc::clone(&self.executor),
            context: Arc::clone(&self.context),
        }
    }

    /// The room, if it is open here or on another node.
    pub(in crate::hub) async fn find(
        &self,
        key: &RoomKey,
    ) -> Result<Option<Arc<RoomHandle>>, CallError> {
        if let Some(room) = self.find_open(key) {
            return Ok(Some(room));
        }
        self.engine.interest(key).await?;
        Ok(self.find_open(key))
    }

    /// The room, if it is open, after all entries and messages that any node had of it when this was called.
    pub(in crate::hub) async fn find_up_to_date(
        &self,
        key: &RoomKey,
    ) -> Result<Option<Arc<RoomHandle>>, CallError> {
        self.engine.interest(key).await?;
        Ok(self.find_open(key))
    }

    /// Resolves once the session's rooms have all entries and messages that any node had of them when this was called.
    pub(in crate::hub) async fn catch_up(&self, session: &SessionHandle) {
        for room in session
            .update_memberships(|rooms, _| rooms.tags())
            .into_iter()
            .filter_map(|tag| self.registry.find_by_tag(tag))
        {
            if let Err(error) = self.engine.interest(room.key()).await {
                tracing::warn!(%error, "a room may lag behind");
            }
        }
    }

    /// Takes a session out of its rooms on this node, without a word to them: each with its mark, its version and the
    /// order of its last message.
    pub(in crate::hub) fn detach(
        &self,
        session: &SessionHandle,
    ) -> Vec<(RoomId, RoomTag, u64, u64)> {
        let detach = |tag| {
            let room = self.registry.find_by_tag(tag)?;
            let mut inner = room.lock();
            inner.sessions.remove(&session.id());
            inner.local.remove(session.id());
            session.update_memberships(|rooms, _| rooms.remove(tag));
            room.update_due(&inner, self.context.clock.wall());
            let id = room.key().room.clone();
            Some((id, tag, inner.room.version(), inner.local.last_order()))
        };
        session.update_memberships(|rooms, _| rooms.tags()).into_iter().filter_map(detach).collect()
    }

    /// Gives up rooms that this node has no session in, where others have.
    pub(super) fn release_idle(&self, now: Timestamp) {
        for key in self.registry.idle_since(now - IDLE_ROOM_RETENTION) {
            if self.registry.remove_if(&key, RoomHandle::is_needless) {
                self.context.run_detached(self.engine.release_interest(&key));
            }
        }
    }
}
