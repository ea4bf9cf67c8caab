//! `keys rotate`.

use std::time::Duration;

use clap::{Args, Subcommand};
use stagedoor_proto::Timestamp;

use super::api::Call;
use super::arguments::{duration, millis};
use super::connection::Operator;
use super::exit::Exit;
use super::table::date;
use crate::api_body::EmptyBody;

#[derive(Debug, Args)]
pub(super) struct Keys {
    #[command(subcommand)]
    command: KeysCommand,
}

#[derive(Debug, Subcommand)]
enum KeysCommand {
    /// Make a new key that signs access tokens. Sessions go on.
    Rotate {
        /// How long tokens of the former keys are accepted: `0s`, `24h`, `30d`.
        #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "30d")]
        former_for: Duration,
        #[command(flatten)]
        operator: Operator,
    },
}

impl Keys {
    pub(super) fn run(self) -> Exit {
        let KeysCommand::Rotate { former_for, operator } = self.command;
        operator.run(|api, printer| {
            let former_for = millis(former_for).to_string();
            let call = Call::post(&["keys", "rotate"], &EmptyBody::default());
            let answer = api.call(call.with("former_for_ms", &former_for))?;
            let kid = answer["kid"].as_str().unwrap_or_default();
            let until = answer["former_until_ms"].as_u64().map(Timestamp::from_millis);
            let until = until.and_then(date).unwrap_or_default();
            let sentence =
                format!("signing with {kid}; tokens of former keys are accepted until {until}");
            printer.sentence(&answer, &sentence)
        })
    }
}
