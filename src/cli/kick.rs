//! `kick`: removes a user from a room, or lifts that block.

use std::time::Duration;

use clap::Args;
use serde_json::Value;
use stagedoor_proto::{
    Block, BlockScope, ForceDisconnect, ParticipantId, Reason, RoomId, Unblock, Username,
};

use super::api::Api;
use super::connection::Connection;
use super::exit::Exit;
use super::lookup::{NameKind, find_similar};
use super::moderation::{ModerationOptions, perform, send_command, who};
use super::table::printable;
use super::token::{duration, millis};
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
    /// Remove the user from the whole app, or with `--lift` lift that block.
    #[arg(long)]
    everywhere: bool,
    /// Reason, shown to the user.
    #[arg(long)]
    reason: Option<Reason>,
    /// Lift the block. A ban stays; `unban` lifts it.
    #[arg(long, conflicts_with_all = ["participant", "duration", "reason"])]
    lift: bool,
    #[command(flatten)]
    options: ModerationOptions,
    #[command(flatten)]
    connection: Connection,
}

impl Kick {
    pub(super) fn run(self) -> Exit {
        let Self { room, options, connection, .. } = &self;
        let command = self.command();
        if self.lift {
            return perform(connection, options, room, &command);
        }
        connection.run(|api, printer| {
            let receipt = send_command(api, options, room, &command)?;
            match &self.user {
                Some(user) if was_absent(&receipt) => {
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
        format!("{absent}\nblocked: {} may not join {scope} for {duration}", printable(name))
    }

    fn command(&self) -> Moderation {
        let (room, username, ref_) = (self.room.clone(), self.user.clone(), None);
        let scope = if self.everywhere { BlockScope::App } else { BlockScope::Room };
        if self.lift {
            let username = username.expect("a user is required where no membership is named");
            return Moderation::Unblock(Unblock { room, username, scope, ref_ });
        }
        let who = who(self.participant, username).expect("one of the two is required");
        let block = Block { for_ms: self.duration.map(millis), scope };
        let reason = self.reason.clone();
        Moderation::ForceDisconnect(ForceDisconnect { room, who, block, reason, ref_ })
    }
}

/// Whether the removed user was not in the room: the only target then has no participant.
fn was_absent(receipt: &Value) -> bool {
    let targets = receipt["targets"].as_array();
    targets.is_some_and(|targets| match targets.as_slice() {
        [sole] => sole["target"]["participant"].is_null(),
        _ => false,
    })
}
