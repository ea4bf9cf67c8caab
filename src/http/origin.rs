//! The origins that may connect. Source: RFC 6454, 7; RFC 6455, 10.2.

use std::collections::HashSet;

use hyper::HeaderMap;
use hyper::header::{HeaderValue, ORIGIN};

use crate::config::{Listen, Mode};
use crate::sync::Mutex;

/// Maximum number of rejected origins that are logged.
const MAX_LOGGED_ORIGINS: usize = 1_000;
/// Longest part of an origin that is logged or sent back.
const MAX_SHOWN_BYTES: usize = 256;
/// What a sandboxed page, or one from a file, sends.
const NULL: &str = "null";

/// The allowed origins.
#[derive(Clone, Debug)]
pub(super) struct Origins {
    configured: Vec<AllowedOrigin>,
    /// Whether pages from this machine are allowed, as in development mode.
    allows_loopback: bool,
    allows_null: bool,
}

/// One configured origin, which `config` has validated.
#[derive(Clone, Debug)]
enum AllowedOrigin {
    Exact(String),
    /// An origin with one label more than `suffix`: `https://*.preview.example.com`.
    Wildcard {
        scheme: String,
        suffix: String,
    },
}

/// The origin of a request that is not allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RejectedOrigin(String);

/// The rejected origins that have been logged.
#[derive(Default)]
pub(super) struct RejectedOrigins(Mutex<HashSet<String>>);

impl Origins {
    pub(super) fn new(listen: &Listen, mode: Mode) -> Self {
        Self {
            configured: listen
                .allowed_origins
                .iter()
                .map(|text| AllowedOrigin::new(text))
                .collect(),
            allows_loopback: mode == Mode::Dev,
            allows_null: listen.allow_null_origin,
        }
    }

    /// Checks the origin of a request. A request without `Origin` is not from a page and is allowed.
    pub(super) fn check(&self, headers: &HeaderMap) -> Result<(), RejectedOrigin> {
        let mut values = headers.get_all(ORIGIN).iter().map(HeaderValue::as_bytes);
        let origin = match (values.next(), values.next()) {
            (None, _) => return Ok(()),
            (Some(origin), None) => String::from_utf8_lossy(origin),
            (Some(_), Some(_)) => return Err(RejectedOrigin("several origins".to_owned())),
        };
        let is_allowed = self.configured.iter().any(|allowed| allowed.matches(&origin))
            || (self.allows_loopback && is_loopback(&origin))
            || (self.allows_null && origin == NULL);
        if is_allowed { Ok(()) } else { Err(RejectedOrigin::new(&origin)) }
    }
}

impl AllowedOrigin {
    fn new(text: &str) -> Self {
        match text.split_once("*.") {
            None => Self::Exact(text.to_owned()),
            Some((scheme, rest)) => {
                Self::Wildcard { scheme: scheme.to_owned(), suffix: format!(".{rest}") }
            }
        }
    }

    fn matches(&self, origin: &str) -> bool {
        match self {
            Self::Exact(allowed) => origin == allowed,
            Self::Wildcard { scheme, suffix } => origin
                .strip_prefix(scheme.as_str())
                .and_then(|rest| rest.strip_suffix(suffix.as_str()))
                .is_some_and(is_label),
        }
    }
}

impl RejectedOrigin {
    fn new(origin: &str) -> Self {
        Self(origin.chars().take(MAX_SHOWN_BYTES / char::MAX.len_utf8()).collect())
    }

    /// What is wrong, and what would allow the origin.
    pub(super) fn describe(&self) -> String {
        if self.0 == NULL {
            return "origin null is only allowed by `serve --dev --allow-null-origin`".to_owned();
        }
        format!("origin {:?} is not in `listen.allowed_origins`", self.0)
    }
}

impl RejectedOrigins {
    /// Logs a rejected origin for the first time.
    pub(super) fn log(&self, rejected: &RejectedOrigin) {
        let is_new = {
            let mut logged = self.0.lock();
            logged.len() < MAX_LOGGED_ORIGINS && logged.insert(rejected.0.clone())
        };
        if is_new {
            tracing::warn!(error = rejected.describe(), "connection rejected for its origin");
        }
    }

    /// Forgets what was logged: other origins may be allowed now.
    pub(super) fn reset(&self) {
        self.0.lock().clear();
    }
}

/// Whether a page of this origin was loaded from this machine, from any port.
fn is_loopback(origin: &str) -> bool {
    let Some(rest) = ["http://", "https://"].iter().find_map(|scheme| origin.strip_prefix(scheme))
    else {
        return false;
    };
    let is_port = |port: &str| port.parse::<u16>().is_ok_and(|number| port == number.to_string());
    // The colons inside the brackets of an IPv6 address are followed by no port alone.
    let host =
        rest.rsplit_once(':').filter(|(_, port)| is_port(port)).map_or(rest, |(host, _)| host);
    let is_local_name =
        || host.strip_suffix(".localhost").is_some_and(|labels| labels.split('.').all(is_label));
    ["localhost", "127.0.0.1", "[::1]"].contains(&host) || is_local_name()
}

fn is_label(text: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    !text.is_empty() && text.bytes().all(is_allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_allowed(listen: &Listen, mode: Mode, values: &[&str]) -> bool {
        let mut headers = HeaderMap::new();
        for origin in values {
            headers.append(ORIGIN, origin.parse().unwrap());
        }
        Origins::new(listen, mode).check(&headers).is_ok()
    }

    fn listen(allowed: &str) -> Listen {
        Listen { allowed_origins: vec![allowed.to_owned()], ..Listen::default() }
    }

    #[test]
    fn origins_are_compared_whole() {
        for (case, values, allowed) in [
            ("absent: no browser", &[][..], true),
            ("the same", &["https://app.example"], true),
            ("another scheme", &["http://app.example"], false),
            ("a longer host", &["https://app.example.evil.test"], false),
            ("a port", &["https://app.example:444"], false),
            ("null: a sandboxed page", &["null"], false),
            ("a page of this machine", &["http://localhost:5173"], false),
            ("two of them", &["https://app.example", "https://app.example"], false),
        ] {
            let listen = listen("https://app.example");
            assert_eq!(is_allowed(&listen, Mode::Production, values), allowed, "{case}");
        }
    }

    #[test]
    fn wildcard_stands_for_one_label() {
        for (origin, allowed) in [
            ("https://a.preview.example.com", true),
            ("https://pr-12.preview.example.com", true),
            ("https://preview.example.com", false),
            ("https://.preview.example.com", false),
            ("https://a.b.preview.example.com", false),
            ("https://evil.test/.preview.example.com", false),
            ("https://evil.test:1@a.preview.example.com", false),
            ("http://a.preview.example.com", false),
            ("https://a.preview.example.com:444", false),
            ("https://a.preview.example.com.evil.test", false),
            ("https://*.preview.example.com", false),
        ] {
            let listen = listen("https://*.preview.example.com");
            assert_eq!(is_allowed(&listen, Mode::Production, &[origin]), allowed, "{origin}");
        }
        let listen = listen("https://*.preview.example.com:8443");
        assert!(is_allowed(&listen, Mode::Production, &["https://a.preview.example.com:8443"]));
    }

    #[test]
    fn development_mode_allows_pages_of_this_machine() {
        for (origin, allowed) in [
            ("http://localhost:5173", true),
            ("https://localhost", true),
            ("http://app.localhost:3000", true),
            ("http://a.b.localhost", true),
            ("http://127.0.0.1:8080", true),
            ("http://[::1]:8080", true),
            ("http://[::1]", true),
            ("null", false),
            ("file://", false),
            ("ftp://localhost", false),
            ("http://localhost.evil.test", false),
            ("http://evillocalhost", false),
            ("http://.localhost", false),
            ("http://localhost:99999", false),
            ("http://localhost:80@evil.test", false),
            ("http://evil.test/.localhost", false),
            ("http://127.0.0.2", false),
            ("http://[::1", false),
        ] {
            assert_eq!(is_allowed(&Listen::default(), Mode::Dev, &[origin]), allowed, "{origin}");
        }
        let lenient = Listen { allow_null_origin: true, ..Listen::default() };
        assert!(is_allowed(&lenient, Mode::Dev, &["null"]));
    }

    #[test]
    fn rejected_origin_is_logged_once_and_names_what_to_set() {
        let logged = RejectedOrigins::default();
        let rejected = RejectedOrigin::new(&"x".repeat(10_000));
        assert!(rejected.describe().len() < 400, "a long origin is cut");
        logged.log(&rejected);
        logged.log(&rejected);
        assert_eq!(logged.0.lock().len(), 1);
        assert!(RejectedOrigin::new("null").describe().contains("--allow-null-origin"));
    }
}
