//! `users ban` and `users unban`.

use std::time::Duration;

use clap::Args;
use stagedoor_proto::{Reason, Username};

use super::api::Call;
use super::arguments::{duration, millis};
use super::connection::Connection;
use super::exit::Exit;
use super::moderation::IdempotencyOption;
use crate::api_body::BanBody;

#[derive(Debug, Args)]
pub(super) struct Ban {
    /// Username.
    user: Username,
    /// Duration of the ban: `30s`, `5m`, `24h`, `30d`. Default: permanent.
    #[arg(long = "for", value_name = "DURATION", value_parser = duration)]
    duration: Option<Duration>,
    /// Reason, shown to the user.
    #[arg(long)]
    reason: Option<Reason>,
    #[command(flatten)]
    idempotency: IdempotencyOption,
}

#[derive(Debug, Args)]
pub(super) struct Unban {
    /// Username.
    user: Username,
    #[command(flatten)]
    idempotency: IdempotencyOption,
}

impl Ban {
    pub(super) fn run(self, connection: &Connection) -> Exit {
        let Self { user, duration, reason, idempotency } = self;
        let body = BanBody { for_ms: duration.map(millis), reason, ref_: None };
        connection.run(|api, printer| {
            let call = Call::post(&["users", user.as_str(), "ban"], &body);
            let answer = api.call(call.with_ref(idempotency.ref_.as_ref()))?;
            printer.ban_result(&user, &answer)
        })
    }
}

impl Unban {
    pub(super) fn run(self, connection: &Connection) -> Exit {
        let Self { user, idempotency } = self;
        connection.run(|api, printer| {
            let call =
                Call::delete(&["users", user.as_str(), "ban"]).with_ref(idempotency.ref_.as_ref());
            printer.unban_result(&user, &api.call(call)?)
        })
    }
}
