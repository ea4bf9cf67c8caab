//! The gateway's signing keys.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use stagedoor_proto::{MAX_DURATION_MS, Timestamp};

use super::errors::ENGINE_UNAVAILABLE;
use super::extract::QueryParams;
use super::operator::Operator;
use super::routes::{Method, Routes};
use super::tags;
use crate::http::problem::{Problem, ProblemKind};
use crate::http::state::HttpState;

/// How long tokens of the former keys are accepted, unless the call says otherwise.
const DEFAULT_FORMER_VALID: Duration = Duration::from_hours(30 * 24);

pub(super) fn routes(routes: Routes) -> Routes {
    routes.about(tags::NODE).on(Method::Post, "/keys/rotate", rotate, |operation| {
        operation
            .named("rotate_keys", "Rotate the signing keys")
            .describe(
                "Makes a new signing key for access tokens. The former ones stay valid for a time.",
            )
            .for_operators()
            .query::<RotateParams>()
            .rejects(&[ENGINE_UNAVAILABLE, ProblemKind::RATE_LIMITED])
            .returns::<Rotated>(
                200,
                &json!({ "kid": "gw-5f0c1a2b", "former_until_ms": 1_902_592_000_000_u64 }),
            )
    })
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RotateParams {
    /// How long tokens of the former keys are accepted; default 30 days, 0: no longer.
    #[schemars(range(max = MAX_DURATION_MS))]
    former_for_ms: Option<u64>,
}

/// A rotation of the signing keys.
#[derive(Serialize, JsonSchema)]
struct Rotated {
    /// Id of the new key, as in the header `kid` of tokens.
    kid: String,
    /// Tokens of the former keys are accepted before this time.
    former_until_ms: Timestamp,
}

async fn rotate(
    _: Operator,
    State(state): State<Arc<HttpState>>,
    QueryParams(RotateParams { former_for_ms }): QueryParams<RotateParams>,
) -> Result<Json<Rotated>, Problem> {
    if let Some(ms) = former_for_ms.filter(|ms| *ms > MAX_DURATION_MS) {
        let detail = format!("found {ms}; expected at most {MAX_DURATION_MS}");
        return Err(Problem::invalid("former_for_ms", detail));
    }
    let former_for = former_for_ms.map_or(DEFAULT_FORMER_VALID, Duration::from_millis);
    let rotation = state.hub().keys.rotate(former_for).await?;
    Ok(Json(Rotated { kid: rotation.kid.into(), former_until_ms: rotation.former_until }))
}
