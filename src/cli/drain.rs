//! `drain`: has a running gateway stop in order, as SIGTERM does.

use std::time::Duration;

use clap::Args;

use super::api::Call;
use super::connection::Operator;
use super::exit::Exit;
use super::failure::Failure;
use crate::api_body::EmptyBody;

/// How long a gateway may take beyond its deadline: its last words, and what it leaves in the store.
const LAST_WORDS: Duration = Duration::from_secs(10);
/// How often it is looked whether it is gone.
const PAUSE: Duration = Duration::from_millis(200);

/// Drains a gateway.
#[derive(Debug, Args)]
pub(super) struct Drain {
    /// Wait until it answers no more.
    #[arg(long)]
    wait: bool,
    #[command(flatten)]
    operator: Operator,
}

impl Drain {
    pub(super) fn run(self) -> Exit {
        let Self { wait, operator } = self;
        operator.run(|api, printer| {
            let answer = api.ask(Call::post(&["drain"], &EmptyBody::default()))?;
            let deadline = Duration::from_millis(answer["deadline_ms"].as_u64().unwrap_or(0));
            let told = match answer["sessions"].as_u64().unwrap_or(0) {
                1 => "draining: 1 session is to go".to_owned(),
                count => format!("draining: {count} sessions are to go"),
            };
            printer.sentence(&answer, &format!("{told}, within {} s", deadline.as_secs_f64()))?;
            let limit = deadline + LAST_WORDS;
            if wait && !api.is_gone_within(limit, PAUSE) {
                return Err(Failure::StillThere(limit.as_secs()));
            }
            Ok(())
        })
    }
}
