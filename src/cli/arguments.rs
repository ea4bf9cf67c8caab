//! Values of arguments that several commands take.

use std::time::Duration;

use serde::Deserialize as _;
use serde::de::IntoDeserializer as _;
use stagedoor_proto::{MAX_DURATION_MS, Role};

use crate::config::{format_duration, parse_duration};

/// Milliseconds as the server API takes them.
pub(super) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Parses a duration argument.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let duration = parse_duration(text).ok_or("expected a duration such as 30s, 5m, 24h or 30d")?;
    let most = Duration::from_millis(MAX_DURATION_MS);
    if duration > most {
        return Err(format!("expected at most {}", format_duration(most)));
    }
    Ok(duration)
}

/// Parses a role argument.
pub(super) fn role(text: &str) -> Result<Role, String> {
    let role = Role::deserialize(text.into_deserializer());
    role.map_err(|error: serde::de::value::Error| error.to_string())
}
