//! Errors of the server API as problem details. Source: RFC 9457.
//!
//! Each has a [`ProblemKind`], a constant next to the code that returns it; the API's document uses the same constants.

use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use hyper::StatusCode;
use hyper::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;
use stagedoor_proto::delay_ms;

use crate::store::StoreError;

/// A kind of problem: status, code, and whether it is transient.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ProblemKind {
    /// The HTTP status.
    pub(super) status: StatusCode,
    /// Machine-readable code.
    pub(super) code: &'static str,
    /// Whether it is transient: it then has a retry time.
    pub(super) passes: bool,
}

impl ProblemKind {
    /// An argument is invalid.
    pub(super) const INVALID: Self = Self::new(StatusCode::BAD_REQUEST, "invalid_argument");
    /// The resource does not exist.
    pub(super) const NOT_FOUND: Self = Self::new(StatusCode::NOT_FOUND, "not_found");
    /// The method is not allowed here.
    pub(super) const OTHER_METHOD: Self =
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed");
    /// A rate limit was exceeded.
    pub(super) const RATE_LIMITED: Self =
        Self::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited").passing();
    /// The node is at its limit.
    pub(super) const OVERLOADED: Self =
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "overloaded").passing();
    /// The store failed.
    pub(super) const STORE_UNAVAILABLE: Self =
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "store_unavailable").passing();

    /// A permanent kind: a retry fails too.
    pub(super) const fn new(status: StatusCode, code: &'static str) -> Self {
        Self { status, code, passes: false }
    }

    /// Makes it transient.
    pub(super) const fn passing(self) -> Self {
        Self { passes: true, ..self }
    }
}

/// Default retry time.
const RETRY_AFTER_MS: u64 = 1_000;

/// What went wrong with a request, and how to fix it.
///
/// Shape: `{"type":"about:blank","title":"Not Found","status":404,"code":"not_found","detail":"…"}`.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Problem {
    /// `about:blank`: the status says what kind of problem it is.
    #[serde(rename = "type")]
    type_: &'static str,
    /// The status in words.
    title: &'static str,
    /// The HTTP status.
    #[schemars(range(min = 400, max = 599))]
    status: u16,
    /// What went wrong, for programs.
    #[schemars(schema_with = "code_schema")]
    code: &'static str,
    /// What was found, what was expected and how to fix it, for people.
    detail: String,
    /// The invalid argument.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    /// When to retry.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_ms: Option<u64>,
}

/// A reference to the codes, which the document collects from its operations.
fn code_schema(_: &mut SchemaGenerator) -> Schema {
    schemars::json_schema!({ "$ref": "#/components/schemas/ProblemCode" })
}

impl Problem {
    /// A problem of this kind; `detail` is for people.
    pub(super) fn new(kind: ProblemKind, detail: impl Into<String>) -> Self {
        let ProblemKind { status, code, passes } = kind;
        let title = status.canonical_reason().unwrap_or("Error");
        Self {
            type_: "about:blank",
            title,
            status: status.as_u16(),
            code,
            detail: detail.into(),
            field: None,
            retry_after_ms: passes.then_some(RETRY_AFTER_MS),
        }
    }

    /// An invalid argument `field`.
    pub(super) fn invalid(field: &str, detail: impl Into<String>) -> Self {
        Self::new(ProblemKind::INVALID, detail).at(field)
    }

    /// Names the invalid argument.
    pub(super) fn at(self, field: impl Into<String>) -> Self {
        Self { field: Some(field.into()), ..self }
    }

    /// Sets the retry time.
    pub(super) fn retry_after(self, wait: Duration) -> Self {
        Self { retry_after_ms: Some(delay_ms(wait)), ..self }
    }

    /// The resource does not exist.
    pub(super) fn not_found(detail: impl Into<String>) -> Self {
        Self::new(ProblemKind::NOT_FOUND, detail)
    }

    /// The response with this problem.
    pub(super) fn respond(&self) -> Response {
        let body = serde_json::to_vec(self).expect("a problem has a JSON form");
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = StatusCode::from_u16(self.status).expect("made from a status");
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if self.status == StatusCode::UNAUTHORIZED.as_u16() {
            // RFC 9110, 15.5.2: the answer names the accepted authentication scheme.
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(ms) = self.retry_after_ms {
            // Whole seconds, rounded up.
            headers.insert(RETRY_AFTER, HeaderValue::from(ms.div_ceil(1_000).max(1)));
        }
        response
    }
}

/// The value, or a problem if it is `None`.
pub(super) fn found<T>(it: Option<T>, detail: &str) -> Result<T, Problem> {
    it.ok_or_else(|| Problem::not_found(detail))
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        self.respond()
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "store error in server API request");
        Self::new(ProblemKind::STORE_UNAVAILABLE, "nothing was changed; retry")
    }
}
