//! Opens rooms with their durable state, and reads rooms that may not be open.
//!
//! A room is known if it is open, was created, or has durable state of users.

use std::sync::Arc;

use super::Rooms;
use super::handle::RoomHandle;
use crate::engine::{AppendError, Appended, Condition};
use crate::hub::errors::CallError;
use crate::room::{DurableState, OpenRoom, RoomCommand, RoomKey, RoomSettings};
use crate::store::{self, CreatedRoom};

/// A room in the store.
pub(in crate::hub) struct StoredRoom {
    pub(in crate::hub) settings: RoomSettings,
    pub(in crate::hub) durable_state: DurableState,
    /// The row of its creation, if it was created by the server API.
    pub(in crate::hub) created: Option<CreatedRoom>,
}

impl StoredRoom {
    pub(in crate::hub) fn is_known(&self) -> bool {
        self.created.is_some() || self.durable_state != DurableState::default()
    }
}

impl Rooms {
    pub(in crate::hub) fn find_open(&self, key: &RoomKey) -> Option<Arc<RoomHandle>> {
        self.registry.find(key).filter(|room| room.lock().room.is_open())
    }

    pub(in crate::hub) async fn load(&self, key: &RoomKey) -> Result<StoredRoom, CallError> {
        let app = self.context.app(&key.app).ok_or(CallError::NoRoom)?;
        let (store, now) = (&self.context.store, self.context.clock.wall());
        let store::StoredRoom { durable_state, created } =
            store.load_room(key.clone(), now).await?;
        let settings = self.context.room_settings(app);
        let settings = match &created {
            Some(created) => created.overrides.over(&settings),
            None => settings,
        };
        Ok(StoredRoom { settings, durable_state, created })
    }

    /// Opens a room with its durable state, unless it is open.
    pub(in crate::hub) async fn open(&self, key: &RoomKey) -> Result<(), CallError> {
        if self.find(key).await?.is_some() {
            return Ok(());
        }
        let stored = self.load(key).await?;
        self.append_open(key, stored).await
    }

    /// Like [`Rooms::open`], with a room that was read from the store.
    pub(in crate::hub) async fn open_known(&self, key: &RoomKey) -> Result<(), CallError> {
        if self.find(key).await?.is_some() {
            return Ok(());
        }
        let stored = self.load(key).await?;
        if !stored.is_known() {
            return Err(CallError::NoRoom);
        }
        self.append_open(key, stored).await
    }

    /// Resolves when the room is open. The first open decides the settings; later ones have no effect.
    async fn append_open(&self, key: &RoomKey, stored: StoredRoom) -> Result<(), CallError> {
        let opening = OpenRoom { settings: stored.settings, durable_state: stored.durable_state };
        let open = RoomCommand::Open(Box::new(opening));
        match self.engine.append(key, open, Condition::None).await {
            Appended::Refused(AppendError::Engine(error)) => Err(error.into()),
            Appended::Placed(_)
            | Appended::Unknown
            | Appended::Refused(AppendError::VersionChanged | AppendError::NoInterest) => Ok(()),
        }
    }
}
