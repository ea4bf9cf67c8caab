//! `end-room`: ends a room for all in it.

use clap::Args;
use stagedoor_proto::RoomId;

use super::connection::Connection;
use super::exit::Exit;
use super::moderation::{ModerationOptions, on_room, perform};
use crate::room::Moderation;

/// Ends a room.
#[derive(Debug, Args)]
pub(super) struct EndRoom {
    /// The room.
    room: RoomId,
    #[command(flatten)]
    options: ModerationOptions,
    #[command(flatten)]
    connection: Connection,
}

impl EndRoom {
    pub(super) fn run(self) -> Exit {
        let command = Moderation::EndRoom(on_room(self.room.clone()));
        perform(&self.connection, &self.options, &self.room, &command)
    }
}
