//! Drains the node, as SIGTERM does.

use std::sync::Arc;

use axum::Json;
use axum::extract::{FromRequestParts, State};
use hyper::StatusCode;
use hyper::http::request::Parts;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

use super::caller::{UNAUTHORIZED, bearer_of, reject_credentials};
use super::rejects::Rejects;
use super::routes::{Method, Routes};
use crate::http::problem::{Problem, ProblemKind};
use crate::http::state::HttpState;

pub(super) fn routes(routes: Routes) -> Routes {
    routes.about("node").on(Method::Post, "/drain", drain, |operation| {
        operation
            .named("drain", "Drain and stop the node, as SIGTERM does")
            .for_operators()
            .without_store()
            .returns::<Draining>(
                202,
                &json!({ "sessions": 1_200, "spread_ms": 5_000, "deadline_ms": 10_000 }),
            )
    })
}

/// No operator key is configured, or the caller does not have it.
const NO_OPERATOR_KEY: ProblemKind = ProblemKind::new(StatusCode::FORBIDDEN, "no_operator_key");

/// A caller with the operator key.
struct Operator;

impl Rejects for Operator {
    fn problems() -> Vec<ProblemKind> {
        vec![UNAUTHORIZED, NO_OPERATOR_KEY, ProblemKind::RATE_LIMITED]
    }
}

impl FromRequestParts<Arc<HttpState>> for Operator {
    type Rejection = Problem;

    async fn from_request_parts(
        request: &mut Parts,
        state: &Arc<HttpState>,
    ) -> Result<Self, Problem> {
        let Some(key) = &state.api().operator_key else {
            let detail = "the gateway has no operator key; set `operator.api_key`, or send SIGTERM";
            return Err(Problem::new(NO_OPERATOR_KEY, detail));
        };
        let refused = |detail| reject_credentials(request, state, detail);
        let bearer = bearer_of(&request.headers)
            .ok_or_else(|| refused("expected `Authorization: Bearer` with the operator key"))?;
        if key.matches(bearer) {
            return Ok(Self);
        }
        Err(refused("not the operator key; server keys of apps are not accepted here"))
    }
}

/// A drain in progress.
#[derive(Serialize, JsonSchema)]
struct Draining {
    /// Sessions whose connections will be closed.
    sessions: usize,
    /// Duration over which the connections are closed.
    spread_ms: u64,
    /// Time after which the gateway stops waiting.
    deadline_ms: u64,
}

/// Starts a drain. A repeated call has no effect and returns the same answer.
async fn drain(_: Operator, State(state): State<Arc<HttpState>>) -> (StatusCode, Json<Draining>) {
    let settings = state.api().drain;
    let millis = |duration: std::time::Duration| u64::try_from(duration.as_millis());
    let draining = Draining {
        sessions: state.hub().sessions.count(),
        spread_ms: millis(settings.spread).unwrap_or(u64::MAX),
        deadline_ms: millis(settings.deadline).unwrap_or(u64::MAX),
    };
    tracing::info!("drain requested by operator");
    state.lifecycle().begin_drain();
    (StatusCode::ACCEPTED, Json(draining))
}
