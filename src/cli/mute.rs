//! `mute` and `mute-all`: silence in a room, and its end.

use clap::Args;
use stagedoor_proto::{
    ForceMute, ForceMuteAll, MuteTarget, ParticipantId, RoomId, StreamId, Username,
};

use super::connection::Connection;
use super::exit::Exit;
use super::moderation::{ModerationOptions, on_room, perform, who};
use crate::room::Moderation;

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
    options: ModerationOptions,
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
    options: ModerationOptions,
    #[command(flatten)]
    connection: Connection,
}

impl Mute {
    pub(super) fn run(self) -> Exit {
        let Self { room, target, lock, lift, options, connection } = self;
        let body = ForceMute { target: target.of_mute(room.clone()), lock, ref_: None };
        let command = if lift { Moderation::LiftMute(body) } else { Moderation::ForceMute(body) };
        perform(&connection, &options, &room, &command)
    }
}

impl Target {
    fn of_mute(self, room: RoomId) -> MuteTarget {
        match (self.stream, who(self.participant, self.user)) {
            (Some(stream), _) => MuteTarget::Stream(stream),
            (None, Some(who)) => MuteTarget::Person { room, who },
            (None, None) => unreachable!("one of the group is required"),
        }
    }
}

impl MuteAll {
    pub(super) fn run(self) -> Exit {
        let Self { room, lock, except, lift, options, connection } = self;
        let command = if lift {
            Moderation::DisableForceMute(on_room(room.clone()))
        } else {
            Moderation::ForceMuteAll(ForceMuteAll { room: room.clone(), except, lock, ref_: None })
        };
        perform(&connection, &options, &room, &command)
    }
}
