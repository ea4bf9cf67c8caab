//! Calls of the server API in rooms.
//!
//! A call that changes a room waits for the room's reply (`pending_calls`), which comes once the change is durable.

mod rooms;

use std::sync::Arc;
use std::time::Duration;

use stagedoor_proto::{Accepted, ModerationReport, Reply, Stream, UpdateStream};

pub use rooms::RoomDetails;

use super::context::{Context, check_records};
use super::errors::CallError;
use super::pending_calls::PendingCalls;
use super::rooms::{Opener, Rooms};
use crate::room::{Caller, Moderation, Origin, RoomCommand, RoomKey};

/// The rooms of this node for the server API. Every method may be called from any task.
pub struct ServerApi {
    calls: Arc<PendingCalls>,
    rooms: Arc<Rooms>,
    context: Arc<Context>,
}

/// The result of a moderation command.
#[derive(Clone, Debug, PartialEq)]
pub struct ModerationResult {
    /// Its version in the room's log, and its number of targets.
    pub accepted: Accepted,
    /// The newest receipts; `None` for a repeated command with the same `ref`.
    pub report: Option<ModerationReport>,
}

impl ServerApi {
    pub(super) const fn new(
        context: Arc<Context>,
        rooms: Arc<Rooms>,
        calls: Arc<PendingCalls>,
    ) -> Self {
        Self { calls, rooms, context }
    }

    /// Executes a moderation command as the server, for `caller`.
    ///
    /// Returns once the command is durable, and waits up to `wait` for answers.
    ///
    /// # Errors
    /// The error of the room.
    pub async fn moderate(
        &self,
        room: &RoomKey,
        command: Moderation,
        caller: Caller,
        wait: Duration,
    ) -> Result<ModerationResult, CallError> {
        let opened = self.rooms.open(room, Opener::Call).await?;
        let adds_records = opened.lock().room.adds_records(&command);
        if adds_records {
            check_records(&self.context, &room.app, true)?;
        }
        let mut call = self.calls.begin()?;
        let origin = Origin::Call(call.id());
        let command = RoomCommand::Moderate { origin, command, server: Some(caller) };
        self.rooms.append(room, command);
        let Reply::Accepted(accepted) = call.answered().await? else {
            unreachable!("a room answers every command with `accepted`")
        };
        Ok(ModerationResult { accepted, report: call.receipts(wait).await })
    }

    /// Updates the layout classes of a stream as the server.
    ///
    /// # Errors
    /// The error of the room.
    pub async fn update_stream(
        &self,
        room: &RoomKey,
        update: UpdateStream,
    ) -> Result<Stream, CallError> {
        let _room = self.rooms.open(room, Opener::Call).await?;
        let mut call = self.calls.begin()?;
        let origin = Origin::Call(call.id());
        self.rooms.append(room, RoomCommand::UpdateStream { origin, update });
        match call.answered().await? {
            Reply::Updated(updated) => Ok(updated.stream),
            _ => unreachable!("a room answers a changed stream with `updated`"),
        }
    }
}
