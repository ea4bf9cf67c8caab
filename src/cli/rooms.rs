//! `rooms list|show|create|lock|unlock`: the rooms that are open or were created.
//!
//! Not here: who is in a room (`inside`).

mod inside;

use clap::{Args, Subcommand};
use stagedoor_proto::RoomId;

use super::api::Call;
use super::connection::Connection;
use super::exit::Exit;
use super::limit::Limit;
use super::moderation::{IdempotencyOption, ModerationOptions, on_room, perform};
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
    Column::plain("large", "/large"),
    Column::plain("most participants", "/settings/participants"),
    Column::plain("most streams", "/settings/streams"),
    Column::plain("roster limit", "/settings/roster_limit"),
    Column::plain("subscriber signals", "/settings/subscriber_signals"),
    Column::plain("membership expiry", "/settings/membership_expiry"),
];

/// Looks at rooms, creates them, and locks them.
#[derive(Debug, Args)]
pub(super) struct Rooms {
    #[command(subcommand)]
    command: RoomsCommand,
    #[command(flatten)]
    connection: Connection,
}

#[derive(Debug, Subcommand)]
enum RoomsCommand {
    /// List the rooms that are open or were created, by name.
    List {
        #[command(flatten)]
        limit: Limit,
    },
    /// Show a room, with its participants and as many of its streams.
    Show {
        /// The room.
        room: RoomId,
        #[command(flatten)]
        limit: Limit,
    },
    /// Create a room before anybody joins it.
    Create(Create),
    /// Admit only moderators, and those who were there in the last 10 minutes.
    Lock(LockArgs),
    /// Admit everybody again.
    Unlock(LockArgs),
}

#[derive(Debug, Args)]
struct Create {
    /// The room.
    room: RoomId,
    /// At most so many at a time; without it, as the app's other rooms.
    #[arg(long, value_name = "PEOPLE")]
    participants: Option<u32>,
    /// At most so many streams at a time; without it, as the app's other rooms.
    #[arg(long)]
    streams: Option<u32>,
    /// Streams start muted.
    #[arg(long)]
    muted: bool,
    /// Nobody may undo that.
    #[arg(long, requires = "muted")]
    mute_locked: bool,
    /// It is locked from the start.
    #[arg(long)]
    locked: bool,
    #[command(flatten)]
    once: IdempotencyOption,
}

#[derive(Debug, Args)]
struct LockArgs {
    /// The room.
    room: RoomId,
    #[command(flatten)]
    options: ModerationOptions,
}

impl Create {
    fn body(&self) -> NewRoom {
        let Self { room, participants, streams, muted, mute_locked, locked, once: _ } = self;
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
                let call = Call::post(&["rooms"], &create.body()).once(create.once.ref_.as_ref());
                printer.one(DETAILS, &api.ask(call)?)
            }),
            RoomsCommand::Lock(LockArgs { room, options }) => {
                perform(&connection, &options, &room, &Moderation::LockRoom(on_room(room.clone())))
            }
            RoomsCommand::Unlock(LockArgs { room, options }) => perform(
                &connection,
                &options,
                &room,
                &Moderation::UnlockRoom(on_room(room.clone())),
            ),
        }
    }
}
