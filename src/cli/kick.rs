//! `kick`: removes somebody from a room, or lets them return.

use std::time::Duration;

use clap::Args;
use serde_json::{Map, Value, json};
use stagedoor_proto::{ParticipantId, Reason, RoomId, Username};

use super::api::Api;
use super::connection::Connection;
use super::exit::Exit;
use super::lookup::{Kind, find_similar};
use super::table::printable;
use super::token::duration;
use super::verb::{Manner, ask, perform};
use crate::config::told_duration;

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
    manner: Manner,
    #[command(flatten)]
    connection: Connection,
}

impl Kick {
    pub(super) fn run(self) -> Exit {
        let Self { room, manner, connection, .. } = &self;
        if self.lift {
            return perform(connection, manner, room, "unblock", &self.body());
        }
        connection.run(|api, printer| {
            let receipt = ask(api, manner, room, "force_disconnect", &self.body())?;
            match &self.user {
                Some(user) if was_absent(&receipt) => {
                    printer.told(&receipt, &self.block_of_absent(api, user))
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
            None => "as long as the app's default_block says".to_owned(),
        };
        format!(
            "{absent}\nblocked all the same: {} may not enter {place} for {time}",
            printable(name)
        )
    }

    fn body(&self) -> Value {
        if self.lift {
            return json!({ "username": self.user });
        }
        let mut block = Map::new();
        if let Some(duration) = self.duration {
            let ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
            block.insert("for_ms".to_owned(), ms.into());
        }
        if self.everywhere {
            block.insert("scope".to_owned(), "app".into());
        }
        json!({
            "username": self.user, "participant": self.participant, "block": block, "reason": self.reason,
        })
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
