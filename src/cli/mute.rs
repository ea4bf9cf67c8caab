//! `mute` and `mute-all`.

use clap::Args;
use stagedoor_proto::{
    ForceMute, ForceMuteAll, MuteException, MuteTarget, ParticipantId, RoomId, StreamId, Username,
};

use super::connection::Connection;
use super::exit::Exit;
use super::moderation::{ModerationOptions, perform, room_command, who};
use crate::room::Moderation;

#[derive(Debug, Args)]
pub(super) struct Mute {
    /// Room id.
    room: RoomId,
    #[command(flatten)]
    target: Target,
    /// Prevent the target from unmuting, on every stream and device.
    #[arg(long, conflicts_with = "lift")]
    lock: bool,
    /// Lift the mute and its lock. Streams stay muted until their publisher unmutes them.
    #[arg(long)]
    lift: bool,
    #[command(flatten)]
    options: ModerationOptions,
    #[command(flatten)]
    connection: Connection,
}

/// The target of a mute.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Target {
    /// Username; mutes all streams of this user.
    user: Option<Username>,
    /// Participant id, instead of a user.
    #[arg(long, value_name = "ID", allow_hyphen_values = true)]
    participant: Option<ParticipantId>,
    /// Stream id, instead of a user.
    #[arg(long, value_name = "ID", allow_hyphen_values = true)]
    stream: Option<StreamId>,
}

#[derive(Debug, Args)]
pub(super) struct MuteAll {
    /// Room id.
    room: RoomId,
    /// Prevent participants from unmuting.
    #[arg(long, conflicts_with = "lift")]
    lock: bool,
    /// Participant to leave unmuted, by its id or that of a stream; may be repeated.
    #[arg(long, value_name = "ID", conflicts_with = "lift", allow_hyphen_values = true)]
    except: Vec<MuteException>,
    /// Lift the room mute. Streams stay muted until their publisher unmutes them.
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
        let body = ForceMute { target: target.into_mute_target(room.clone()), lock, ref_: None };
        let command = if lift { Moderation::LiftMute(body) } else { Moderation::ForceMute(body) };
        perform(&connection, &options, &room, &command)
    }
}

impl Target {
    fn into_mute_target(self, room: RoomId) -> MuteTarget {
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
            Moderation::DisableForceMute(room_command(room.clone()))
        } else {
            let (room, include_self) = (room.clone(), false);
            Moderation::ForceMuteAll(ForceMuteAll { room, except, include_self, lock, ref_: None })
        };
        perform(&connection, &options, &room, &command)
    }
}
