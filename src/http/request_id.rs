//! One id follows a request: taken from its caller or made here, told back, in every line that is logged of it, and in
//! what an app's servers are told because of it.
//!
//! Handlers find it among the request's extensions, as a [`RequestId`].

use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use tracing::Instrument as _;

use crate::clock::Rng;
use crate::http::state::HttpState;
use crate::request::{HEADER, RequestId};

/// Longest id that is taken from a caller.
const MAX_ID_BYTES: usize = 64;
/// What it may hold beside letters and digits.
const PUNCTUATION: &str = "_.:/+=-";

/// What an id looks like, as a regular expression.
pub(super) fn pattern() -> String {
    format!("^[A-Za-z0-9{PUNCTUATION}]{{1,{MAX_ID_BYTES}}}$")
}

/// Gives a request its id, and logs what came of it. The route is logged and not the path, which may name a user.
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
    let started = state.hub().clock().now();
    let mut response = next.run(request).instrument(span.clone()).await;
    if let Some(route) = route.filter(|route| route.as_str().starts_with("/api/")) {
        let took_ms = state.hub().clock().now().saturating_since(started).as_millis();
        let (route, status) = (route.as_str(), response.status().as_u16());
        span.in_scope(|| tracing::debug!(%method, route, status, took_ms, "answered"));
    }
    tell(&id, &mut response);
    response
}

/// Has an answer tell its request's id that was given without asking the API.
pub(super) fn identify(headers: &HeaderMap, mut response: Response) -> Response {
    tell(&id_of(headers), &mut response);
    response
}

fn tell(id: &str, response: &mut Response) {
    let id = HeaderValue::from_str(id).expect("an id is printable ASCII");
    response.headers_mut().insert(HeaderName::from_static(HEADER), id);
}

/// The caller's id, or a new one.
fn id_of(headers: &HeaderMap) -> String {
    told(headers).unwrap_or_else(|| format!("{:032x}", Rng.bits()))
}

/// The caller's id, where it is one that may stand in a log.
fn told(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(HEADER)?.to_str().ok()?;
    let is_plain =
        |byte: u8| byte.is_ascii_alphanumeric() || PUNCTUATION.as_bytes().contains(&byte);
    let is_id = (1..=MAX_ID_BYTES).contains(&text.len()) && text.bytes().all(is_plain);
    is_id.then(|| text.to_owned())
}
