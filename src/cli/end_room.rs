//! `end-room`: ends a room for all in it.

use clap::Args;
use stagedoor_proto::RoomId;

use super::connection::Connection;
use super::exit::Exit;
use super::verb::{Manner, on_room, perform};
use crate::room::Moderation;

/// Ends a room.
#[derive(Debug, Args)]
pub(super) struct EndRoom {
    /// The room.
    room: RoomId,
    #[command(flatten)]
    manner: Manner,
    #[command(flatten)]
    connection: Connection,
}

impl EndRoom {
    pub(super) fn run(self) -> Exit {
        let command = Moderation::EndRoom(on_room(self.room.clone()));
        perform(&self.connection, &self.manner, &self.room, &command)
    }
}
