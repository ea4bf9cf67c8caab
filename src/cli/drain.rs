//! `drain`: drains and stops a running gateway, as SIGTERM does.

use std::time::Duration;

use clap::Args;

use super::api::Call;
use super::connection::Operator;
use super::exit::Exit;
use super::failure::Failure;
use crate::api_body::EmptyBody;

/// Time beyond the drain deadline in which the gateway closes connections and writes to the store.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(10);
const POLL_INTERVAL: Duration = Duration::from_millis(200);

#[derive(Debug, Args)]
pub(super) struct Drain {
    /// Wait until the gateway has stopped.
    #[arg(long)]
    wait: bool,
    #[command(flatten)]
    operator: Operator,
}

impl Drain {
    pub(super) fn run(self) -> Exit {
        let Self { wait, operator } = self;
        operator.run(|api, printer| {
            let answer = api.call(Call::post(&["drain"], &EmptyBody::default()))?;
            let deadline = Duration::from_millis(answer["deadline_ms"].as_u64().unwrap_or(0));
            let summary = match answer["sessions"].as_u64().unwrap_or(0) {
                1 => "draining 1 session".to_owned(),
                count => format!("draining {count} sessions"),
            };
            printer
                .sentence(&answer, &format!("{summary}, within {} s", deadline.as_secs_f64()))?;
            let limit = deadline + SHUTDOWN_GRACE;
            if wait && !api.stops_within(limit, POLL_INTERVAL) {
                return Err(Failure::StillRunning(limit.as_secs()));
            }
            Ok(())
        })
    }
}
