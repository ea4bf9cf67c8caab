//! The routes of each port.

use std::sync::Arc;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::get;

use super::problem::{Problem, ProblemKind};
use super::role::PortRole;
use super::state::HttpState;
use super::{api, examples, health, host, metrics, pages, request_id};
use crate::config::Mode;

/// The routes of a port with this role. `listener` handles the WebSocket's path.
pub(super) fn router(state: &Arc<HttpState>, role: PortRole) -> Router {
    let health =
        Router::new().route("/livez", get(health::livez)).route("/readyz", get(health::readyz));
    let health = match role {
        PortRole::Clients | PortRole::Both => health.merge(pages::router()),
        PortRole::Admin => health,
    };
    let routes = match role {
        PortRole::Clients => health,
        PortRole::Admin | PortRole::Both => {
            let open = Router::new().route("/metrics", get(metrics::metrics));
            let open = open.merge(api::document_router());
            let known_hosts = from_fn_with_state(Arc::clone(state), host::require_known_host);
            health.merge(open.route_layer(known_hosts)).merge(api::router())
        }
    };
    let routes = match state.mode() {
        Mode::Dev => routes
            .merge(pages::development_router())
            .route("/examples", get(examples::index))
            .route("/examples/{page}", get(examples::page)),
        Mode::Production => routes,
    };
    let routes = routes.fallback(not_found).method_not_allowed_fallback(method_not_allowed);
    let routes = match (state.mode(), role) {
        (Mode::Production, PortRole::Clients | PortRole::Admin) => routes,
        // Prevents DNS rebinding: a page of another site could resolve its own name to this port and read answers.
        (Mode::Dev, _) | (Mode::Production, PortRole::Both) => {
            routes.layer(from_fn(host::require_local_host))
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

async fn not_found() -> Problem {
    let detail =
        "not found; WebSocket clients connect to /v1/connect, the server API is under /api/v1";
    Problem::not_found(detail)
}

async fn method_not_allowed() -> Problem {
    let detail = "method not allowed; see the `Allow` header";
    Problem::new(ProblemKind::OTHER_METHOD, detail)
}
