//! Opens rooms with their durable state, and reads rooms that may not be open.
//!
//! A room is known if it is open, was created, has durable state of users, or emptied and is remembered.

use std::sync::Arc;
use std::time::Duration;

use stagedoor_proto::{Error, ErrorCode};

use super::Rooms;
use super::handle::{RoomHandle, RoomPin};
use super::slots::{RoomSlot, SlotError};
use crate::engine::{AppendError, Appended, Condition};
use crate::hub::errors::CallError;
use crate::hub::sessions::SessionHandle;
use crate::room::{DurableState, OpenRoom, RecreateRoom, RoomCommand, RoomKey, RoomSettings};
use crate::store::{self, CreatedRoom};
use crate::telemetry::Limit;

/// When a room that exceeds the limits of the node may be tried again.
const ROOMS_FULL_RETRY_AFTER: Duration = Duration::from_secs(10);

/// The opener of a room.
#[derive(Clone, Copy)]
pub(in crate::hub) enum Opener<'a> {
    /// A session that joins it. It opens a limited number of rooms.
    Session(&'a SessionHandle),
    /// The gateway itself.
    Gateway,
    /// A call of the server API, which opens known rooms only.
    Call,
}

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

    /// Opens a room with its durable state, unless it is open. It stays open while it is pinned.
    ///
    /// # Errors
    /// `too_many_rooms`; [`CallError::NoRoom`] if a call names an unknown room; an error of the store or the engine.
    pub(in crate::hub) async fn open(
        &self,
        key: &RoomKey,
        opener: Opener<'_>,
    ) -> Result<RoomPin, CallError> {
        match self.pin_open(key) {
            Some(room) => Ok(room),
            // Boxed: few joins open a room, and the state of each join is copied as a whole.
            None => Box::pin(self.open_closed(key, opener)).await,
        }
    }

    /// As [`Self::open`], of a room that was not open.
    async fn open_closed(&self, key: &RoomKey, opener: Opener<'_>) -> Result<RoomPin, CallError> {
        // While it is reserved, no emptied room of this key is released.
        let _slot = self.reserve_slot(key)?;
        if self.find(key).await?.is_some()
            && let Some(room) = self.pin_open(key)
        {
            return Ok(room);
        }
        if let Opener::Session(session) = opener {
            self.take_opening(session)?;
        }
        let stored = self.load(key).await?;
        let is_known = || stored.is_known() || self.registry.stubs().contains(key);
        if matches!(opener, Opener::Call) && !is_known() {
            return Err(CallError::NoRoom);
        }
        self.append_open(key, stored).await?;
        self.pin_open(key).ok_or_else(|| {
            Error::new(ErrorCode::EngineUnavailable, "room is opening; retry").into()
        })
    }

    fn pin_open(&self, key: &RoomKey) -> Option<RoomPin> {
        self.registry.pin(key).filter(|room| room.lock().room.is_open())
    }

    fn reserve_slot(&self, key: &RoomKey) -> Result<RoomSlot<'_>, Error> {
        let (per_node, per_app) = {
            let limits = self.context.limits();
            (limits.rooms_per_node, limits.rooms_per_app)
        };
        self.registry.reserve(key, per_node, per_app).map_err(|exceeded| {
            let (limit, message) = match exceeded {
                SlotError::Node => {
                    (Limit::RoomsPerNode, format!("room limit of this node reached ({per_node})"))
                }
                SlotError::App => {
                    (Limit::RoomsPerApp, format!("room limit of this app reached ({per_app})"))
                }
            };
            self.context.hit(limit);
            Error::new(ErrorCode::TooManyRooms, message).retry_after(ROOMS_FULL_RETRY_AFTER)
        })
    }

    /// Counts a room that a session opens.
    fn take_opening(&self, session: &SessionHandle) -> Result<(), Error> {
        let (rate, now) = (self.context.room_opening_rate(), self.context.clock.monotonic());
        let taken = session.update_memberships(|rooms, _| rooms.take_opening(rate, now));
        taken.map_err(|wait| {
            self.context.hit(Limit::RoomsOpened);
            let message = "session opened too many rooms; wait before opening another";
            Error::new(ErrorCode::TooManyRooms, message).retry_after(wait)
        })
    }

    /// Resolves when the room is open. The first open decides the settings; later ones have no effect.
    async fn append_open(&self, key: &RoomKey, stored: StoredRoom) -> Result<(), CallError> {
        let opening = OpenRoom { settings: stored.settings, durable_state: stored.durable_state };
        self.append_and_wait(key, RoomCommand::Open(Box::new(opening))).await
    }

    async fn append_and_wait(&self, key: &RoomKey, command: RoomCommand) -> Result<(), CallError> {
        match self.engine.append(key, command, Condition::None).await {
            Appended::Refused(AppendError::Engine(error)) => Err(error.into()),
            Appended::Placed(_)
            | Appended::Unknown
            | Appended::Refused(AppendError::VersionChanged | AppendError::NoInterest) => Ok(()),
        }
    }
}

/// Resolves when an ended room that was created again has its new state.
///
/// # Errors
/// If the engine does not answer.
pub(in crate::hub) async fn recreate(
    rooms: &Rooms,
    key: &RoomKey,
    new: RecreateRoom,
) -> Result<(), CallError> {
    rooms.append_and_wait(key, RoomCommand::Recreate(Box::new(new))).await
}
