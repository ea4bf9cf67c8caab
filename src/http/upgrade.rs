//! `GET /v1/connect`: from HTTP to WebSocket. Source: RFC 6455, 4.2; `docs/protocol.md`, "Connecting".
//!
//! Above the limit of pending connections a request is rejected before the upgrade. A disallowed origin and an unknown
//! subprotocol are rejected after it, because browsers show pages the close code of a WebSocket but not the HTTP
//! status.

use std::net::IpAddr;
use std::sync::OnceLock;

use axum::body::Body;
use hyper::header::{
    ALLOW, CONNECTION, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_PROTOCOL,
    SEC_WEBSOCKET_VERSION, UPGRADE, USER_AGENT,
};
use hyper::{Method, Request, Response, StatusCode};
use stagedoor_proto::{CloseCode, Disconnect, SUBPROTOCOL};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::forwarded;
use super::problem::{Problem, ProblemKind};
use super::request_head::malformed;
use super::state::HttpState;
use super::upgrade_request::{SubprotocolOffer, UpgradeError, UpgradeRequest, VERSION};
use crate::config::Mode;
use crate::hub::{ConnectionLimitExceeded, ConnectionPermit, PeerInfo};
use crate::sync::Mutex;

/// A request to the WebSocket path that is not an upgrade.
const NOT_A_WEBSOCKET: ProblemKind =
    ProblemKind::new(StatusCode::UPGRADE_REQUIRED, "not_a_websocket");

/// The WebSocket path.
pub(super) const PATH: &str = "/v1/connect";
/// Longest stored `User-Agent`.
const MAX_USER_AGENT_BYTES: usize = 256;

/// An upgrade that was answered.
pub(super) struct PendingUpgrade {
    pub(super) peer_info: PeerInfo,
    /// What to close the connection with at once, if the client is rejected.
    pub(super) rejection: Option<Box<Disconnect>>,
    pub(super) permit: ConnectionPermit,
}

/// Answers the upgrade request of `peer`, and sets `upgrade` if it succeeds. Takes the permit in `own`, if there is
/// one.
pub(super) fn answer<B>(
    request: &Request<B>,
    state: &HttpState,
    peer: IpAddr,
    own: &Mutex<Option<Result<ConnectionPermit, ConnectionLimitExceeded>>>,
    upgrade: &OnceLock<PendingUpgrade>,
) -> Response<Body> {
    let settings = state.settings();
    let address = forwarded::client(request.headers(), peer, settings.listen());
    let mut own = own.lock();
    // On a proxy's connection each client acquires a permit.
    let acquired = match &*own {
        Some(Ok(_)) => None,
        Some(Err(full)) => return limit_exceeded(*full),
        None => match state.hub().connections.acquire(address) {
            Ok(permit) => Some(permit),
            Err(full) => return limit_exceeded(full),
        },
    };
    if request.method() != Method::GET {
        let detail = "method not allowed; connect with GET";
        let problem = Problem::new(ProblemKind::OTHER_METHOD, detail);
        let mut response = problem.respond();
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET"));
        return response;
    }
    let UpgradeRequest { key, subprotocol } = match UpgradeRequest::parse(request) {
        Ok(valid) => valid,
        Err(UpgradeError::NotAWebSocket(expected)) => return not_a_websocket(expected),
        Err(UpgradeError::Malformed(expected)) => return close(malformed(expected).respond()),
    };
    let mut response = switching_protocols(key);
    let mut rejection = None;
    match subprotocol {
        SubprotocolOffer::None => {}
        SubprotocolOffer::Ours => {
            response
                .headers_mut()
                .insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(SUBPROTOCOL));
        }
        SubprotocolOffer::Others(first) => {
            // A browser fails a WebSocket whose offer was not accepted, and would not see the close code.
            response.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, first);
            rejection = Some(Box::new(Disconnect::new(CloseCode::UnsupportedVersion)));
        }
    }
    let rejected_origin = settings.origins.check(request.headers()).err();
    if let Some(origin) = &rejected_origin {
        let mut disconnect = Disconnect::new(CloseCode::OriginDenied);
        if state.mode() == Mode::Dev {
            disconnect.reason = format!("{}: {}", disconnect.reason, origin.describe());
        }
        rejection = Some(Box::new(disconnect));
    }
    let permit = acquired.or_else(|| own.take().and_then(Result::ok));
    let permit = permit.expect("a connection without a permit was rejected above");
    drop(own);
    if let Some(origin) = rejected_origin {
        state.rejected_origins().log(&origin);
    }
    let peer_info = PeerInfo { address: address.to_canonical(), user_agent: user_agent(request) };
    // Set once: HTTP ends with the first upgrade.
    let _ = upgrade.set(PendingUpgrade { peer_info, rejection, permit });
    response
}

/// Accepts the upgrade. Source: RFC 6455, 4.2.2.
fn switching_protocols(key: &[u8]) -> Response<Body> {
    let accept = HeaderValue::from_str(&derive_accept_key(key)).expect("base64 is visible ASCII");
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
    response
}

fn not_a_websocket(expected: &str) -> Response<Body> {
    let detail = format!("expected a WebSocket upgrade: {expected}");
    let mut response = Problem::new(NOT_A_WEBSOCKET, detail).respond();
    let headers = response.headers_mut();
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static(VERSION));
    response
}

/// Closes the connection after this answer.
pub(super) fn close(mut answer: Response<Body>) -> Response<Body> {
    answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    answer
}

fn user_agent<B>(request: &Request<B>) -> Option<Box<str>> {
    let text = request.headers().get(USER_AGENT)?.to_str().ok()?; // ASCII, so every index is a character boundary.
    Some(text[..text.len().min(MAX_USER_AGENT_BYTES)].into())
}

fn limit_exceeded(full: ConnectionLimitExceeded) -> Response<Body> {
    match full {
        ConnectionLimitExceeded::Address(wait) => {
            let detail = "too many pending connections from this address";
            Problem::new(ProblemKind::RATE_LIMITED, detail).retry_after(wait).respond()
        }
        ConnectionLimitExceeded::Total(wait) => {
            let detail = "too many pending connections";
            Problem::new(ProblemKind::OVERLOADED, detail).retry_after(wait).respond()
        }
    }
}
