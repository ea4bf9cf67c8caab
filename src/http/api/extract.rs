//! Extractors for path, query and body. They bound, validate and explain what is wrong.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::{Bytes, to_bytes};
use axum::extract::path::ErrorKind;
use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, RawPathParams, Request};
use http_body_util::LengthLimitError;
use hyper::StatusCode;
use hyper::header::CONTENT_ENCODING;
use hyper::http::request::Parts;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_path_to_error::Track;
use stagedoor_proto::{check_depth, expectation};

use super::body::Body;
use super::caller::verify_again;
use super::idempotency::{IdempotencyKey, key_of};
use super::rejects::Rejects;
use crate::http::idempotency_cache::{REF_CONFLICT, REF_IN_USE};
use crate::http::problem::{Problem, ProblemKind};
use crate::http::state::HttpState;
use crate::idempotency::Fingerprint;
use crate::telemetry::Limit;

/// The body did not end in time.
const BODY_TIMEOUT: ProblemKind = ProblemKind::new(StatusCode::REQUEST_TIMEOUT, "body_timeout");
/// The body, or a part of it, is too large.
pub(super) const TOO_LARGE: ProblemKind =
    ProblemKind::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large");

/// Path parameters, except the app.
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
            Problem::invalid(key, "expected percent-encoded UTF-8")
        }
        _ => Problem::invalid("path", failed.body_text()),
    }
}

/// Query parameters. Their types deny unknown fields.
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
        query.map(|Query(asked)| Self(asked)).map_err(|error| query_problem(&error.body_text()))
    }
}

/// The problem for a query string that axum rejected, from its text.
fn query_problem(rejection: &str) -> Problem {
    let complaint = rejection.rsplit_once("query string: ").map_or(rejection, |(_, words)| words);
    let Some((parameter, complaint)) = complaint.split_once(": ") else {
        return Problem::invalid("query", complaint);
    };
    // The other words are of Rust's own parsers.
    Problem::invalid(
        parameter,
        match complaint {
            "provided string was not `true` or `false`" => "expected true or false",
            "invalid digit found in string"
            | "cannot parse integer from empty string"
            | "number too large to fit in target type" => {
                "expected an integer that is not negative"
            }
            other => other,
        },
    )
}

/// The JSON body and the idempotency key of a call that changes something.
///
/// An empty body means `{}`. Unknown fields are errors, and so are fields that the path gives. The body's `ref` and the
/// header `Idempotency-Key` are the same key.
pub(in crate::http) struct JsonBody<T> {
    pub(super) body: T,
    pub(super) key: IdempotencyKey,
}

impl<T> Rejects for JsonBody<T> {
    fn problems() -> Vec<ProblemKind> {
        vec![ProblemKind::INVALID, BODY_TIMEOUT, TOO_LARGE, REF_CONFLICT, REF_IN_USE]
    }
}

impl<T: Body> FromRequest<Arc<HttpState>> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &Arc<HttpState>) -> Result<Self, Problem> {
        let (mut head, body) = request.into_parts();
        let path = RawPathParams::from_request_parts(&mut head, state)
            .await
            .map_err(|error| Problem::invalid("path", error.body_text()))?;
        let path: Vec<_> = path.iter().collect();
        let bytes = read_all(body, state).await?;
        let app = path.iter().find(|(name, _)| *name == "app").map(|(_, id)| *id);
        verify_again(&head, app, state)?;
        if head.headers.get(CONTENT_ENCODING).is_some_and(|coding| coding != "identity") {
            let detail = "expected a body that is not compressed";
            return Err(Problem::invalid("Content-Encoding", detail));
        }
        check_depth(&bytes).map_err(|error| {
            state.hub().metrics().limits_hit.inc(Limit::JsonDepth);
            Problem::invalid("body", error.to_string())
        })?;
        let mut body: T = parse(&bytes, &path)?;
        let header = key_of(&head.headers)?;
        let ref_ = body.ref_mut();
        if header.is_some() && ref_.is_some() && header != *ref_ {
            let detail = "the header `Idempotency-Key` and `ref` differ; send one of them, or the same value in both";
            return Err(Problem::invalid("ref", detail));
        }
        if header.is_some() {
            *ref_ = header;
        }
        let key = IdempotencyKey::new(ref_.clone(), || fingerprint(&head, &bytes));
        Ok(Self { body, key })
    }
}

/// Reads a whole body within the size and time limits.
async fn read_all(body: axum::body::Body, state: &HttpState) -> Result<Bytes, Problem> {
    let (max_bytes, timeout) = {
        let settings = state.settings();
        (settings.api_body_bytes, settings.api_body_timeout)
    };
    let hit = |limit| state.hub().metrics().limits_hit.inc(limit);
    let Ok(read) = tokio::time::timeout(timeout, to_bytes(body, max_bytes)).await else {
        hit(Limit::ApiBodyTimeout);
        let detail = format!("the body did not end within {} ms", timeout.as_millis());
        return Err(Problem::new(BODY_TIMEOUT, detail));
    };
    read.map_err(|error| {
        let error = error.into_inner();
        if !error.is::<LengthLimitError>() {
            return Problem::invalid("body", error.to_string());
        }
        hit(Limit::ApiBodyBytes);
        let detail = format!("expected a body of at most {max_bytes} bytes");
        Problem::new(TOO_LARGE, detail)
    })
}

fn parse<T: Body>(bytes: &Bytes, path: &[(&str, &str)]) -> Result<T, Problem> {
    let text: &[u8] = if bytes.is_empty() { b"{}" } else { bytes };
    // serde also accepts an array of field values.
    let begins_with = text.iter().find(|byte| !byte.is_ascii_whitespace());
    if begins_with.is_some_and(|first| b"[\"-0123456789tfn".contains(first)) {
        return Err(Problem::invalid("body", "expected a JSON object"));
    }
    let mut json = serde_json::Deserializer::from_slice(text);
    let mut track = Track::new();
    let reader = serde_path_to_error::Deserializer::new(&mut json, &mut track);
    let body = T::read(reader, path).map_err(|error| {
        let path = track.path().to_string();
        // An unknown field, or the body as a whole, has no path.
        let field = if path.starts_with(['.', '?']) { "body" } else { &path };
        let error = error.to_string();
        let is_of_other_type = error.starts_with("invalid ");
        let expected = expectation(&error).filter(|_| is_of_other_type);
        Problem::invalid(field, expected.unwrap_or(error))
    })?;
    json.end().map_err(|error| Problem::invalid("body", error.to_string()))?;
    Ok(body)
}

/// The fingerprint of a request: method, target and the arguments in the body.
///
/// The key is no argument, because it may be in the header as well. White space and the order of fields do not count.
fn fingerprint(head: &Parts, body: &[u8]) -> Fingerprint {
    let target = head.uri.path_and_query().map_or("", |target| target.as_str());
    // The body was parsed before; an empty one means `{}`.
    let mut arguments: BTreeMap<String, Value> = serde_json::from_slice(body).unwrap_or_default();
    arguments.remove("ref");
    let arguments = serde_json::to_vec(&arguments).expect("JSON has a JSON form");
    // Method and target contain no zero byte, so the joined bytes are unambiguous.
    let parts = [head.method.as_str().as_bytes(), target.as_bytes(), &arguments];
    Fingerprint::of_bytes(parts.join(&0).iter())
}
