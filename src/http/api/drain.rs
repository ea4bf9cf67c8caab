//! Draining the node: what SIGTERM does, asked for over HTTP by whoever runs the node.

use std::sync::Arc;

use axum::Json;
use axum::extract::{FromRequestParts, State};
use hyper::StatusCode;
use hyper::http::request::Parts;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

use super::caller::{UNAUTHORIZED, bearer_of, refused};
use super::rejects::Rejects;
use super::routes::{Method, Routes};
use crate::http::problem::{Problem, ProblemKind};
use crate::http::state::HttpState;

pub(super) fn routes(routes: Routes) -> Routes {
    routes.about("node").on(Method::Post, "/drain", drain, |operation| {
        operation
            .named(
                "drain",
                "Stop in order, as SIGTERM does: take nobody in, and part from everybody",
            )
            .for_operators()
            .without_store()
            .returns::<Draining>(
                202,
                &json!({ "sessions": 1_200, "spread_ms": 5_000, "deadline_ms": 10_000 }),
            )
    })
}

/// Nobody can show the operator's key.
const NO_OPERATOR_KEY: ProblemKind = ProblemKind::new(StatusCode::FORBIDDEN, "no_operator_key");

/// Whoever runs the node: the operator's key came with the request.
struct Operator;

impl Rejects for Operator {
    fn problems() -> Vec<ProblemKind> {
        vec![UNAUTHORIZED, NO_OPERATOR_KEY]
    }
}

impl FromRequestParts<Arc<HttpState>> for Operator {
    type Rejection = Problem;

    async fn from_request_parts(
        request: &mut Parts,
        state: &Arc<HttpState>,
    ) -> Result<Self, Problem> {
        let Some(key) = &state.api().operator_key else {
            let detail =
                "the gateway has no operator key; set `operator.api_key`, or send SIGTERM instead";
            return Err(Problem::new(NO_OPERATOR_KEY, detail));
        };
        let bearer = bearer_of(&request.headers)
            .ok_or_else(|| refused("send `Authorization: Bearer` with the operator's key"))?;
        if key.opens_to(bearer) {
            return Ok(Self);
        }
        Err(refused("this is not the operator's key; an app's server keys do not open this"))
    }
}

/// A drain that has begun.
#[derive(Serialize, JsonSchema)]
struct Draining {
    /// Sessions that are to go.
    sessions: usize,
    /// Over how long their connections are closed.
    spread_ms: u64,
    /// After how long at the latest whoever is left is not waited for.
    deadline_ms: u64,
}

/// Begins to drain. Asked again, it answers again: a drain is not undone, and nothing begins twice.
async fn drain(_: Operator, State(state): State<Arc<HttpState>>) -> (StatusCode, Json<Draining>) {
    let settings = state.api().drain;
    let millis = |duration: std::time::Duration| u64::try_from(duration.as_millis());
    let draining = Draining {
        sessions: state.hub().sessions.count(),
        spread_ms: millis(settings.spread).unwrap_or(u64::MAX),
        deadline_ms: millis(settings.deadline).unwrap_or(u64::MAX),
    };
    tracing::info!("an operator asked to drain");
    state.lifecycle().begin_drain();
    (StatusCode::ACCEPTED, Json(draining))
}
