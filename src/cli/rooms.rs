//! `rooms`: lists, shows and creates rooms, and moderates them.
//!
//! Not here: the participants and streams of a room (`inside`), and commands with a target (`kick`, `mute`,
//! `participant`).

mod inside;

use clap::{Args, Subcommand};
use stagedoor_proto::{ModerateRoom, RoomId};

use super::api::Call;
use super::connection::Connection;
use super::exit::Exit;
use super::kick::{Kick, LiftBlock};
use super::limit::Limit;
use super::moderation::{IdempotencyOption, ModerationOptions, perform};
use super::mute::{LiftMute, Mute, MuteAll};
use super::participant::{ChangeRole, RequestUnmute, Signal, Unpublish};
use super::table::Column;
use super::tail::Tail;
use crate::api_body::{NewMute, NewRoom};
use crate::room::{Moderation, RoomOverrides};

const COLUMNS: &[Column] = &[
    Column::plain("room", "/room"),
    Column::plain("open", "/open"),
    Column::plain("participants", "/counts/participants"),
    Column::plain("streams", "/counts/streams"),
    Column::plain("muted", "/mute/active"),
    Column::plain("locked", "/locked"),
    Column::time("created", "/created_ms"),
];
const DETAILS: &[Column] = &[
    Column::plain("room", "/room"),
    Column::plain("open", "/open"),
    Column::time("created", "/created_ms"),
    Column::plain("version", "/version"),
    Column::plain("participants", "/counts/participants"),
    Column::plain("publishers", "/counts/publishers"),
    Column::plain("streams", "/counts/streams"),
    Column::plain("muted", "/mute/active"),
    Column::plain("mute locked", "/mute/lock"),
    Column::plain("locked", "/locked"),
    Column::plain("large", "/is_large"),
    Column::plain("max participants", "/settings/participants"),
    Column::plain("max streams", "/settings/streams"),
    Column::plain("roster limit", "/settings/roster_limit"),
    Column::plain("subscriber signals", "/settings/subscriber_signals"),
    Column::plain("membership expiry", "/settings/membership_expiry"),
];

#[derive(Debug, Args)]
pub(super) struct Rooms {
    #[command(subcommand)]
    command: RoomsCommand,
    #[command(flatten)]
    connection: Connection,
}

#[derive(Debug, Subcommand)]
enum RoomsCommand {
    /// List open and created rooms by name.
    List {
        #[command(flatten)]
        limit: Limit,
    },
    /// Show a room with its participants and streams.
    Show {
        /// Room id.
        room: RoomId,
        #[command(flatten)]
        limit: Limit,
    },
    /// Create a room before anybody joins it.
    Create(Create),
    /// Lock a room: admit only moderators and recent participants (last 10 minutes).
    Lock(WholeRoom),
    /// Unlock a room.
    Unlock(WholeRoom),
    /// End a room and remove its participants.
    End(WholeRoom),
    /// Remove a user from a room, and block them for a while.
    Kick(Kick),
    /// Block a user, who need not be in the room, and remove them.
    Block(Kick),
    /// Lift the block of a user. A ban stays; `users unban` lifts it.
    Unblock(LiftBlock),
    /// Mute a stream, a participant or a user.
    Mute(Mute),
    /// Lift a mute and its lock. Streams stay muted until their publisher unmutes them.
    LiftMute(LiftMute),
    /// Mute all participants, and those who join later.
    MuteAll(MuteAll),
    /// Lift the mute of the room. Streams stay muted until their publisher unmutes them.
    LiftMuteAll(WholeRoom),
    /// Request the publisher of a stream to unmute it.
    #[command(visible_alias = "ask-unmute")]
    RequestUnmute(RequestUnmute),
    /// End a stream of another participant.
    Unpublish(Unpublish),
    /// Change the role of a user in a room.
    SetRole(ChangeRole),
    /// Send a signal to the participants of a room.
    Signal(Signal),
    /// Print what happens in a room, one JSON object per line, as the participant `stagedoor-tail`.
    Tail(Tail),
}

#[derive(Debug, Args)]
struct Create {
    /// Room id.
    room: RoomId,
    /// Maximum number of participants. Default: the app's limit.
    #[arg(long, value_name = "COUNT")]
    participants: Option<u32>,
    /// Maximum number of streams. Default: the app's limit.
    #[arg(long)]
    streams: Option<u32>,
    /// Mute new streams.
    #[arg(long)]
    muted: bool,
    /// Prevent participants from unmuting.
    #[arg(long, requires = "muted")]
    mute_locked: bool,
    /// Create the room locked.
    #[arg(long)]
    locked: bool,
    #[command(flatten)]
    idempotency: IdempotencyOption,
}

#[derive(Debug, Args)]
struct WholeRoom {
    /// Room id.
    room: RoomId,
    #[command(flatten)]
    options: ModerationOptions,
}

impl Create {
    fn body(&self) -> NewRoom {
        let Self { room, participants, streams, muted, mute_locked, locked, idempotency: _ } = self;
        let (participants, streams) = (*participants, *streams);
        NewRoom {
            room: room.clone(),
            settings: RoomOverrides { participants, streams, ..RoomOverrides::default() },
            mute: NewMute { active: *muted, lock: *mute_locked },
            locked: *locked,
            ref_: None,
        }
    }
}

impl WholeRoom {
    fn run(self, connection: &Connection, command: fn(ModerateRoom) -> Moderation) -> Exit {
        let Self { room, options } = self;
        let body = ModerateRoom { room: room.clone(), ref_: None };
        perform(connection, &options, &room, &command(body))
    }
}

impl Rooms {
    pub(super) fn run(self) -> Exit {
        let Self { command, connection } = self;
        let connection = &connection;
        match command {
            RoomsCommand::List { limit } => connection.run(|api, printer| {
                printer.list("rooms", COLUMNS, api.list(limit.rows, || Call::get(&["rooms"]))?)
            }),
            RoomsCommand::Show { room, limit } => connection
                .run(|api, printer| inside::show(api, printer, DETAILS, &room, limit.rows)),
            RoomsCommand::Create(create) => connection.run(|api, printer| {
                let call = Call::post(&["rooms"], &create.body())
                    .with_ref(create.idempotency.ref_.as_ref());
                printer.record(DETAILS, &api.call(call)?)
            }),
            RoomsCommand::Lock(room) => room.run(connection, Moderation::LockRoom),
            RoomsCommand::Unlock(room) => room.run(connection, Moderation::UnlockRoom),
            RoomsCommand::End(room) => room.run(connection, Moderation::EndRoom),
            RoomsCommand::Kick(kick) | RoomsCommand::Block(kick) => kick.run(connection),
            RoomsCommand::Unblock(unblock) => unblock.run(connection),
            RoomsCommand::Mute(mute) => mute.run(connection),
            RoomsCommand::LiftMute(lift) => lift.run(connection),
            RoomsCommand::MuteAll(mute) => mute.run(connection),
            RoomsCommand::LiftMuteAll(room) => room.run(connection, Moderation::DisableForceMute),
            RoomsCommand::RequestUnmute(request) => request.run(connection),
            RoomsCommand::Unpublish(unpublish) => unpublish.run(connection),
            RoomsCommand::SetRole(change) => change.run(connection),
            RoomsCommand::Signal(signal) => signal.run(connection),
            RoomsCommand::Tail(tail) => tail.run(connection),
        }
    }
}
