//! Errors of a server API call, each in one sentence that says what to do.

use std::fmt;
use std::io;

use reqwest::Url;
use serde::Deserialize;
use tokio_rustls::rustls;

use super::exit::Exit;
use super::suggest::UnknownName;

/// The part of the server API that a key authorizes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ApiScope {
    App,
    /// Node operations, authorized by the operator key.
    Node,
}

impl ApiScope {
    /// The environment variable with the key.
    pub(super) const fn variable(self) -> &'static str {
        match self {
            Self::App => "STAGEDOOR_SERVER_KEY",
            Self::Node => "STAGEDOOR_OPERATOR_KEY",
        }
    }

    /// What to do when the key is rejected.
    const fn hint(self) -> &'static str {
        match self {
            Self::App => "select the app with --app and its key with --key-file",
            Self::Node => "set --key-file or STAGEDOOR_OPERATOR_KEY",
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error("no key given: set --key-file or {}", .0.variable())]
    NoKey(ApiScope),
    /// A file with a key or certificates cannot be used.
    #[error("{0}")]
    File(String),
    #[error("{name}: {reason}")]
    Variable { name: &'static str, reason: String },
    /// A name that would change the URL's path.
    #[error("{0:?} cannot be used in a URL path")]
    InvalidPath(String),
    #[error(
        "no gateway is listening at {0}; start it, or set --url or STAGEDOOR_URL to its server API (in development \
         mode: the client port)"
    )]
    NotListening(String),
    #[error("{0} did not answer in time; the outcome is unknown")]
    Timeout(String),
    #[error("{0} does not answer with TLS; name it with http:// in --url or STAGEDOOR_URL")]
    NoTls(String),
    #[error(
        "{0} does not answer in HTTP; if it has a certificate, use https:// in --url or STAGEDOOR_URL"
    )]
    NoHttp(String),
    #[error("the certificate of {url} {reason}")]
    Certificate { url: String, reason: String },
    #[error("cannot listen at {url}: {reason}; --connect names the WebSocket of the clients' port")]
    Listen { url: String, reason: String },
    #[error("the gateway's answer has no token")]
    NotMinted,
    #[error("request to {url} failed: {reason}; check --url or STAGEDOOR_URL")]
    Connection { url: String, reason: String },
    /// The answer is not a gateway's.
    #[error("{url} answered with status {status} but is not a gateway's server API; check --url")]
    NotAGateway { url: String, status: u16 },
    #[error(transparent)]
    Rejected(Rejection),
    /// A user has none or several of what the command needs.
    #[error("{0}")]
    Ambiguous(String),
    /// No such room, user or participant.
    #[error(transparent)]
    Unknown(UnknownName),
    /// The gateway was still running after its drain deadline.
    #[error("gateway still running after {0} s; see its log")]
    StillRunning(u64),
    #[error("cannot start the HTTP client: {0}")]
    Runtime(io::Error),
    #[error("cannot write the output: {0}")]
    Print(#[from] io::Error),
}

impl Failure {
    /// Classifies an error of the connection to `base`.
    pub(super) fn connection(base: &Url, error: &reqwest::Error) -> Self {
        let url = Self::origin(base);
        let root = root_cause(error);
        let io_error = root.downcast_ref::<io::Error>();
        let is_refused =
            io_error.is_some_and(|error| error.kind() == io::ErrorKind::ConnectionRefused);
        // A server of another protocol ends the handshake.
        let is_cut_off = error.is_connect()
            && io_error.is_some_and(|error| error.kind() == io::ErrorKind::UnexpectedEof);
        let is_plain = base.scheme() == "http";
        let http_error = causes(error).find_map(|cause| cause.downcast_ref::<hyper::Error>());
        let is_other_protocol =
            http_error.is_some_and(|error| error.is_parse() || error.is_incomplete_message());
        match tls_error(error) {
            _ if is_refused => Self::NotListening(url),
            _ if error.is_timeout() => Self::Timeout(url),
            // The answer is not TLS.
            Some(rustls::Error::InvalidMessage(_)) => Self::NoTls(url),
            Some(rustls::Error::InvalidCertificate(error)) => {
                Self::Certificate { url, reason: certificate_hint(error) }
            }
            None if is_plain && is_other_protocol => Self::NoHttp(url),
            None if !is_plain && is_cut_off => Self::NoTls(url),
            _ => Self::Connection { url, reason: root.to_string() },
        }
    }

    /// Scheme, host and port of the gateway's URL.
    pub(super) fn origin(base: &Url) -> String {
        base.origin().ascii_serialization()
    }

    pub(super) const fn exit(&self) -> Exit {
        match self {
            Self::NoKey(_) | Self::File(_) | Self::Variable { .. } | Self::InvalidPath(_) => {
                Exit::UsageError
            }
            Self::NotListening(_)
            | Self::Timeout(_)
            | Self::NoTls(_)
            | Self::NoHttp(_)
            | Self::Certificate { .. }
            | Self::Listen { .. }
            | Self::NotMinted
            | Self::Connection { .. }
            | Self::Ambiguous(_)
            | Self::NotAGateway { .. }
            | Self::Rejected(_)
            | Self::Unknown(_)
            | Self::StillRunning(_)
            | Self::Runtime(_)
            | Self::Print(_) => Exit::Failure,
        }
    }

    /// Whether the reader of the output closed the pipe.
    pub(super) fn is_closed_pipe(&self) -> bool {
        matches!(self, Self::Print(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }
}

/// A problem document of the server API. Source: RFC 9457; `docs/server-api.md`.
#[derive(Debug, Deserialize)]
pub(super) struct Rejection {
    status: u16,
    pub(super) code: String,
    detail: String,
    field: Option<String>,
    retry_after_ms: Option<u64>,
    /// What the caller can do about it.
    #[serde(skip)]
    hint: Option<String>,
}

impl Rejection {
    /// Adds a hint about the key of `scope` if the key was rejected.
    pub(super) fn with_key_hint(self, scope: ApiScope) -> Self {
        if self.status == 401 { self.with_hint(scope.hint()) } else { self }
    }

    pub(super) fn with_hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }
}

impl std::error::Error for Rejection {}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { status: _, code: _, detail, field, retry_after_ms, hint } = self;
        write!(f, "rejected: ")?;
        if let Some(field) = field {
            write!(f, "{field}: ")?;
        }
        write!(f, "{detail}")?;
        if let Some(hint) = hint {
            write!(f, "; {hint}")?;
        }
        match retry_after_ms {
            Some(ms) => write!(f, "; retry in {} s", ms.div_ceil(1_000).max(1)),
            None => Ok(()),
        }
    }
}

/// An error and its causes in one sentence.
pub(super) fn with_causes(error: &(dyn std::error::Error + 'static)) -> String {
    causes(error).map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

type Cause = dyn std::error::Error + 'static;

/// `error` and its causes, the root last.
fn causes(error: &Cause) -> impl Iterator<Item = &Cause> {
    std::iter::successors(Some(error), |error| error.source())
}

fn root_cause(error: &Cause) -> &Cause {
    causes(error).last().unwrap_or(error)
}

/// The error of TLS among the causes. An I/O error is no cause of the error that it wraps.
fn tls_error(error: &Cause) -> Option<&rustls::Error> {
    causes(error).find_map(|cause| {
        let mut cause = cause;
        while let Some(wrapped) = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            cause = wrapped;
        }
        cause.downcast_ref::<rustls::Error>()
    })
}

/// What is wrong with a certificate, and what to do.
fn certificate_hint(error: &rustls::CertificateError) -> String {
    use rustls::CertificateError as Wrong;
    match error {
        Wrong::UnknownIssuer => {
            "is signed by an unknown authority; if that is a private CA, name its file with --ca-file"
                .to_owned()
        }
        Wrong::NotValidForName | Wrong::NotValidForNameContext { .. } => {
            "is for another host; use a name of the certificate in --url or STAGEDOOR_URL".to_owned()
        }
        Wrong::Expired | Wrong::ExpiredContext { .. } => "has expired; renew it".to_owned(),
        Wrong::NotValidYet | Wrong::NotValidYetContext { .. } => {
            "is not valid yet; check the clocks of both machines".to_owned()
        }
        other => format!("is not accepted ({other}); replace it"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn rejection_is_one_sentence_with_a_hint() {
        for (scope, rejection, expected) in [
            (
                ApiScope::App,
                json!({ "status": 400, "code": "invalid_argument", "detail": "found 0", "field": "for_ms" }),
                "rejected: for_ms: found 0",
            ),
            (
                ApiScope::App,
                json!({ "status": 401, "code": "unauthorized", "detail": "no key" }),
                "rejected: no key; select the app with --app and its key with --key-file",
            ),
            (
                ApiScope::Node,
                json!({ "status": 401, "code": "unauthorized", "detail": "not the operator's key" }),
                "rejected: not the operator's key; set --key-file or STAGEDOOR_OPERATOR_KEY",
            ),
            (
                ApiScope::Node,
                json!({ "status": 429, "code": "rate_limited", "detail": "too fast", "retry_after_ms": 1_200 }),
                "rejected: too fast; retry in 2 s",
            ),
        ] {
            let rejection: Rejection = serde_json::from_value(rejection).unwrap();
            assert_eq!(rejection.with_key_hint(scope).to_string(), expected);
        }
    }
}
