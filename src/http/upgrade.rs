//! `GET /v1/connect`: from HTTP to WebSocket. Source: RFC 6455, 4.2; `docs/protocol.md`, "Connecting".
//!
//! Too many waiting connections are refused here, before any upgrade. A page of a foreign origin and an unknown
//! subprotocol are refused after it: a browser shows its page the close code of a WebSocket, and no HTTP status.

use std::net::IpAddr;
use std::sync::OnceLock;

use axum::body::Body;
use hyper::header::{
    ALLOW, HeaderValue, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE, USER_AGENT,
};
use hyper::{Method, Request, Response, StatusCode};
use stagedoor_proto::{CloseCode, SUBPROTOCOL};
use tokio_tungstenite::tungstenite::handshake::server::create_response_with_body;

use super::forwarded;
use super::problem::{Problem, ProblemKind};
use super::state::HttpState;
use crate::hub::{ConnectionLimitExceeded, ConnectionPermit, PeerInfo};
use crate::sync::Mutex;

/// Something else is asked for where clients connect.
const NOT_A_WEBSOCKET: ProblemKind =
    ProblemKind::new(StatusCode::UPGRADE_REQUIRED, "not_a_websocket");

/// Where clients connect.
pub(super) const PATH: &str = "/v1/connect";
/// How much of a `User-Agent` is kept.
const MAX_USER_AGENT_BYTES: usize = 256;

/// An upgrade that was answered.
pub(super) struct PendingUpgrade {
    /// Who comes.
    pub(super) arrival: PeerInfo,
    /// With what to close at once, where they are not wanted.
    pub(super) refused: Option<CloseCode>,
    /// Their place among those without a session.
    pub(super) place: ConnectionPermit,
}

/// Answers the upgrade request of `peer`; a pending upgrade is left when it was granted. It takes the place that `own` holds.
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
    // A proxy's connection takes a place for each client anew.
    let entered = match &*own {
        Some(Ok(_)) => None,
        Some(Err(full)) => return no_place(*full),
        None => match state.hub().connections.acquire(address) {
            Ok(place) => Some(place),
            Err(full) => return no_place(full),
        },
    };
    if request.method() != Method::GET {
        let detail = "a WebSocket is asked for with GET";
        let problem = Problem::new(ProblemKind::OTHER_METHOD, detail);
        let mut response = problem.respond();
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET"));
        return response;
    }
    let mut response = match create_response_with_body(request, Body::empty) {
        Ok(response) => response,
        Err(error) => {
            let detail = format!("this address speaks WebSocket: {error}");
            let mut response = Problem::new(NOT_A_WEBSOCKET, detail).respond();
            let headers = response.headers_mut();
            headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
            headers.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
            return response;
        }
    };
    let mut refused = None;
    match offered(request) {
        SubprotocolOffer::None => {}
        SubprotocolOffer::Ours => {
            response
                .headers_mut()
                .insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(SUBPROTOCOL));
        }
        SubprotocolOffer::Others(first) => {
            // A browser drops a WebSocket whose offer was not taken up, and would never see the close code.
            response.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, first);
            refused = Some(CloseCode::UnsupportedVersion);
        }
    }
    if !settings.origins.allow(request.headers()) {
        refused = Some(CloseCode::OriginDenied);
    }
    let place = entered.or_else(|| own.take().and_then(Result::ok));
    let place = place.expect("a connection without a place was turned away above");
    let arrival = PeerInfo { address: address.to_canonical(), user_agent: user_agent(request) };
    // A second upgrade on one connection cannot be: HTTP ends with the first.
    let _ = upgrade.set(PendingUpgrade { arrival, refused, place });
    response
}

enum SubprotocolOffer {
    None,
    Ours,
    Others(HeaderValue),
}

fn offered<B>(request: &Request<B>) -> SubprotocolOffer {
    let mut first = None;
    for value in request.headers().get_all(SEC_WEBSOCKET_PROTOCOL) {
        for name in value.to_str().unwrap_or_default().split(',').map(str::trim) {
            if name == SUBPROTOCOL {
                return SubprotocolOffer::Ours;
            }
            if first.is_none() {
                first = HeaderValue::from_str(name).ok();
            }
        }
    }
    first.map_or(SubprotocolOffer::None, SubprotocolOffer::Others)
}

fn user_agent<B>(request: &Request<B>) -> Option<Box<str>> {
    let text = request.headers().get(USER_AGENT)?.to_str().ok()?; // ASCII, so that any cut is a character's.
    Some(text[..text.len().min(MAX_USER_AGENT_BYTES)].into())
}

fn no_place(full: ConnectionLimitExceeded) -> Response<Body> {
    match full {
        ConnectionLimitExceeded::Address(wait) => {
            let detail = "too many connections from this address wait to start";
            Problem::new(ProblemKind::RATE_LIMITED, detail).retry_after(wait).respond()
        }
        ConnectionLimitExceeded::Total(wait) => {
            let detail = "too many connections wait to start";
            Problem::new(ProblemKind::OVERLOADED, detail).retry_after(wait).respond()
        }
    }
}
