//! What comes with a request: bounded, strict, and explained when it is wrong.

use std::sync::Arc;

use aws_lc_rs::digest::{Context, SHA256};
use axum::body::{Bytes, to_bytes};
use axum::extract::path::ErrorKind;
use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use http_body_util::LengthLimitError;
use hyper::StatusCode;
use hyper::http::request::Parts;
use serde::de::DeserializeOwned;
use stagedoor_proto::{Ref, check_depth};

use super::idempotency::{IdempotencyKey, key_of};
use super::rejects::Rejects;
use crate::http::idempotency_cache::{REF_CONFLICT, REF_IN_USE};
use crate::http::problem::{Problem, ProblemKind};
use crate::http::state::HttpState;
use crate::telemetry::Limit;

/// A body that does not end in time.
const BODY_TIMEOUT: ProblemKind = ProblemKind::new(StatusCode::REQUEST_TIMEOUT, "body_timeout");
/// A body, or what it holds, that is larger than it may be.
pub(super) const TOO_LARGE: ProblemKind =
    ProblemKind::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large");

/// What the path names beside the app.
pub(super) struct PathParams<T>(pub(super) T);

impl<T: Rejects> Rejects for PathParams<T> {
    fn problems() -> Vec<ProblemKind> {
        [&[ProblemKind::INVALID], &*T::problems()].concat()
    }
}

impl<T: DeserializeOwned + Send> FromRequestParts<Arc<HttpState>> for PathParams<T> {
    type Rejection = Problem;

    async fn from_request_parts(
        request: &mut Parts,
        state: &Arc<HttpState>,
    ) -> Result<Self, Problem> {
        let path = Path::<T>::from_request_parts(request, state).await;
        path.map(|Path(at)| Self(at)).map_err(|error| path_problem(&error))
    }
}

fn path_problem(error: &PathRejection) -> Problem {
    let PathRejection::FailedToDeserializePathParams(failed) = error else {
        return Problem::invalid("path", error.body_text());
    };
    match failed.kind() {
        ErrorKind::DeserializeError { key, message, .. } => Problem::invalid(key, message.clone()),
        ErrorKind::ParseErrorAtKey { key, expected_type, .. } => {
            Problem::invalid(key, format!("expected {expected_type}"))
        }
        ErrorKind::InvalidUtf8InPathParam { key } => {
            Problem::invalid(key, "it is not UTF-8 once its `%` escapes are undone")
        }
        _ => Problem::invalid("path", failed.body_text()),
    }
}

/// What the query asks for. Types deny unknown fields.
pub(super) struct QueryParams<T>(pub(super) T);

impl<T> Rejects for QueryParams<T> {
    fn problems() -> Vec<ProblemKind> {
        vec![ProblemKind::INVALID]
    }
}

impl<T: DeserializeOwned> FromRequestParts<Arc<HttpState>> for QueryParams<T> {
    type Rejection = Problem;

    async fn from_request_parts(
        request: &mut Parts,
        state: &Arc<HttpState>,
    ) -> Result<Self, Problem> {
        let query = Query::<T>::from_request_parts(request, state).await;
        query
            .map(|Query(asked)| Self(asked))
            .map_err(|error| Problem::invalid("query", error.body_text()))
    }
}

/// A body that may have a `ref`.
pub(super) trait Body: DeserializeOwned {
    /// Its `ref`.
    fn ref_mut(&mut self) -> &mut Option<Ref>;
}

/// A call that changes something: its JSON body, and the mark under which it is done once.
///
/// An empty body stands for `{}`. Types deny unknown fields, so that a misspelt one is named. The `ref` of the body and
/// that of the header `Idempotency-Key` are one.
pub(super) struct JsonBody<T> {
    /// The body.
    pub(super) body: T,
    /// Its mark.
    pub(super) mark: IdempotencyKey,
}

impl<T> Rejects for JsonBody<T> {
    fn problems() -> Vec<ProblemKind> {
        vec![ProblemKind::INVALID, BODY_TIMEOUT, TOO_LARGE, REF_CONFLICT, REF_IN_USE]
    }
}

impl<T: Body> FromRequest<Arc<HttpState>> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &Arc<HttpState>) -> Result<Self, Problem> {
        let (head, body) = request.into_parts();
        let bytes = whole(body, state).await?;
        check_depth(&bytes).map_err(|error| {
            state.hub().metrics().limits_hit.inc(Limit::JsonDepth);
            Problem::invalid("body", error.to_string())
        })?;
        let mut body: T = parse(&bytes)?;
        let key = key_of(&head.headers)?;
        let told = body.ref_mut();
        if key.is_some() && told.is_some() && key != *told {
            let detail = "the header `Idempotency-Key` is another form of `ref`: send one, or the same in both";
            return Err(Problem::invalid("ref", detail));
        }
        if key.is_some() {
            *told = key;
        }
        let ref_ = told.clone();
        let mark = IdempotencyKey::new(ref_, || fingerprint(&head, &bytes));
        Ok(Self { body, mark })
    }
}

/// A body as a whole, within its bounds.
async fn whole(body: axum::body::Body, state: &HttpState) -> Result<Bytes, Problem> {
    let (most, within) = {
        let rules = state.settings();
        (rules.api_body_bytes, rules.api_body_timeout)
    };
    let hit = |limit| state.hub().metrics().limits_hit.inc(limit);
    let Ok(read) = tokio::time::timeout(within, to_bytes(body, most)).await else {
        hit(Limit::ApiBodyTimeout);
        let detail = format!("the body did not end within {} ms", within.as_millis());
        return Err(Problem::new(BODY_TIMEOUT, detail));
    };
    read.map_err(|error| {
        let error = error.into_inner();
        if !error.is::<LengthLimitError>() {
            return Problem::invalid("body", error.to_string());
        }
        hit(Limit::ApiBodyBytes);
        let detail = format!("a body of at most {most} bytes is taken");
        Problem::new(TOO_LARGE, detail)
    })
}

fn parse<T: DeserializeOwned>(bytes: &Bytes) -> Result<T, Problem> {
    let text: &[u8] = if bytes.is_empty() { b"{}" } else { bytes };
    // serde would also take an array of the fields' values.
    let begins_with = text.iter().find(|byte| !byte.is_ascii_whitespace());
    if begins_with.is_some_and(|first| b"[\"-0123456789tfn".contains(first)) {
        return Err(Problem::invalid("body", "a body is a JSON object: `{…}`"));
    }
    let mut json = serde_json::Deserializer::from_slice(text);
    let body = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        // The body as a whole, or a field whose name is not known, has no path.
        let field = if path.starts_with(['.', '?']) { "body" } else { &path };
        Problem::invalid(field, error.inner().to_string())
    })?;
    json.end().map_err(|error| Problem::invalid("body", error.to_string()))?;
    Ok(body)
}

/// What stands for all that a request asks for.
fn fingerprint(head: &Parts, body: &[u8]) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    let target = head.uri.path_and_query().map_or("", |target| target.as_str());
    for part in [head.method.as_str(), target] {
        context.update(part.as_bytes());
        context.update(&[0]); // Neither holds it, so no two requests read the same.
    }
    context.update(body);
    context.finish().as_ref().try_into().expect("SHA-256 gives 32 bytes")
}
