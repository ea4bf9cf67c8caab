//! Drains the node, as SIGTERM does.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use hyper::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

use super::operator::Operator;
use super::routes::{Method, Routes};
use super::tags;
use crate::http::state::HttpState;

pub(super) fn routes(routes: Routes) -> Routes {
    routes.about(tags::NODE).on(Method::Post, "/drain", drain, |operation| {
        operation
            .named("drain", "Drain and stop the node")
            .describe("Does what SIGTERM does. A repeated call has no further effect.")
            .for_operators()
            .without_store()
            .returns::<Draining>(
                202,
                &json!({ "sessions": 1_200, "spread_ms": 5_000, "deadline_ms": 10_000 }),
            )
    })
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
