//! `kick`: removes somebody from a room, or lets them return.

use std::time::Duration;

use clap::Args;
use serde_json::Value;
use stagedoor_proto::{
    Block, BlockScope, ForceDisconnect, ParticipantId, Reason, RoomId, Unblock, Username,
};

use super::api::Api;
use super::connection::Connection;
use super::exit::Exit;
use super::lookup::{Kind, find_similar};
use super::moderation::{ModerationOptions, ask, perform, who};
use super::table::printable;
use super::token::{duration, millis};
use crate::config::told_duration;
use crate::room::Moderation;

/// Removes somebody.
#[derive(Debug, Args)]
pub(super) struct Kick {
    /// The room.
    room: RoomId,
    /// The user, with all their memberships.
    #[arg(required_unless_present = "participant", conflicts_with = "participant")]
    user: Option<Username>,
    /// A membership, in place of a user.
    #[arg(long, value_name = "ID", allow_hyphen_values = true)]
    participant: Option<ParticipantId>,
    /// For how long they may not return: `30s`, `5m`, `24h`; `0s`: they may at once. Without it, the app's default.
    #[arg(long = "for", value_name = "DURATION", value_parser = duration)]
    duration: Option<Duration>,
    /// From the whole app, and not from this room alone.
    #[arg(long)]
    everywhere: bool,
    /// Why; they are told.
    #[arg(long)]
    reason: Option<Reason>,
    /// Let them return before their time.
    #[arg(long, conflicts_with_all = ["participant", "duration", "everywhere", "reason"])]
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
            let receipt = ask(api, options, room, &command)?;
            match &self.user {
                Some(user) if was_absent(&receipt) => {
                    printer.sentence(&receipt, &self.block_of_absent(api, user))
                }
                Some(_) | None => printer.receipt(&receipt),
            }
        })
    }

    /// That somebody is kept out who was not there: perhaps it was meant so, perhaps the name is wrong.
    fn block_of_absent(&self, api: &Api, user: &Username) -> String {
        let name = user.as_str();
        let absent = match find_similar(api, Kind::In(self.room.as_str()), name) {
            Ok(unknown) => unknown.to_string(),
            // It is done all the same.
            Err(_) => format!("no participant named {name:?}"),
        };
        let place = if self.everywhere { "the app" } else { self.room.as_str() };
        let time = match self.duration {
            Some(duration) => told_duration(duration),
            None => "as long as the app's default_block_duration says".to_owned(),
        };
        format!(
            "{absent}\nblocked all the same: {} may not enter {place} for {time}",
            printable(name)
        )
    }

    fn command(&self) -> Moderation {
        let (room, username, ref_) = (self.room.clone(), self.user.clone(), None);
        if self.lift {
            let username = username.expect("a user is required where no membership is named");
            return Moderation::Unblock(Unblock { room, username, ref_ });
        }
        let who = who(self.participant, username).expect("one of the two is required");
        let scope = if self.everywhere { BlockScope::App } else { BlockScope::Room };
        let block = Block { for_ms: self.duration.map(millis), scope };
        let reason = self.reason.clone();
        Moderation::ForceDisconnect(ForceDisconnect { room, who, block, reason, ref_ })
    }
}

/// Whether a removal by name found nobody: its one target is then the name alone, and no participant.
fn was_absent(receipt: &Value) -> bool {
    let targets = receipt["targets"].as_array();
    targets.is_some_and(|targets| match targets.as_slice() {
        [sole] => sole["target"]["participant"].is_null(),
        _ => false,
    })
}
