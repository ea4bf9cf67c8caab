//! `tokens revoke-all`.

use clap::Args;
use stagedoor_proto::{Reason, Timestamp};

use super::api::Call;
use super::connection::Connection;
use super::exit::Exit;
use super::moderation::IdempotencyOption;
use super::table::date;
use crate::api_body::RevokeAllBody;

#[derive(Debug, Args)]
pub(super) struct RevokeAll {
    /// Revoke what was issued before this time: `2026-11-28T21:00:00Z`, or milliseconds since 1970. Default: now.
    #[arg(long, value_name = "TIME", value_parser = time)]
    before: Option<Timestamp>,
    /// Reason, for the audit log.
    #[arg(long)]
    reason: Option<Reason>,
    #[command(flatten)]
    idempotency: IdempotencyOption,
}

impl RevokeAll {
    pub(super) fn run(self, connection: &Connection) -> Exit {
        let Self { before, reason, idempotency } = self;
        let body = RevokeAllBody { before_ms: before, reason, ref_: None };
        connection.run(|api, printer| {
            let call = Call::post(&["revoke-all"], &body);
            let answer = api.call(call.with_ref(idempotency.ref_.as_ref()))?;
            let ended = match answer["sessions_ended"].as_u64().unwrap_or_default() {
                1 => "1 session".to_owned(),
                count => format!("{count} sessions"),
            };
            let from = answer["accepted_from_ms"].as_u64().map(Timestamp::from_millis);
            let from = from.and_then(date).unwrap_or_default();
            let sentence = format!(
                "revoked all tokens ({ended} ended); tokens issued from {from} on are accepted"
            );
            printer.sentence(&answer, &sentence)
        })
    }
}

fn time(text: &str) -> Result<Timestamp, String> {
    let ms = text.parse::<u64>().ok();
    let ms =
        ms.or_else(|| u64::try_from(text.parse::<jiff::Timestamp>().ok()?.as_millisecond()).ok());
    ms.map(Timestamp::from_millis)
        .ok_or_else(|| "expected a time such as 2026-11-28T21:00:00Z, or milliseconds".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_is_a_date_or_milliseconds() {
        for text in ["2026-11-28T21:00:00.5Z", "1795899600500", "2026-11-28T22:00:00.5+01:00"] {
            assert_eq!(time(text), Ok(Timestamp::from_millis(1_795_899_600_500)), "{text}");
        }
        for text in ["", "yesterday", "2026-11-28", "-5", "1960-01-01T00:00:00Z"] {
            assert!(time(text).is_err(), "{text}");
        }
    }
}
