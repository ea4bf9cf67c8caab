//! `kick`: removes somebody from a room, or lets them return.

use std::time::Duration;

use clap::Args;
use serde_json::{Map, Value, json};
use stagedoor_proto::{ParticipantId, Reason, RoomId, Username};

use super::Exit;
use super::connection::Connection;
use super::token::duration;
use super::verb::{Manner, perform};

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
        let name = if self.lift { "unblock" } else { "force_disconnect" };
        perform(connection, manner, room, name, &self.body())
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
