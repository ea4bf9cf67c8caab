//! What each port serves.

use std::sync::Arc;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::get;

use super::problem::{Problem, ProblemKind};
use super::role::PortRole;
use super::state::HttpState;
use super::{api, health, host, metrics, request_id};
use crate::config::Mode;

/// The routes of a port of this role. The WebSocket's path is not among them: see `listener`.
pub(super) fn router(state: &Arc<HttpState>, role: PortRole) -> Router {
    let health =
        Router::new().route("/livez", get(health::livez)).route("/readyz", get(health::readyz));
    let routes = match role {
        PortRole::Clients => health,
        PortRole::Admin | PortRole::Both => {
            health.route("/metrics", get(metrics::metrics)).merge(api::router())
        }
    };
    let routes = routes.fallback(nothing_here).method_not_allowed_fallback(other_methods);
    let routes = match (state.mode(), role) {
        (Mode::Production, PortRole::Clients | PortRole::Admin) => routes,
        // A page of another site may have its own name lead here, and then read what it likes.
        (Mode::Dev, _) | (Mode::Production, PortRole::Both) => {
            routes.layer(from_fn(host::must_be_local))
        }
    };
    let routes = match role {
        PortRole::Clients => routes,
        PortRole::Admin | PortRole::Both => {
            routes.layer(from_fn_with_state(Arc::clone(state), request_id::follow))
        }
    };
    routes.with_state(Arc::clone(state))
}

async fn nothing_here() -> Problem {
    let detail = "nothing is here; clients connect to /v1/connect, the server API is under /api/v1";
    Problem::not_found(detail)
}

async fn other_methods() -> Problem {
    let detail = "this is asked for with another method; see the `Allow` header";
    Problem::new(ProblemKind::OTHER_METHOD, detail)
}
