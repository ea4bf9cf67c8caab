//! Log set-up, and the names of what is logged beside a message.
//!
//! Logs go to the standard error stream: the standard output is for what a command was asked to print. What concerns the
//! process is told at `info`, what wants an operator's attention at `warn` and `error`, and what concerns one session at
//! `debug`. Whatever a request leads to is logged inside a span that names it; until there is a session, its connection too.
//! Invariant: connection data, signal data and secrets have no field, and a user has only a hash.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

/// The names of span and event fields; nothing else is logged beside a message.
///
/// A test reads every line that logs and compares.
pub mod field {
    /// The app's id.
    pub const APP: &str = "app";
    /// A user, as [`UserHash`](crate::telemetry::UserHash) shows them.
    pub const USER: &str = "user";
    /// A session's id.
    pub const SESSION: &str = "session";
    /// A connection's number in this process.
    pub const CONNECTION: &str = "connection";
    /// An auth hook's name.
    pub const HOOK: &str = "hook";
    /// What went wrong.
    pub const ERROR: &str = "error";
    /// A request, as [`RequestId`](crate::request::RequestId) tells it everywhere.
    pub const REQUEST: &str = "request";
    /// A host of somebody else's that is called.
    pub const HOST: &str = "host";
    /// An address that the gateway listens on.
    pub const LISTEN: &str = "listen";
    /// The address that the server API listens on.
    pub const ADMIN: &str = "admin";
    /// How many sessions.
    pub const SESSIONS: &str = "sessions";
    /// How many rooms.
    pub const ROOMS: &str = "rooms";
    /// How something ended.
    pub const OUTCOME: &str = "outcome";
    /// The gateway's version.
    pub const VERSION: &str = "version";
    /// The store, by its file.
    pub const STORE: &str = "store";

    /// The method, route and status of a call of the server API, and how long it took.
    pub const METHOD: &str = "method";
    /// See [`METHOD`].
    pub const ROUTE: &str = "route";
    /// See [`METHOD`].
    pub const STATUS: &str = "status";
    /// See [`METHOD`]; in milliseconds.
    pub const TOOK_MS: &str = "took_ms";
    /// A webhook endpoint's name.
    pub const ENDPOINT: &str = "endpoint";
    /// How many webhook messages.
    pub const MESSAGES: &str = "messages";
    /// The id of an event, as its webhook messages have it.
    pub const EVENT: &str = "event";
    /// Which attempt at a webhook message, from 1.
    pub const ATTEMPT: &str = "attempt";
    /// All of them.
    pub const ALL: &[&str] = &[
        APP, USER, SESSION, CONNECTION, HOOK, ERROR, REQUEST, HOST, LISTEN, ADMIN, SESSIONS, ROOMS,
        OUTCOME, VERSION, STORE, ENDPOINT, MESSAGES, EVENT, ATTEMPT, METHOD, ROUTE, STATUS,
        TOOK_MS,
    ];
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For a person at a terminal.
    Pretty,
    /// One JSON object a line, for machines.
    Json,
}

/// Why logging could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The filter is not one.
    #[error("log filter {filter:?}: {reason}")]
    Filter {
        /// What was given.
        filter: String,
        /// Why it is none.
        reason: String,
    },
    /// This process logs already.
    #[error("logging is set up already")]
    SetUp,
}

/// Sets logging up for the whole process.
///
/// `filter` is a level or the directives of [`EnvFilter`].
///
/// # Errors
/// [`TelemetryError`] when the filter is not one, or logging is set up already.
pub fn init(filter: &str, format: Format) -> Result<(), TelemetryError> {
    let directives = EnvFilter::try_new(filter).map_err(|error| TelemetryError::Filter {
        filter: filter.to_owned(),
        reason: error.to_string(),
    })?;
    let lines = tracing_subscriber::fmt().with_env_filter(directives).with_writer(std::io::stderr);
    // In a file or a journal, colours are characters that stand in the way.
    let lines = if std::io::stderr().is_terminal() { lines } else { lines.with_ansi(false) };
    let set_up = match format {
        Format::Pretty => lines.with_target(false).try_init(),
        // The list of spans has the current one in it.
        Format::Json => lines.json().flatten_event(true).with_current_span(false).try_init(),
    };
    set_up.map_err(|_| TelemetryError::SetUp)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_that_is_none_is_named() {
        let error = init("info,=,=", Format::Json).unwrap_err();
        assert!(error.to_string().starts_with("log filter \"info,=,=\": "), "{error}");
    }
}
