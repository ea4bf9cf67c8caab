//! `rooms list|show|create|lock|unlock`.
//!
//! Not here: the participants and streams of a room (`inside`).

mod inside;

use clap::{Args, Subcommand};
use stagedoor_proto::RoomId;

use super::api::Call;
use super::connection::Connection;
use super::exit::Exit;
use super::limit::Limit;
use super::moderation::{IdempotencyOption, ModerationOptions, perform, room_command};
use super::table::Column;
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
    Lock(LockArgs),
    /// Unlock a room.
    Unlock(LockArgs),
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
struct LockArgs {
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

impl Rooms {
    pub(super) fn run(self) -> Exit {
        let Self { command, connection } = self;
        match command {
            RoomsCommand::List { limit } => connection.run(|api, printer| {
                printer.list(COLUMNS, api.list(limit.rows, || Call::get(&["rooms"]))?)
            }),
            RoomsCommand::Show { room, limit } => connection
                .run(|api, printer| inside::show(api, printer, DETAILS, &room, limit.rows)),
            RoomsCommand::Create(create) => connection.run(|api, printer| {
                let call = Call::post(&["rooms"], &create.body())
                    .with_ref(create.idempotency.ref_.as_ref());
                printer.record(DETAILS, &api.call(call)?)
            }),
            RoomsCommand::Lock(LockArgs { room, options }) => perform(
                &connection,
                &options,
                &room,
                &Moderation::LockRoom(room_command(room.clone())),
            ),
            RoomsCommand::Unlock(LockArgs { room, options }) => perform(
                &connection,
                &options,
                &room,
                &Moderation::UnlockRoom(room_command(room.clone())),
            ),
        }
    }
}
