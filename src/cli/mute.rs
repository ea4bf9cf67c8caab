//! `mute` and `mute-all`: silence in a room, and its end.

use clap::Args;
use serde_json::json;
use stagedoor_proto::{ParticipantId, RoomId, StreamId, Username};

use super::connection::Connection;
use super::exit::Exit;
use super::verb::{Manner, perform};

/// Mutes a stream, or all of somebody's.
#[derive(Debug, Args)]
pub(super) struct Mute {
    /// The room.
    room: RoomId,
    #[command(flatten)]
    target: Target,
    /// Keep them from undoing it, with any stream, on any device.
    #[arg(long, conflicts_with = "lift")]
    lock: bool,
    /// Lift the mute and its lock; whoever was muted decides when to speak.
    #[arg(long)]
    lift: bool,
    #[command(flatten)]
    manner: Manner,
    #[command(flatten)]
    connection: Connection,
}

/// Who is to be silent.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Target {
    /// The user.
    user: Option<Username>,
    /// A membership, in place of a user.
    #[arg(long, value_name = "ID", allow_hyphen_values = true)]
    participant: Option<ParticipantId>,
    /// One stream, in place of a user.
    #[arg(long, value_name = "ID", allow_hyphen_values = true)]
    stream: Option<StreamId>,
}

/// Mutes everybody.
#[derive(Debug, Args)]
pub(super) struct MuteAll {
    /// The room.
    room: RoomId,
    /// Keep everybody from undoing it.
    #[arg(long, conflicts_with = "lift")]
    lock: bool,
    /// A stream that goes on; may be given again.
    #[arg(long, value_name = "ID", conflicts_with = "lift", allow_hyphen_values = true)]
    except: Vec<StreamId>,
    /// Lift the room's own mute; who was muted stays so until they speak.
    #[arg(long)]
    lift: bool,
    #[command(flatten)]
    manner: Manner,
    #[command(flatten)]
    connection: Connection,
}

impl Mute {
    pub(super) fn run(self) -> Exit {
        let Self { room, target: Target { user, participant, stream }, .. } = &self;
        let mut body = json!({ "username": user, "participant": participant, "stream": stream });
        let name = if self.lift { "lift_mute" } else { "force_mute" };
        if !self.lift {
            body["lock"] = self.lock.into();
        }
        perform(&self.connection, &self.manner, room, name, &body)
    }
}

impl MuteAll {
    pub(super) fn run(self) -> Exit {
        let Self { room, lock, except, lift, manner, connection } = self;
        let (name, body) = if lift {
            ("disable_force_mute", json!({}))
        } else {
            ("force_mute_all", json!({ "lock": lock, "except": except }))
        };
        perform(&connection, &manner, &room, name, &body)
    }
}
