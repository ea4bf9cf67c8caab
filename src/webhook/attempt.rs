//! One delivery attempt: the HTTP request to an endpoint, and the meaning of its response.
//!
//! Source: Standard Webhooks 1.0.0, "Delivery": 2xx is success; 410 disables the endpoint; every other status is
//! retried.

use std::time::Duration;

use jiff::fmt::rfc2822::DateTimeParser;
use reqwest::{Response, StatusCode, header};
use stagedoor_proto::Timestamp;

use super::endpoint::{AttemptFailure, Endpoint};
use crate::outbound::{self, OutboundError};
use crate::store::NewMessage;
use crate::telemetry::AttemptOutcome;

/// Posts a message to an endpoint. The endpoint's HTTP client enforces the deadline.
pub(super) async fn attempt(
    endpoint: &Endpoint,
    message: &NewMessage,
    now: Timestamp,
) -> Result<(), AttemptFailure> {
    let body = message.body.as_bytes().to_vec();
    let mut request =
        endpoint.client.post(endpoint.url.clone()).header(header::CONTENT_TYPE, "application/json");
    for (name, value) in outbound::signature_headers(&endpoint.secrets, message.event, now, &body) {
        request = request.header(name, value);
    }
    let answer = request.body(body).send().await.map_err(OutboundError::request);
    let answer = answer.map_err(|error| failure(unanswered(&error), &error))?;
    let status = answer.status();
    let retry_after = retry_after(&answer, now);
    // Only the status decides. Reading a short body lets the client reuse the connection.
    let _ = outbound::read_limited(answer, MAX_ANSWER_BYTES).await;
    if status.is_success() {
        return Ok(());
    }
    let is_busy = matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE);
    Err(AttemptFailure {
        retry_after: retry_after.filter(|_| is_busy),
        ..failure(answered(status), &OutboundError::Status(status))
    })
}

fn failure(outcome: AttemptOutcome, error: &OutboundError) -> AttemptFailure {
    let error: String = error.to_string().chars().take(MAX_ERROR_CHARS).collect();
    AttemptFailure { outcome, error: error.into(), retry_after: None }
}

const fn answered(status: StatusCode) -> AttemptOutcome {
    match status {
        StatusCode::GONE => AttemptOutcome::Gone,
        _ => AttemptOutcome::Failed,
    }
}

fn unanswered(error: &OutboundError) -> AttemptOutcome {
    if error.is_blocked_address() { AttemptOutcome::Forbidden } else { AttemptOutcome::Unanswered }
}

/// The wait that the endpoint requests. Source: RFC 9110, 10.2.3.
fn retry_after(answer: &Response, now: Timestamp) -> Option<Duration> {
    let text = answer.headers().get(header::RETRY_AFTER)?.to_str().ok()?;
    parse_retry_after(text, now).map(|wait| wait.min(MAX_RETRY_AFTER))
}

fn parse_retry_after(text: &str, now: Timestamp) -> Option<Duration> {
    if let Ok(secs) = text.parse() {
        return Some(Duration::from_secs(secs));
    }
    let date = DateTimeParser::new().parse_timestamp(text).ok()?;
    let ms = u64::try_from(date.as_millisecond()).ok()?;
    Some(Timestamp::from_millis(ms).saturating_since(now))
}

/// Maximum bytes read from a response body.
const MAX_ANSWER_BYTES: usize = 4 * 1024;
/// Maximum length of a stored error.
const MAX_ERROR_CHARS: usize = 200;
/// Maximum `Retry-After` that is honored.
const MAX_RETRY_AFTER: Duration = Duration::from_hours(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_accepts_seconds_or_a_date() {
        // 1994-11-06 08:49:37 is the date of RFC 9110.
        let now = Timestamp::from_secs(784_111_777 - 90);
        for (text, expected) in [
            ("120", Some(120)),
            ("0", Some(0)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(90)),
            ("Sun, 06 Nov 1994 08:40:00 GMT", Some(0)),
            ("-1", None),
            ("1.5", None),
            ("soon", None),
            ("", None),
        ] {
            assert_eq!(parse_retry_after(text, now), expected.map(Duration::from_secs), "{text:?}");
        }
    }
}
