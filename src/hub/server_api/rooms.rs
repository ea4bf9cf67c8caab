//! Rooms as their app's server sees and uses them.
//!
//! A room is known while it is open, when it was created, or when something is laid on it that outlives its participants;
//! the server acts in known rooms only, so that a misspelt name is told and not acted on.

use std::collections::BTreeMap;
use std::sync::Arc;

use stagedoor_proto::{
    Error, ErrorCode, ParticipantId, Push, RoomId, SendSignal, Sent, Signal, Stream, StreamId,
    Timestamp,
};

use crate::hub::CallError;
use crate::hub::Hub;
use crate::hub::rooms::Place;
use crate::room::{
    Fact, Opening, Overview, Present, Record, RoomChoices, RoomCommand, RoomKey, RoomSettings,
};
use crate::store::{AuditEvent, CREATED_ROOM_LIFE, CreatedRoom, Page};

/// A room, as an operator sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct ShownRoom {
    /// Its id.
    pub room: RoomId,
    /// How it is, while it is open.
    pub open: Option<Overview>,
    /// How it was created, where it was.
    pub created: Option<CreatedRoom>,
}

impl Hub {
    /// Creates a room before anybody joins, with `choices`, muted or locked from the start. `row` is what the audit log
    /// keeps of it.
    ///
    /// # Errors
    /// [`CallError::RoomExists`] when it is open, or was created before and not ended since.
    pub async fn create_room(
        self: &Arc<Self>,
        key: &RoomKey,
        choices: RoomChoices,
        mute: stagedoor_proto::RoomMute,
        locked: bool,
        row: Option<AuditEvent>,
    ) -> Result<CreatedRoom, CallError> {
        if self.find_open(key).is_some() {
            return Err(CallError::RoomExists);
        }
        let created = CreatedRoom { choices, created: self.clock.now() };
        let keep_until = created.created + CREATED_ROOM_LIFE;
        let facts = vec![Fact::Room { mute, locked }, Fact::Emptied { keep_until }];
        if !self.store.create_room(key.clone(), created.clone(), facts, row).await? {
            return Err(CallError::RoomExists);
        }
        if let Err(error) = self.open_known(key).await {
            // It is created all the same: whoever joins first opens it.
            tracing::warn!(%error, "a created room could not be opened yet");
            return Ok(created);
        }
        // Somebody who joined meanwhile may have opened it without.
        let app = self.app(&key.app).ok_or(CallError::NoRoom)?;
        let settings = created.choices.over(&self.room_settings(app));
        let is_as_chosen = |place: Arc<Place>| {
            let overview = place.lock().room.overview();
            (overview.settings, overview.mute, overview.locked) == (settings, mute, locked)
        };
        if self.find_open(key).is_some_and(is_as_chosen) {
            return Ok(created);
        }
        Err(CallError::RoomExists)
    }

    /// Sees to it that a room is open, with what the store knows of it; opened by whoever joins first.
    pub(in crate::hub) async fn open_room(&self, key: &RoomKey) -> Result<(), CallError> {
        if self.find_open(key).is_none() {
            let (settings, record, _) = self.stored(key).await?;
            let opening = Box::new(Opening { settings, record });
            self.append(key, RoomCommand::Open(opening));
        }
        Ok(())
    }

    /// As [`Hub::open_room`], of a room that is known.
    pub(in crate::hub) async fn open_known(&self, key: &RoomKey) -> Result<(), CallError> {
        if self.find_open(key).is_none() {
            let (settings, record, created) = self.stored(key).await?;
            if created.is_none() && record == Record::default() {
                return Err(CallError::NoRoom);
            }
            let opening = Box::new(Opening { settings, record });
            self.append(key, RoomCommand::Open(opening));
        }
        Ok(())
    }

    async fn stored(
        &self,
        key: &RoomKey,
    ) -> Result<(RoomSettings, Record, Option<CreatedRoom>), CallError> {
        let app = self.app(&key.app).ok_or(CallError::NoRoom)?;
        let now = self.clock.now();
        // Both wait for the same turn of the store.
        let created = self.store.created_room(key.clone(), now);
        let record = self.store.load_room(key.clone(), now).await?;
        let (created, settings) = (created.await?, self.room_settings(app));
        let settings = match &created {
            Some(created) => created.choices.over(&settings),
            None => settings,
        };
        Ok((settings, record, created))
    }

    fn find_open(&self, key: &RoomKey) -> Option<Arc<Place>> {
        self.rooms.find(key).filter(|place| place.lock().room.is_open())
    }

    /// A room, open or not.
    ///
    /// # Errors
    /// [`CallError::NoRoom`].
    pub async fn room(&self, key: &RoomKey) -> Result<ShownRoom, CallError> {
        let open = self.find_open(key).map(|place| place.lock().room.overview());
        let (_, record, created) = self.stored(key).await?;
        if open.is_none() && created.is_none() && record == Record::default() {
            return Err(CallError::NoRoom);
        }
        Ok(ShownRoom { room: key.room.clone(), open, created })
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
        for place in self.rooms.after(app, page.after.as_ref(), limit) {
            let inside = place.lock();
            if inside.room.is_open() {
                let (room, open) = (place.key().room.clone(), Some(inside.room.overview()));
                rooms.insert(room.clone(), ShownRoom { room, open, created: None });
            }
        }
        let created = self.store.created_rooms(Arc::clone(app), page, self.clock.now()).await?;
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
    ) -> Result<Vec<Present>, CallError> {
        self.look(key, |room| room.present(after).take(limit).collect()).await
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
        look: impl FnOnce(&crate::room::Room) -> T,
    ) -> Result<T, CallError> {
        match self.find_open(key) {
            Some(place) => Ok(look(&place.lock().room)),
            None => self.room(key).await.map(|_| T::default()),
        }
    }

    /// Sends a signal from the server.
    ///
    /// # Errors
    /// As the room refuses it.
    pub async fn send_signal(
        self: &Arc<Self>,
        key: &RoomKey,
        signal: SendSignal,
        now: Timestamp,
    ) -> Result<Sent, CallError> {
        self.open_known(key).await?;
        let Some(place) = self.find_open(key) else {
            let message = "the room is just opening; try again";
            return Err(Error::new(ErrorCode::EngineUnavailable, message).into());
        };
        let mut inside = place.lock();
        let signalling = inside.room.signal(None, &signal, now)?;
        if let Some(to) = signalling.to {
            let SendSignal { room, type_, data, .. } = signal;
            let (from, order) = (signalling.from, signalling.sent.order);
            let push = Push::Signal(Signal { room, from, order, type_, data });
            self.push_to(&place, &inside, &to, &push);
        }
        Ok(signalling.sent)
    }
}
