//! Who calls the server API. Source: RFC 6750, 2.1.

use std::sync::Arc;

use axum::extract::{FromRequestParts, RawPathParams};
use hyper::header::AUTHORIZATION;
use hyper::http::request::Parts;
use hyper::{HeaderMap, StatusCode};
use stagedoor_proto::{Ref, RoomId, Target, Username};

use super::refuses::Refuses;
use crate::auth::ServerActor;
use crate::http::problem::{Kind, Problem};
use crate::http::state::Ports;
use crate::hub::App;
use crate::request::RequestId;
use crate::room::{Caller, RoomKey};
use crate::store::{AuditActor, AuditEvent, AuditOutcome, StoreError, UserKey};
use crate::telemetry::Limit;

/// Nothing opens it that came with the request.
pub(super) const UNAUTHORIZED: Kind = Kind::new(StatusCode::UNAUTHORIZED, "unauthorized");
/// What came with the request does not open this.
pub(super) const FORBIDDEN: Kind = Kind::new(StatusCode::FORBIDDEN, "forbidden");
/// It was done, and the audit log lacks it.
pub(super) const NOT_RECORDED: Kind =
    Kind::new(StatusCode::SERVICE_UNAVAILABLE, "not_recorded").passing();

/// The app of the path, whose server key or server token came with the request.
#[derive(Clone)]
pub(super) struct Backend {
    /// The app.
    pub(super) app: Arc<App>,
    /// Whose the key or token is.
    actor: ServerActor,
    /// Their name, and the call.
    pub(super) caller: Caller,
}

impl Backend {
    /// A user of the app.
    pub(super) fn user(&self, username: Username) -> UserKey {
        UserKey { app: Arc::clone(self.app.id()), username }
    }

    /// A room of the app.
    pub(super) fn room(&self, room: RoomId) -> RoomKey {
        RoomKey { app: Arc::clone(self.app.id()), room }
    }

    /// Lets whoever holds a server key go on; a token does not open what would outlive it.
    pub(super) fn must_hold_key(&self) -> Result<(), Problem> {
        match self.actor {
            ServerActor::Key(_) => Ok(()),
            ServerActor::Token(_) => {
                let detail = "a server token mints no server tokens, for it would outlive its hour by its successors; \
                              call with a server key, or sign the next token with the app's secret";
                Err(Problem::new(FORBIDDEN, detail))
            }
        }
    }

    /// What the audit log keeps of a deed.
    pub(super) fn row(&self, ports: &Ports, deed: Deed) -> AuditEvent {
        let Deed { verb, target, room, reason, ref_ } = deed;
        AuditEvent {
            at_ms: ports.hub().clock().now(),
            actor: AuditActor::Server(self.caller.name.clone()),
            verb: verb.into(),
            room,
            version: None,
            target,
            reason: reason.map(Into::into),
            ref_,
            outcome: AuditOutcome::Done,
        }
    }

    /// Keeps a deed in the audit log that leaves nothing else in the store.
    pub(super) async fn record(&self, ports: &Ports, deed: Deed) -> Result<(), StoreError> {
        let row = self.row(ports, deed);
        ports.hub().store().audit(Arc::clone(self.app.id()), vec![row]).await
    }

    /// The same, of what was done already: whether it could be was the room's to say.
    pub(super) async fn record_done(&self, ports: &Ports, deed: Deed) -> Result<(), Problem> {
        self.record(ports, deed).await.map_err(|error| {
            tracing::error!(%error, "the audit log lacks what a call of the server API did");
            let detail =
                "it was done, and the audit log did not take it; send it again, so that it stands there";
            Problem::new(NOT_RECORDED, detail)
        })
    }
}

/// What was done, as the audit log keeps it.
pub(super) struct Deed {
    pub(super) verb: &'static str,
    pub(super) target: Target,
    pub(super) room: Option<RoomId>,
    pub(super) reason: Option<String>,
    pub(super) ref_: Option<Ref>,
}

impl Deed {
    /// Something done to a user.
    pub(super) fn to(username: &Username, verb: &'static str, ref_: Option<Ref>) -> Self {
        let target = Target { username: Some(username.clone()), ..Target::default() };
        Self { verb, target, room: None, reason: None, ref_ }
    }
}

impl Refuses for Backend {
    fn kinds() -> Vec<Kind> {
        vec![Kind::INVALID, UNAUTHORIZED, Kind::RATE_LIMITED]
    }
}

impl FromRequestParts<Arc<Ports>> for Backend {
    type Rejection = Problem;

    async fn from_request_parts(request: &mut Parts, ports: &Arc<Ports>) -> Result<Self, Problem> {
        let path = RawPathParams::from_request_parts(request, ports)
            .await
            .map_err(|error| Problem::invalid("path", error.body_text()))?;
        let bearer = bearer_of(&request.headers).ok_or_else(|| {
            refused("send `Authorization: Bearer` with a server key or a server token of the app")
        })?;
        // An app that is not there is refused as one whose key was wrong: it tells nobody which apps there are.
        let app = path.iter().find(|(name, _)| *name == "app").map(|(_, id)| id);
        let app = app.and_then(|id| ports.hub().app(id)).ok_or_else(|| refused(WRONG))?;
        let actor = app.server().verify_server(bearer).map_err(|_| refused(WRONG))?;
        let name: Box<str> = actor.to_string().into();
        let now = ports.hub().clock().now();
        let rate = ports.rules().api_rate;
        ports.api().callers.take(rate, app.id(), &name, now).map_err(|wait| {
            ports.hub().metrics().limits_hit.inc(Limit::ApiCalls);
            let detail =
                "this key or token calls too fast; wait, or raise `limits.api_calls_per_s`";
            Problem::new(Kind::RATE_LIMITED, detail).retry_after(wait)
        })?;
        let request = request.extensions.get::<RequestId>();
        let request = request.expect("a call has its id before it comes to its route").clone();
        Ok(Self { app: Arc::clone(app), actor, caller: Caller { name, request } })
    }
}

const WRONG: &str = "this is not a valid server key or server token of the app";

/// What a request shows for itself.
pub(super) fn bearer_of(headers: &HeaderMap) -> Option<&str> {
    let told = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = told.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

pub(super) fn refused(detail: &str) -> Problem {
    Problem::new(UNAUTHORIZED, detail)
}
