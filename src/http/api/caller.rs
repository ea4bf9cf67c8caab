//! Authenticates the caller of the server API. Source: RFC 6750, 2.1.

use std::sync::Arc;

use axum::extract::{FromRequestParts, RawPathParams};
use hyper::header::AUTHORIZATION;
use hyper::http::request::Parts;
use hyper::{HeaderMap, StatusCode};
use stagedoor_proto::{Ref, RoomId, Target, Username};

use super::rejects::Rejects;
use crate::auth::ServerActor;
use crate::http::auth_failures::{ClientAddress, Failure};
use crate::http::problem::{Problem, ProblemKind};
use crate::http::state::HttpState;
use crate::hub::{App, Hub};
use crate::request::RequestId;
use crate::room::{Caller, RoomKey};
use crate::store::{AuditActor, AuditEvent, AuditOutcome, StoreError, UserKey};
use crate::telemetry::Limit;

/// The request has no valid credentials.
pub(super) const UNAUTHORIZED: ProblemKind =
    ProblemKind::new(StatusCode::UNAUTHORIZED, "unauthorized");
/// The credentials do not authorize this operation.
pub(super) const FORBIDDEN: ProblemKind = ProblemKind::new(StatusCode::FORBIDDEN, "forbidden");
/// The operation was applied, but its audit row was not written.
pub(super) const NOT_RECORDED: ProblemKind =
    ProblemKind::new(StatusCode::SERVICE_UNAVAILABLE, "not_recorded").passing();

/// An authenticated caller: the app of the path, authorized by the request's server key or server token.
#[derive(Clone)]
pub(super) struct ApiCaller {
    state: Arc<HttpState>,
    pub(super) app: Arc<App>,
    actor: ServerActor,
    /// The caller's name and the request id.
    pub(super) identity: Caller,
}

impl ApiCaller {
    pub(super) fn state(&self) -> &Arc<HttpState> {
        &self.state
    }

    pub(super) fn hub(&self) -> &Arc<Hub> {
        self.state.hub()
    }

    pub(super) fn app_id(&self) -> Arc<str> {
        Arc::clone(self.app.id())
    }

    pub(super) fn user(&self, username: Username) -> UserKey {
        UserKey { app: self.app_id(), username }
    }

    pub(super) fn room(&self, room: RoomId) -> RoomKey {
        RoomKey { app: self.app_id(), room }
    }

    /// Requires a server key: a token must not authorize anything that outlives it.
    pub(super) fn require_server_key(&self) -> Result<(), Problem> {
        match self.actor {
            ServerActor::Key(_) => Ok(()),
            ServerActor::Token(_) => {
                let detail = "a server token cannot mint server tokens, because they would outlive it; call with a server key, or \
                              sign the token with the app's secret";
                Err(Problem::new(FORBIDDEN, detail))
            }
        }
    }

    /// The audit row of a call.
    pub(super) fn audit_row(&self, call: AuditedCall) -> AuditEvent {
        let AuditedCall { command, target, room, reason, ref_ } = call;
        AuditEvent {
            at_ms: self.hub().clock().wall(),
            actor: AuditActor::Server(self.identity.name.clone()),
            command: command.into(),
            room,
            version: None,
            target,
            reason: reason.map(Into::into),
            ref_,
            outcome: AuditOutcome::Done,
        }
    }

    /// Writes the audit row of a call that changes nothing else in the store.
    pub(super) async fn record(&self, call: AuditedCall) -> Result<(), StoreError> {
        let row = self.audit_row(call);
        self.hub().store().audit(self.app_id(), vec![row]).await
    }

    /// Writes the audit row of a call that was already applied, because the room decides whether it can be.
    pub(super) async fn record_done(&self, call: AuditedCall) -> Result<(), Problem> {
        self.record(call).await.map_err(|error| {
            tracing::error!(%error, "audit row not written for API call");
            let detail = "applied, but the audit row was not written; retry";
            Problem::new(NOT_RECORDED, detail)
        })
    }
}

/// A call's content in the audit log.
pub(super) struct AuditedCall {
    pub(super) command: &'static str,
    pub(super) target: Target,
    pub(super) room: Option<RoomId>,
    pub(super) reason: Option<String>,
    pub(super) ref_: Option<Ref>,
}

impl AuditedCall {
    /// A call about a user.
    pub(super) fn on_user(username: &Username, command: &'static str, ref_: Option<Ref>) -> Self {
        let target = Target { username: Some(username.clone()), ..Target::default() };
        Self { command, target, room: None, reason: None, ref_ }
    }
}

impl Rejects for ApiCaller {
    fn problems() -> Vec<ProblemKind> {
        vec![ProblemKind::INVALID, UNAUTHORIZED, ProblemKind::RATE_LIMITED]
    }
}

impl FromRequestParts<Arc<HttpState>> for ApiCaller {
    type Rejection = Problem;

    async fn from_request_parts(
        request: &mut Parts,
        state: &Arc<HttpState>,
    ) -> Result<Self, Problem> {
        let path = RawPathParams::from_request_parts(request, state)
            .await
            .map_err(|error| Problem::invalid("path", error.body_text()))?;
        let refused = |detail| reject_credentials(request, state, detail);
        let bearer = bearer_of(&request.headers).ok_or_else(|| {
            refused("expected `Authorization: Bearer` with a server key or server token of the app")
        })?;
        // An unknown app gets the answer of a wrong key, so that callers cannot probe for apps.
        let app = path.iter().find(|(name, _)| *name == "app").map(|(_, id)| id);
        let app = app.and_then(|id| state.hub().app(id)).ok_or_else(|| refused(WRONG))?;
        let wall = state.hub().clock().wall();
        let actor = app.verify_server(bearer, wall).map_err(|_| refused(WRONG))?;
        let name: Box<str> = actor.to_string().into();
        let now = state.hub().clock().monotonic();
        let rate = state.settings().api_rate;
        state.api().call_rates.take(rate, app.id(), &name, now).map_err(|wait| {
            state.hub().metrics().limits_hit.inc(Limit::ApiCalls);
            let detail =
                "rate limit of this key or token exceeded; wait, or raise `limits.api_calls_per_s`";
            Problem::new(ProblemKind::RATE_LIMITED, detail).retry_after(wait)
        })?;
        let request = request.extensions.get::<RequestId>();
        let request = request.expect("a call gets its id before it is routed").clone();
        Ok(Self {
            state: Arc::clone(state),
            app: Arc::clone(app),
            actor,
            identity: Caller { name, request },
        })
    }
}

/// Checks the credentials of a call of an app again: a key may have been removed, or a token revoked, while its body
/// was on its way.
pub(super) fn verify_again(
    head: &Parts,
    app: Option<&str>,
    state: &HttpState,
) -> Result<(), Problem> {
    let app = app.and_then(|id| state.hub().app(id));
    let (Some(app), Some(bearer)) = (app, bearer_of(&head.headers)) else { return Ok(()) };
    let verified = app.verify_server(bearer, state.hub().clock().wall());
    verified.map(drop).map_err(|_| reject_credentials(head, state, WRONG))
}

const WRONG: &str = "not a valid server key or server token of this app";

/// The credentials of a request; `None` if there are several.
pub(super) fn bearer_of(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let value = values.next().filter(|_| values.next().is_none())?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Rejects a call without valid credentials: counted, logged once per address and minute, and limited.
pub(super) fn reject_credentials(request: &Parts, state: &HttpState, detail: &str) -> Problem {
    let metrics = state.hub().metrics();
    metrics.api_auth_failures.inc();
    let ClientAddress(address) = request.extensions.get().copied().expect("a call has an address");
    let settings = state.settings();
    let (rate, now) = (settings.api_auth_failure_rate, state.hub().clock().monotonic());
    let Failure { is_logged, wait } = state.api().auth_failures.record(address, rate, now);
    if is_logged {
        tracing::warn!(%address, error = detail, "server API call rejected");
    }
    match wait.filter(|_| !settings.is_exempt(address)) {
        None => Problem::new(UNAUTHORIZED, detail),
        Some(wait) => {
            metrics.limits_hit.inc(Limit::ApiAuthFailures);
            let detail = format!("{detail}; too many such calls from this address");
            Problem::new(ProblemKind::RATE_LIMITED, detail).retry_after(wait)
        }
    }
}
