//! Log set-up, the names of span fields, and how a user appears in logs.
//!
//! Logs go to the standard error stream: the standard output is for what a command was asked to print.
//! Invariant: a username leaves here only as a keyed hash, whose key is new in each process; connection data, signal
//! data and secrets have no field.

use std::fmt;

use aws_lc_rs::hmac;
use stagedoor_proto::Username;
use tracing_subscriber::EnvFilter;

/// The names of span and event fields; nothing else is logged beside a message.
pub mod field {
    /// The app's id.
    pub const APP: &str = "app";
    /// A user, as [`UserHash`](super::UserHash) shows them.
    pub const USER: &str = "user";
    /// A session's id.
    pub const SESSION: &str = "session";
    /// A connection's number in this process.
    pub const CONNECTION: &str = "connection";
    /// A close code.
    pub const CODE: &str = "code";
    /// An auth hook's name.
    pub const HOOK: &str = "hook";
    /// What went wrong.
    pub const ERROR: &str = "error";
}

/// Bytes of a hash that are shown: enough to tell users apart in one process's logs.
const SHOWN_BYTES: usize = 8;

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
    let set_up = match format {
        Format::Pretty => lines.with_target(false).try_init(),
        Format::Json => lines.json().flatten_event(true).try_init(),
    };
    set_up.map_err(|_| TelemetryError::SetUp)
}

/// Turns usernames into what logs may show.
///
/// The same user gets the same hash as long as the process lives, and another one in the next.
#[derive(Clone)]
pub struct UserHash(hmac::Key);

impl UserHash {
    /// Hashes with `key`, which is to be random and kept nowhere.
    #[must_use]
    pub fn new(key: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, key))
    }

    /// What logs show of `username` in `app`.
    #[must_use]
    pub fn of(&self, app: &str, username: &Username) -> HashedUser {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(app.as_bytes());
        context.update(&[0]); // No app id holds it, so no two pairs read the same.
        context.update(username.as_str().as_bytes());
        let mut shown = [0; SHOWN_BYTES];
        shown.copy_from_slice(&context.sign().as_ref()[..SHOWN_BYTES]);
        HashedUser(u64::from_be_bytes(shown))
    }
}

impl fmt::Debug for UserHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UserHash(..)")
    }
}

/// A user in a log line: 16 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct HashedUser(u64);

impl fmt::Display for HashedUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for HashedUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_tells_users_apps_and_processes_apart_and_no_name() {
        let (ada, bob) = ("ada".parse().unwrap(), "bob".parse().unwrap());
        let (here, there) = (UserHash::new(&[1; 32]), UserHash::new(&[2; 32]));
        let shown = here.of("demo", &ada).to_string();
        assert_eq!(shown, here.of("demo", &ada).to_string());
        assert_eq!(shown.len(), 16);
        for other in [here.of("demo", &bob), here.of("other", &ada), there.of("demo", &ada)] {
            assert_ne!(shown, other.to_string());
        }
        assert!(!shown.contains("ada"));
        assert_eq!(format!("{here:?}"), "UserHash(..)");
    }

    #[test]
    fn a_filter_that_is_none_is_named() {
        let error = init("info,=,=", Format::Json).unwrap_err();
        assert!(error.to_string().starts_with("log filter \"info,=,=\": "), "{error}");
    }
}
