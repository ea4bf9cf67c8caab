//! Why a call of the server API came to nothing, in one sentence that says what to do.

use std::fmt;
use std::io;

use reqwest::Url;
use serde::Deserialize;

use super::exit::Exit;
use super::suggest::UnknownName;

/// What a key opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ApiScope {
    /// An app.
    App,
    /// What concerns the whole node.
    Node,
}

impl ApiScope {
    /// The variable that has the key.
    pub(super) const fn variable(self) -> &'static str {
        match self {
            Self::App => "STAGEDOOR_SERVER_KEY",
            Self::Node => "STAGEDOOR_OPERATOR_KEY",
        }
    }

    /// What to do when the key does not open it.
    const fn hint(self) -> &'static str {
        match self {
            Self::App => "say which app with --app, and show its key with --key-file",
            Self::Node => "show that one with --key-file, or set STAGEDOOR_OPERATOR_KEY",
        }
    }
}

/// Why a command came to nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// The caller's: no key was given.
    #[error("no key: name the file it is in with --key-file, or set {}", .0.variable())]
    NoKey(ApiScope),
    /// The caller's: the key cannot be read.
    #[error("{file}: {reason}")]
    KeyFile {
        /// Which file.
        file: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The caller's: a variable that makes no sense.
    #[error("{name}: {reason}")]
    Variable {
        /// Which variable.
        name: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// The caller's: a name that no URL can tell.
    #[error("no call can name {0:?}: in a URL it stands for a place")]
    NoSuchPath(String),
    /// Nobody listens there.
    #[error(
        "no gateway answers at {0}: is it running? --url or STAGEDOOR_URL says where its server API is, in development \
         mode on the port of everything else"
    )]
    Nobody(String),
    /// Somebody listens and says nothing.
    #[error("{0} did not answer in time; whether it was done is not known")]
    Late(String),
    /// The connection could not be made, or broke.
    #[error("cannot ask {url}: {reason}")]
    Connection {
        /// Where.
        url: String,
        /// What went wrong.
        reason: String,
    },
    /// What answers is something else.
    #[error(
        "{url} answered with status {status}, and not as a gateway does: is this its server API?"
    )]
    NotAGateway {
        /// Where.
        url: String,
        /// With which status.
        status: u16,
    },
    /// The gateway refused the call.
    #[error(transparent)]
    Refused(Refusal),
    /// There is nobody and nothing of that name.
    #[error(transparent)]
    Unknown(UnknownName),
    /// The gateway goes on after its deadline.
    #[error("the gateway still answers after {0} s: see its log")]
    StillThere(u64),
    /// There is nobody to make calls.
    #[error("cannot make calls: {0}")]
    Runtime(io::Error),
    /// What was answered cannot be printed.
    #[error("cannot print it: {0}")]
    Print(#[from] io::Error),
}

impl Failure {
    /// What became of the connection to `base`.
    pub(super) fn connection(base: &Url, error: &reqwest::Error) -> Self {
        let url = Self::place(base);
        let innermost = innermost(error);
        let is_refused = innermost
            .downcast_ref::<io::Error>()
            .is_some_and(|error| error.kind() == io::ErrorKind::ConnectionRefused);
        if is_refused {
            Self::Nobody(url)
        } else if error.is_timeout() {
            Self::Late(url)
        } else {
            Self::Connection { url, reason: innermost.to_string() }
        }
    }

    /// Where a gateway is, without what it is asked.
    pub(super) fn place(base: &Url) -> String {
        base.origin().ascii_serialization()
    }

    /// How the process ends with it.
    pub(super) const fn exit(&self) -> Exit {
        match self {
            Self::NoKey(_) | Self::KeyFile { .. } | Self::Variable { .. } | Self::NoSuchPath(_) => {
                Exit::UsageError
            }
            Self::Nobody(_)
            | Self::Late(_)
            | Self::Connection { .. }
            | Self::NotAGateway { .. }
            | Self::Refused(_)
            | Self::Unknown(_)
            | Self::StillThere(_)
            | Self::Runtime(_)
            | Self::Print(_) => Exit::Failure,
        }
    }

    /// Whether whoever reads the output has had enough.
    pub(super) fn is_closed_pipe(&self) -> bool {
        matches!(self, Self::Print(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }
}

/// The server API's refusal. Source: RFC 9457; `docs/server-api.md`.
#[derive(Debug, Deserialize)]
pub(super) struct Refusal {
    status: u16,
    pub(super) code: String,
    detail: String,
    field: Option<String>,
    retry_after_ms: Option<u64>,
    /// What the caller may do about it.
    #[serde(skip)]
    hint: Option<String>,
}

impl Refusal {
    /// The same, of who came to this scope.
    pub(super) fn at(self, scope: ApiScope) -> Self {
        if self.status == 401 { self.with_hint(scope.hint()) } else { self }
    }

    /// The same, with what the caller may do about it.
    pub(super) fn with_hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }
}

impl std::error::Error for Refusal {}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { status: _, code: _, detail, field, retry_after_ms, hint } = self;
        write!(f, "refused: ")?;
        if let Some(field) = field {
            write!(f, "{field}: ")?;
        }
        write!(f, "{detail}")?;
        if let Some(hint) = hint {
            write!(f, "; {hint}")?;
        }
        match retry_after_ms {
            Some(ms) => write!(f, "; try again in {} s", ms.div_ceil(1_000).max(1)),
            None => Ok(()),
        }
    }
}

/// What it all began with.
fn innermost<'a>(
    error: &'a (dyn std::error::Error + 'static),
) -> &'a (dyn std::error::Error + 'static) {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_refusal_is_one_sentence_that_says_what_to_do() {
        for (scope, refusal, expected) in [
            (
                ApiScope::App,
                json!({ "status": 400, "code": "invalid_argument", "detail": "found 0", "field": "for_ms" }),
                "refused: for_ms: found 0",
            ),
            (
                ApiScope::App,
                json!({ "status": 401, "code": "unauthorized", "detail": "no key" }),
                "refused: no key; say which app with --app, and show its key with --key-file",
            ),
            (
                ApiScope::Node,
                json!({ "status": 401, "code": "unauthorized", "detail": "not the operator's key" }),
                "refused: not the operator's key; show that one with --key-file, or set STAGEDOOR_OPERATOR_KEY",
            ),
            (
                ApiScope::Node,
                json!({ "status": 429, "code": "rate_limited", "detail": "too fast", "retry_after_ms": 1_200 }),
                "refused: too fast; try again in 2 s",
            ),
        ] {
            let refusal: Refusal = serde_json::from_value(refusal).unwrap();
            assert_eq!(refusal.at(scope).to_string(), expected);
        }
    }
}
