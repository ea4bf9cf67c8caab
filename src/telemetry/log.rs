//! Log set-up, and the names of log fields.
//!
//! Logs go to standard error; standard output is for the output of commands. Levels: `info` for the process, `warn` and
//! `error` for what needs an operator's attention, `debug` for single sessions. A request is logged inside a span with
//! its id, and with the number of its connection until a session has started. Invariant: connection data, signal data
//! and secrets have no field, and a user appears only as a hash.

use std::fmt;
use std::io::IsTerminal as _;

use serde::Serializer as _;
use tracing_serde::SerdeMapVisitor;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::fmt::FormatFields;
use tracing_subscriber::fmt::format::Writer;

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
    /// Number of client instances of guests.
    pub const GUESTS: &str = "guests";
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
        GUESTS,
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
        Format::Json => {
            let lines = lines.json().flatten_event(true).with_current_span(false);
            lines.fmt_fields(SpanFields).try_init()
        }
    };
    set_up.map_err(|_| TelemetryError::SetUp)
}

/// Writes the fields of a span as a JSON object, once per span and without an intermediate map: each connection has
/// spans, and few of them are ever logged. A span's fields are all set when it is made.
struct SpanFields;

/// Bytes that the fields of most spans need.
const FIELDS_BYTES: usize = 96;

impl<'writer> FormatFields<'writer> for SpanFields {
    fn format_fields<R: RecordFields>(
        &self,
        mut writer: Writer<'writer>,
        fields: R,
    ) -> fmt::Result {
        // The serializer writes many small pieces, each of which would be checked to be text.
        let mut object = Vec::with_capacity(FIELDS_BYTES);
        let mut serializer = serde_json::Serializer::new(&mut object);
        let map = serializer.serialize_map(None).map_err(|_| fmt::Error)?;
        let mut visitor = SerdeMapVisitor::new(map);
        fields.record(&mut visitor);
        visitor.finish().map_err(|_| fmt::Error)?;
        writer.write_str(str::from_utf8(&object).map_err(|_| fmt::Error)?)
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use super::*;

    /// Collects log lines.
    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn json_lines_have_the_fields_of_their_spans() {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber = tracing_subscriber::fmt()
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .fmt_fields(SpanFields)
            .with_writer(move || writer.clone())
            .finish();
        let odd = "a \"quoted\" \\ \u{7}\n\u{7f} é 漢";
        tracing::subscriber::with_default(subscriber, || {
            let _empty = tracing::error_span!("empty").entered();
            let _outer =
                tracing::error_span!("outer", connection = 7_u64, outcome = true).entered();
            let _inner =
                tracing::error_span!("inner", step_ms = -1_i64, user = odd, error = ?odd).entered();
            tracing::error!("something happened");
        });
        let line: serde_json::Value =
            serde_json::from_slice(&lines.0.lock().unwrap()).expect("a line of JSON");
        let spans = serde_json::json!([
            { "name": "empty" },
            { "name": "outer", "connection": 7, "outcome": true },
            { "name": "inner", "step_ms": -1, "user": odd, "error": format!("{odd:?}") },
        ]);
        assert_eq!(line["spans"], spans);
        assert_eq!(line["message"], "something happened");
    }

    #[test]
    fn invalid_filter_is_named() {
        let error = init("info,=,=", Format::Json).unwrap_err();
        assert!(error.to_string().starts_with("log filter \"info,=,=\": "), "{error}");
    }
}
