//! Log set-up, and the names of log fields.
//!
//! Logs go to standard error; standard output is for the output of commands. Levels: `info` for the process, `warn` and
//! `error` for what needs an operator's attention, `debug` for single sessions. A request is logged inside a span with
//! its id, and with the number of its connection until a session has started. Invariant: connection data, signal data
//! and secrets have no field, and a user appears only as a hash.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

/// The names of all span and event fields. A test compares them with every log statement.
pub mod field {
    pub const APP: &str = "app";
    /// A user, hashed by [`UserHash`](crate::telemetry::UserHash).
    pub const USER: &str = "user";
    pub const SESSION: &str = "session";
    /// The connection's number in this process.
    pub const CONNECTION: &str = "connection";
    /// The name of the auth hook.
    pub const HOOK: &str = "hook";
    pub const ERROR: &str = "error";
    /// The [`RequestId`](crate::request::RequestId).
    pub const REQUEST: &str = "request";
    /// The name of an unknown field in an answer of the auth webhook.
    pub const FIELD: &str = "field";
    /// The name of a forwarding header.
    pub const HEADER: &str = "header";
    /// The remote host of an outgoing call.
    pub const HOST: &str = "host";
    /// The address that clients connect to.
    pub const LISTEN: &str = "listen";
    /// The address that the server API listens on.
    pub const ADMIN: &str = "admin";
    /// Number of sessions.
    pub const SESSIONS: &str = "sessions";
    /// Number of rooms.
    pub const ROOMS: &str = "rooms";
    /// Bytes of replay buffers that were freed.
    pub const FREED_BYTES: &str = "freed_bytes";
    /// By how much the wall clock stepped, in milliseconds.
    pub const STEP_MS: &str = "step_ms";
    pub const OUTCOME: &str = "outcome";
    pub const VERSION: &str = "version";
    /// The store's file.
    pub const STORE: &str = "store";

    /// HTTP method of a server API call.
    pub const METHOD: &str = "method";
    /// Route of a server API call, without ids.
    pub const ROUTE: &str = "route";
    /// HTTP status of a server API call.
    pub const STATUS: &str = "status";
    /// Duration of a server API call in milliseconds.
    pub const TOOK_MS: &str = "took_ms";
    /// The id of a webhook endpoint.
    pub const ENDPOINT: &str = "endpoint";
    /// Number of webhook messages.
    pub const MESSAGES: &str = "messages";
    /// The address of a server API caller.
    pub const ADDRESS: &str = "address";
    /// Name of a background task.
    pub const TASK: &str = "task";
    /// The id of a webhook event.
    pub const EVENT: &str = "event";
    /// Number of the delivery attempt, from 1.
    pub const ATTEMPT: &str = "attempt";
    /// The id of a signing key.
    pub const KID: &str = "kid";
    pub const ALL: &[&str] = &[
        APP,
        USER,
        SESSION,
        CONNECTION,
        HOOK,
        ERROR,
        REQUEST,
        FIELD,
        HEADER,
        HOST,
        STEP_MS,
        LISTEN,
        ADMIN,
        SESSIONS,
        ROOMS,
        OUTCOME,
        VERSION,
        STORE,
        ENDPOINT,
        MESSAGES,
        EVENT,
        ATTEMPT,
        ADDRESS,
        TASK,
        KID,
        METHOD,
        ROUTE,
        STATUS,
        TOOK_MS,
        FREED_BYTES,
    ];
}

/// The format of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Pretty,
    /// One JSON object per line.
    Json,
}

/// Why logging could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The filter is invalid.
    #[error("log filter {filter:?}: {reason}")]
    Filter { filter: String, reason: String },
    /// A subscriber is already installed in this process.
    #[error("logging is already set up")]
    SetUp,
}

/// Sets logging up for the whole process.
///
/// `filter` is a level or the directives of [`EnvFilter`].
///
/// # Errors
/// [`TelemetryError`] when the filter is invalid, or logging is already set up.
pub fn init(filter: &str, format: Format) -> Result<(), TelemetryError> {
    let directives = EnvFilter::try_new(filter).map_err(|error| TelemetryError::Filter {
        filter: filter.to_owned(),
        reason: error.to_string(),
    })?;
    let lines = tracing_subscriber::fmt().with_env_filter(directives).with_writer(std::io::stderr);
    // In a file or a journal, colour codes are noise.
    let lines = if std::io::stderr().is_terminal() { lines } else { lines.with_ansi(false) };
    let set_up = match format {
        Format::Pretty => lines.with_target(false).try_init(),
        // The list of spans includes the current one.
        Format::Json => lines.json().flatten_event(true).with_current_span(false).try_init(),
    };
    set_up.map_err(|_| TelemetryError::SetUp)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invalid_filter_is_named() {
        let error = init("info,=,=", Format::Json).unwrap_err();
        assert!(error.to_string().starts_with("log filter \"info,=,=\": "), "{error}");
    }
}
