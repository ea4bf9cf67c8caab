//! The operator, who may act on the gateway as a whole.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use hyper::StatusCode;
use hyper::http::request::Parts;

use super::caller::{UNAUTHORIZED, bearer_of, reject_credentials};
use super::rejects::Rejects;
use crate::http::problem::{Problem, ProblemKind};
use crate::http::state::HttpState;

/// No operator key is configured, or the caller does not have it.
const NO_OPERATOR_KEY: ProblemKind = ProblemKind::new(StatusCode::FORBIDDEN, "no_operator_key");

/// A caller with the operator key.
pub(super) struct Operator;

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
            let detail = "the gateway has no operator key; set `operator.api_key`";
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
