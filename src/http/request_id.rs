//! The request id: taken from the caller or generated, returned in the answer, and part of the request's log lines and
//! webhooks.
//!
//! Handlers find it in the request's extensions as a [`RequestId`].

use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use tracing::Instrument as _;

use crate::clock::Rng;
use crate::http::state::HttpState;
use crate::request::{HEADER, RequestId};

/// Longest accepted id.
const MAX_ID_BYTES: usize = 64;
/// Accepted punctuation; letters and digits are accepted too.
const PUNCTUATION: &str = "_.:/+=-";

/// The regular expression of an id.
pub(super) fn pattern() -> String {
    format!("^[A-Za-z0-9{PUNCTUATION}]{{1,{MAX_ID_BYTES}}}$")
}

/// Assigns the request's id and logs the result. It logs the route instead of the path, which may contain a username.
pub(super) async fn follow(
    State(state): State<Arc<HttpState>>,
    mut request: Request,
    next: Next,
) -> Response {
    let id = id_of(request.headers());
    request.extensions_mut().insert(RequestId::Call(id.as_str().into()));
    let route = request.extensions().get::<MatchedPath>().cloned();
    let method = request.method().clone();
    let span = tracing::info_span!("request", request = %id);
    let started = state.hub().clock().monotonic();
    let mut response = next.run(request).instrument(span.clone()).await;
    if let Some(route) = route.filter(|route| route.as_str().starts_with("/api/")) {
        let took_ms = state.hub().clock().monotonic().saturating_since(started).as_millis();
        let (route, status) = (route.as_str(), response.status().as_u16());
        span.in_scope(|| tracing::debug!(%method, route, status, took_ms, "request completed"));
    }
    set_header(&id, &mut response);
    response
}

/// Sets the request id on an answer given outside of the router.
pub(super) fn with_request_id(headers: &HeaderMap, mut response: Response) -> Response {
    set_header(&id_of(headers), &mut response);
    response
}

fn set_header(id: &str, response: &mut Response) {
    let id = HeaderValue::from_str(id).expect("an id is printable ASCII");
    response.headers_mut().insert(HeaderName::from_static(HEADER), id);
}

/// The caller's id, or a generated one.
fn id_of(headers: &HeaderMap) -> String {
    caller_id(headers).unwrap_or_else(|| format!("{:032x}", Rng.bits()))
}

/// The caller's id if it is valid.
fn caller_id(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(HEADER)?.to_str().ok()?;
    let is_plain =
        |byte: u8| byte.is_ascii_alphanumeric() || PUNCTUATION.as_bytes().contains(&byte);
    let is_id = (1..=MAX_ID_BYTES).contains(&text.len()) && text.bytes().all(is_plain);
    is_id.then(|| text.to_owned())
}
