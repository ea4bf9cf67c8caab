//! Rooms that other nodes also have: catching up with their log, and the end of this node's interest.
//!
//! A node is interested in a room from before it opens it until the room closes, or until it has had no local session
//! for a while.

use std::sync::Arc;
use std::time::Duration;

use stagedoor_proto::RoomId;

use super::Rooms;
use super::handle::{RoomHandle, RoomInner};
use super::replicas::Replicas;
use crate::hub::errors::CallError;
use crate::hub::sessions::SessionHandle;
use crate::room::RoomKey;
use crate::session::RoomTag;
use crate::time::Monotonic;

/// How long a room without local sessions is retained if other nodes have it, because sessions often return soon.
pub(super) const IDLE_ROOM_RETENTION: Duration = Duration::from_mins(1);

impl Rooms {
    /// The handler of the engine's calls about rooms.
    pub(in crate::hub) fn replicas(&self) -> Replicas {
        Replicas {
            registry: Arc::clone(&self.registry),
            engine: Arc::clone(&self.engine),
            executor: Arc::clone(&self.executor),
            context: Arc::clone(&self.context),
        }
    }

    /// The room, if it is open on any node.
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

    /// The room, if it is open, with all entries and messages that any node had at the time of the call.
    pub(in crate::hub) async fn find_up_to_date(
        &self,
        key: &RoomKey,
    ) -> Result<Option<Arc<RoomHandle>>, CallError> {
        self.engine.interest(key).await?;
        Ok(self.find_open(key))
    }

    /// Resolves once the session's rooms have all entries and messages that any node had at the time of the call.
    pub(in crate::hub) async fn catch_up(&self, session: &SessionHandle) {
        for room in session
            .update_memberships(|rooms, _| rooms.tags())
            .into_iter()
            .filter_map(|tag| self.registry.find_by_tag(tag))
        {
            if let Err(error) = self.engine.interest(room.key()).await {
                tracing::warn!(%error, "room may be outdated");
            }
        }
    }

    /// Removes a session from its rooms on this node without notifying them. Returns each room with its tag, its
    /// version and the order of its last signal.
    pub(in crate::hub) fn detach(
        &self,
        session: &SessionHandle,
    ) -> Vec<(RoomId, RoomTag, u64, u64)> {
        let detach = |tag| {
            let room = self.registry.find_by_tag(tag)?;
            let mut inner = room.lock();
            inner.sessions.remove(&session.id());
            let RoomInner { room: state, local, .. } = &mut *inner;
            local.remove(state, session.id(), self.context.clock.monotonic());
            session.update_memberships(|rooms, _| rooms.remove(tag));
            room.update_due(&inner, self.context.clock.monotonic());
            let id = room.key().room.clone();
            Some((id, tag, inner.room.version(), inner.local.last_order()))
        };
        session.update_memberships(|rooms, _| rooms.tags()).into_iter().filter_map(detach).collect()
    }

    /// Removes rooms without local sessions that other nodes have.
    pub(super) fn release_idle(&self, now: Monotonic) {
        for key in self.registry.idle_since(now - IDLE_ROOM_RETENTION) {
            if self.registry.remove_if(&key, RoomHandle::is_unneeded) {
                self.context.run_detached(self.engine.release_interest(&key));
            }
        }
    }
}
