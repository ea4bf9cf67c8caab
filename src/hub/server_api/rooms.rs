//! Rooms as their app's server sees and uses them.
//!
//! The server acts in known rooms only, so that a misspelt name is an error and creates no room.

use std::collections::BTreeMap;
use std::sync::Arc;

use stagedoor_proto::{
    Error, ErrorCode, ParticipantId, RoomId, RoomMute, SendSignal, Sent, Stream, StreamId,
    Timestamp,
};

use super::ServerApi;
use crate::hub::errors::CallError;
use crate::hub::rooms::RoomHandle;
use crate::room::{DurableChange, ParticipantInfo, Room, RoomKey, RoomOverrides, RoomSummary};
use crate::store::{AuditEvent, CREATED_ROOM_RETENTION, CreatedRoom, Page};

/// A room, as an operator sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct ShownRoom {
    /// Its id.
    pub room: RoomId,
    /// How it is, while it is open.
    pub open: Option<RoomSummary>,
    /// How it was created, where it was.
    pub created: Option<CreatedRoom>,
}

impl ServerApi {
    /// Creates a room before anybody joins, with `overrides`, muted or locked from the start. `row` is what the audit log
    /// keeps of it.
    ///
    /// # Errors
    /// [`CallError::RoomExists`] when it is open, or was created before and not ended since.
    pub async fn create_room(
        &self,
        key: &RoomKey,
        overrides: RoomOverrides,
        mute: RoomMute,
        locked: bool,
        row: Option<AuditEvent>,
    ) -> Result<CreatedRoom, CallError> {
        if self.rooms.find(key).await?.is_some() {
            return Err(CallError::RoomExists);
        }
        let created = CreatedRoom { overrides, created: self.context.clock.wall() };
        let keep_until = created.created + CREATED_ROOM_RETENTION;
        let changes =
            vec![DurableChange::Room { mute, locked }, DurableChange::Emptied { keep_until }];
        if !self.context.store.create_room(key.clone(), created.clone(), changes, row).await? {
            return Err(CallError::RoomExists);
        }
        if let Err(error) = self.rooms.open_known(key).await {
            // It is created all the same: the first join opens it.
            tracing::warn!(%error, "a created room could not be opened yet");
            return Ok(created);
        }
        // A join may have opened it before it was created.
        let app = self.context.app(&key.app).ok_or(CallError::NoRoom)?;
        let settings = created.overrides.over(&self.context.room_settings(app));
        let is_as_chosen = |room: Arc<RoomHandle>| {
            let overview = room.lock().room.summary();
            (overview.settings, overview.mute, overview.locked) == (settings, mute, locked)
        };
        if self.rooms.find_open(key).is_some_and(is_as_chosen) {
            return Ok(created);
        }
        Err(CallError::RoomExists)
    }

    /// A room, open or not.
    ///
    /// # Errors
    /// [`CallError::NoRoom`].
    pub async fn room(&self, key: &RoomKey) -> Result<ShownRoom, CallError> {
        let open = self.rooms.find(key).await?.map(|room| room.lock().room.summary());
        let stored = self.rooms.load(key).await?;
        if open.is_none() && !stored.is_known() {
            return Err(CallError::NoRoom);
        }
        Ok(ShownRoom { room: key.room.clone(), open, created: stored.created })
    }

    /// An app's rooms by name: those that are open, and those that were created.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn list_rooms(
        &self,
        app: &Arc<str>,
        page: Page<RoomId>,
    ) -> Result<Vec<ShownRoom>, CallError> {
        let limit = page.limit;
        let mut rooms = BTreeMap::new();
        for room in self.rooms.list_after(app, page.after.as_ref(), limit) {
            let inner = room.lock();
            if inner.room.is_open() {
                let (room, open) = (room.key().room.clone(), Some(inner.room.summary()));
                rooms.insert(room.clone(), ShownRoom { room, open, created: None });
            }
        }
        let created = self
            .context
            .store
            .created_rooms(Arc::clone(app), page, self.context.clock.wall())
            .await?;
        for (room, created) in created {
            let shown = || ShownRoom { room: room.clone(), open: None, created: None };
            rooms.entry(room.clone()).or_insert_with(shown).created = Some(created);
        }
        Ok(rooms.into_values().take(limit).collect())
    }

    /// At most `limit` of those who are in a room, after `after`.
    ///
    /// # Errors
    /// [`CallError::NoRoom`].
    pub async fn participants(
        &self,
        key: &RoomKey,
        after: Option<ParticipantId>,
        limit: usize,
    ) -> Result<Vec<ParticipantInfo>, CallError> {
        self.look(key, |room| room.participants(after).take(limit).collect()).await
    }

    /// At most `limit` of the streams in a room, after `after`.
    ///
    /// # Errors
    /// [`CallError::NoRoom`].
    pub async fn streams(
        &self,
        key: &RoomKey,
        after: Option<StreamId>,
        limit: usize,
    ) -> Result<Vec<Stream>, CallError> {
        self.look(key, |room| room.streams_after(after).take(limit).cloned().collect()).await
    }

    /// Looks into an open room; one that is known and not open has nothing to show.
    async fn look<T: Default>(
        &self,
        key: &RoomKey,
        look: impl FnOnce(&Room) -> T,
    ) -> Result<T, CallError> {
        match self.rooms.find(key).await? {
            Some(room) => Ok(look(&room.lock().room)),
            None => self.room(key).await.map(|_| T::default()),
        }
    }

    /// Sends a signal from the server.
    ///
    /// # Errors
    /// As the room refuses it.
    pub async fn send_signal(
        &self,
        key: &RoomKey,
        signal: SendSignal,
        now: Timestamp,
    ) -> Result<Sent, CallError> {
        self.rooms.open_known(key).await?;
        let Some(room) = self.rooms.find_open(key) else {
            let message = "the room is just opening; try again";
            return Err(Error::new(ErrorCode::EngineUnavailable, message).into());
        };
        Ok(self.rooms.signal(&room, None, signal, now).await?)
    }
}
