//! `end-room`.

use clap::Args;
use stagedoor_proto::RoomId;

use super::connection::Connection;
use super::exit::Exit;
use super::moderation::{ModerationOptions, perform, room_command};
use crate::room::Moderation;

#[derive(Debug, Args)]
pub(super) struct EndRoom {
    /// Room id.
    room: RoomId,
    #[command(flatten)]
    options: ModerationOptions,
    #[command(flatten)]
    connection: Connection,
}

impl EndRoom {
    pub(super) fn run(self) -> Exit {
        let command = Moderation::EndRoom(room_command(self.room.clone()));
        perform(&self.connection, &self.options, &self.room, &command)
    }
}
