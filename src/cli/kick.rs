//! `rooms kick`, `rooms block` and `rooms unblock`.

use std::time::Duration;

use clap::Args;
use serde_json::Value;
use stagedoor_proto::{
    Block, BlockScope, ForceDisconnect, ParticipantId, Reason, RoomId, Unblock, Username,
};

use super::api::Api;
use super::arguments::{duration, millis};
use super::connection::Connection;
use super::exit::Exit;
use super::lookup::{NameKind, find_similar};
use super::moderation::{ModerationOptions, perform, send_command, who};
use super::table::printable;
use crate::config::format_duration;
use crate::room::Moderation;

#[derive(Debug, Args)]
pub(super) struct Kick {
    /// Room id.
    room: RoomId,
    /// Username; removes all participants of this user.
    #[arg(required_unless_present = "participant", conflicts_with = "participant")]
    user: Option<Username>,
    /// Participant id, instead of a user.
    #[arg(long, value_name = "ID", allow_hyphen_values = true)]
    participant: Option<ParticipantId>,
    /// Duration of the block: `30s`, `5m`, `24h`, or `0s` for none. Default: the app's `default_block_duration`.
    #[arg(long = "for", value_name = "DURATION", value_parser = duration)]
    duration: Option<Duration>,
    /// Remove the user from the whole app.
    #[arg(long)]
    everywhere: bool,
    /// Reason, shown to the user.
    #[arg(long)]
    reason: Option<Reason>,
    #[command(flatten)]
    options: ModerationOptions,
}

#[derive(Debug, Args)]
pub(super) struct LiftBlock {
    /// Room id.
    room: RoomId,
    /// Username.
    user: Username,
    /// Lift the block of a moderator from the whole app.
    #[arg(long)]
    everywhere: bool,
    #[command(flatten)]
    options: ModerationOptions,
}

const fn scope(is_everywhere: bool) -> BlockScope {
    if is_everywhere { BlockScope::App } else { BlockScope::Room }
}

impl Kick {
    pub(super) fn run(self, connection: &Connection) -> Exit {
        let Self { room, options, .. } = &self;
        let command = self.command();
        connection.run(|api, printer| {
            let receipt = send_command(api, options, room, &command)?;
            match &self.user {
                Some(user) if has_no_target(&receipt) => {
                    printer.sentence(&receipt, &self.describe_absent(api, user))
                }
                Some(_) | None => printer.receipt(&receipt),
            }
        })
    }

    /// The answer when the removed user was not in the room: the name may be wrong.
    fn describe_absent(&self, api: &Api, user: &Username) -> String {
        let name = user.as_str();
        let absent = match find_similar(api, NameKind::In(self.room.as_str()), name) {
            Ok(unknown) => unknown.to_string(),
            // The block was created in any case.
            Err(_) => format!("no participant named {name:?}"),
        };
        let scope = if self.everywhere { "the app" } else { self.room.as_str() };
        let duration = match self.duration {
            Some(duration) => format_duration(duration),
            None => "the app's default_block_duration".to_owned(),
        };
        let [absent, name, scope] = [absent.as_str(), name, scope].map(printable);
        format!("{absent}\nblocked: {name} may not join {scope} for {duration}")
    }

    fn command(&self) -> Moderation {
        let who = who(self.participant, self.user.clone()).expect("one of the two is required");
        let block = Block { for_ms: self.duration.map(millis), scope: scope(self.everywhere) };
        let (room, reason) = (self.room.clone(), self.reason.clone());
        Moderation::ForceDisconnect(ForceDisconnect { room, who, block, reason, ref_: None })
    }
}

impl LiftBlock {
    pub(super) fn run(self, connection: &Connection) -> Exit {
        let Self { room, user: username, everywhere, options } = self;
        let unblock =
            Unblock { room: room.clone(), username, scope: scope(everywhere), ref_: None };
        perform(connection, &options, &room, &Moderation::Unblock(unblock))
    }
}

/// Whether the removed user was not in the room. A cached answer has no counts and says nothing of it.
fn has_no_target(receipt: &Value) -> bool {
    receipt["target_count"] == 0 && receipt["counts"].is_object()
}
