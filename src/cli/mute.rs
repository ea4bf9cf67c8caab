//! `rooms mute`, `rooms lift-mute` and `rooms mute-all`.

use clap::Args;
use stagedoor_proto::{
    ForceMute, ForceMuteAll, MuteException, MuteTarget, ParticipantId, RoomId, StreamId, Username,
};

use super::connection::Connection;
use super::exit::Exit;
use super::moderation::{ModerationOptions, perform, who};
use crate::room::Moderation;

#[derive(Debug, Args)]
pub(super) struct Mute {
    #[command(flatten)]
    target: Target,
    /// Prevent the target from unmuting, on every stream and device.
    #[arg(long)]
    lock: bool,
    #[command(flatten)]
    options: ModerationOptions,
}

#[derive(Debug, Args)]
pub(super) struct LiftMute {
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    options: ModerationOptions,
}

/// The target of a mute. Not a group of arguments, which usage lines would show before the room.
#[derive(Debug, Args)]
struct Target {
    /// Room id.
    room: RoomId,
    /// Username; all streams of this user.
    #[arg(
        required_unless_present_any = ["participant", "stream"],
        conflicts_with_all = ["participant", "stream"]
    )]
    user: Option<Username>,
    /// Participant id, instead of a user.
    #[arg(long, value_name = "ID", allow_hyphen_values = true, conflicts_with = "stream")]
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
    #[arg(long)]
    lock: bool,
    /// Participant to leave unmuted, by its id or that of a stream; may be repeated.
    #[arg(long, value_name = "ID", allow_hyphen_values = true)]
    except: Vec<MuteException>,
    #[command(flatten)]
    options: ModerationOptions,
}

impl Mute {
    pub(super) fn run(self, connection: &Connection) -> Exit {
        let Self { target, lock, options } = self;
        let (room, target) = target.into_room_and_target();
        let command = Moderation::ForceMute(ForceMute { target, lock, ref_: None });
        perform(connection, &options, &room, &command)
    }
}

impl LiftMute {
    pub(super) fn run(self, connection: &Connection) -> Exit {
        let Self { target, options } = self;
        let (room, target) = target.into_room_and_target();
        let command = Moderation::LiftMute(ForceMute { target, lock: false, ref_: None });
        perform(connection, &options, &room, &command)
    }
}

impl Target {
    fn into_room_and_target(self) -> (RoomId, MuteTarget) {
        let Self { room, user, participant, stream } = self;
        let target = match (stream, who(participant, user)) {
            (Some(stream), _) => MuteTarget::Stream(stream),
            (None, Some(who)) => MuteTarget::Person { room: room.clone(), who },
            (None, None) => unreachable!("one of the three is required"),
        };
        (room, target)
    }
}

impl MuteAll {
    pub(super) fn run(self, connection: &Connection) -> Exit {
        let Self { room, lock, except, options } = self;
        let body =
            ForceMuteAll { room: room.clone(), except, include_self: false, lock, ref_: None };
        perform(connection, &options, &room, &Moderation::ForceMuteAll(body))
    }
}
