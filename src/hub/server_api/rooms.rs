//! Rooms in the server API.
//!
//! The server only acts in known rooms, so that a misspelt name is an error and creates no room.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use stagedoor_proto::{
    Error, ErrorCode, ParticipantId, RoomId, RoomMute, SendSignal, Sent, Stream, StreamId, Username,
};

use super::ServerApi;
use crate::hub::context::check_records;
use crate::hub::errors::CallError;
use crate::hub::rooms::{Opener, RoomHandle, recreate};
use crate::room::{
    DurableChange, ParticipantInfo, RecreateRoom, Room, RoomCommand, RoomKey, RoomOverrides,
    RoomSummary,
};
use crate::store::{AuditEvent, CREATED_ROOM_RETENTION, CreatedRoom, Page};
use crate::time::Now;

/// When to retry a creation that the former end of the room has to precede.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// A room for operators.
#[derive(Clone, Debug, PartialEq)]
pub struct RoomDetails {
    pub room: RoomId,
    /// Its state, if it is open.
    pub open: Option<RoomSummary>,
    /// The row of its creation, if it was created by the server API.
    pub created: Option<CreatedRoom>,
}

impl ServerApi {
    /// Creates a room before the first join, with `overrides`, muted or locked from the start. `row` is the audit row.
    /// A room that was ended can be created again at once; the former room tokens stay void.
    ///
    /// # Errors
    /// [`CallError::RoomExists`] if it is open, or was created and has not ended since.
    pub async fn create_room(
        &self,
        key: &RoomKey,
        overrides: RoomOverrides,
        mute: RoomMute,
        locked: bool,
        row: Option<AuditEvent>,
    ) -> Result<CreatedRoom, CallError> {
        let ended = self.rooms.find(key).await?;
        if ended.as_ref().is_some_and(|room| !room.has_ended()) {
            return Err(CallError::RoomExists);
        }
        if ended.as_ref().is_some_and(|room| room.has_failed_writes()) {
            // The end of the room removes the row of its creation, and would remove a new one.
            self.rooms.append(key, RoomCommand::Tick);
            let message = "the end of the room is not persisted yet; retry";
            return Err(Error::new(ErrorCode::Overloaded, message).retry_after(RETRY_AFTER).into());
        }
        check_records(&self.context, &key.app, true)?;
        let created = CreatedRoom { overrides, created: self.context.clock.wall() };
        let keep_until = created.created + CREATED_ROOM_RETENTION;
        let changes =
            vec![DurableChange::Room { mute, locked }, DurableChange::Emptied { keep_until }];
        if !self.context.store.create_room(key.clone(), created.clone(), changes, row).await? {
            return Err(CallError::RoomExists);
        }
        let app = self.context.app(&key.app).ok_or(CallError::NoRoom)?;
        let settings = created.overrides.over(&self.context.room_settings(app));
        if ended.is_some() {
            let new = RecreateRoom { settings: settings.clone(), mute, locked };
            recreate(&self.rooms, key, new).await?;
        }
        let _room = match self.rooms.open(key, Opener::Call).await {
            Ok(room) => room,
            Err(error) => {
                // The room is created anyway: the first join opens it.
                tracing::warn!(%error, "created room not opened yet");
                return Ok(created);
            }
        };
        // A join may have opened the room before it was created.
        let is_as_chosen = |room: Arc<RoomHandle>| {
            let overview = room.lock().room.summary();
            (overview.settings, overview.mute, overview.locked) == (settings, mute, locked)
        };
        if self.rooms.find_open(key).is_some_and(is_as_chosen) {
            return Ok(created);
        }
        Err(CallError::RoomExists)
    }

    /// # Errors
    /// [`CallError::NoRoom`].
    pub async fn room(&self, key: &RoomKey) -> Result<RoomDetails, CallError> {
        let open = self.rooms.find(key).await?.map(|room| room.lock().room.summary());
        let stored = self.rooms.load(key).await?;
        if open.is_none() && !stored.is_known() {
            return Err(CallError::NoRoom);
        }
        Ok(RoomDetails { room: key.room.clone(), open, created: stored.created })
    }

    /// The open and created rooms of an app, by name.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn list_rooms(
        &self,
        app: &Arc<str>,
        page: Page<RoomId>,
    ) -> Result<Vec<RoomDetails>, CallError> {
        let limit = page.limit;
        let mut rooms = BTreeMap::new();
        for room in self.rooms.list_after(app, page.after.as_ref(), limit) {
            let inner = room.lock();
            if inner.room.is_open() {
                let (room, open) = (room.key().room.clone(), Some(inner.room.summary()));
                rooms.insert(room.clone(), RoomDetails { room, open, created: None });
            }
        }
        let created = self
            .context
            .store
            .created_rooms(Arc::clone(app), page, self.context.clock.wall())
            .await?;
        for (room, created) in created {
            let shown = || RoomDetails { room: room.clone(), open: None, created: None };
            rooms.entry(room.clone()).or_insert_with(shown).created = Some(created);
        }
        Ok(rooms.into_values().take(limit).collect())
    }

    /// At most `limit` participants of a room, after `after`; of one user, if `user` names one.
    ///
    /// # Errors
    /// [`CallError::NoRoom`].
    pub async fn participants(
        &self,
        key: &RoomKey,
        user: Option<&Username>,
        after: Option<ParticipantId>,
        limit: usize,
    ) -> Result<Vec<ParticipantInfo>, CallError> {
        self.look(key, |room| room.participants(user, after).take(limit).collect()).await
    }

    /// At most `limit` streams of a room, after `after`.
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

    /// Reads an open room; a known room that is not open is empty.
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
    /// The error of the room.
    pub async fn send_signal(
        &self,
        key: &RoomKey,
        signal: SendSignal,
        now: Now,
    ) -> Result<Sent, CallError> {
        let room = self.rooms.open(key, Opener::Call).await?;
        Ok(self.rooms.signal(room.handle(), None, signal, now).await?)
    }
}
