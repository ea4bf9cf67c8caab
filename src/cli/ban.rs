//! `ban` and `unban`: keep a user out of the app, and let them back in.

use std::time::Duration;

use clap::Args;
use stagedoor_proto::{Reason, Username};

use super::api::Call;
use super::connection::Connection;
use super::exit::Exit;
use super::moderation::IdempotencyOption;
use super::token::{duration, millis};
use crate::api_body::BanBody;

/// Bans a user.
#[derive(Debug, Args)]
pub(super) struct Ban {
    /// The user.
    user: Username,
    /// For how long: `30s`, `5m`, `24h`, `30d`; without it, for good.
    #[arg(long = "for", value_name = "DURATION", value_parser = duration)]
    duration: Option<Duration>,
    /// Why; they are told.
    #[arg(long)]
    reason: Option<Reason>,
    #[command(flatten)]
    once: IdempotencyOption,
    #[command(flatten)]
    connection: Connection,
}

/// Lifts a ban.
#[derive(Debug, Args)]
pub(super) struct Unban {
    /// The user.
    user: Username,
    #[command(flatten)]
    once: IdempotencyOption,
    #[command(flatten)]
    connection: Connection,
}

impl Ban {
    pub(super) fn run(self) -> Exit {
        let Self { user, duration, reason, once, connection } = self;
        let body = BanBody { for_ms: duration.map(millis), reason, ref_: None };
        connection.run(|api, printer| {
            let call = Call::post(&["users", user.as_str(), "ban"], &body);
            printer.user_result("banned", &user, &api.ask(call.once(once.ref_.as_ref()))?)
        })
    }
}

impl Unban {
    pub(super) fn run(self) -> Exit {
        let Self { user, once, connection } = self;
        connection.run(|api, printer| {
            let call = Call::delete(&["users", user.as_str(), "ban"]).once(once.ref_.as_ref());
            printer.user_result("unbanned", &user, &api.ask(call)?)
        })
    }
}
