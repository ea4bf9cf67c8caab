//! `/livez` and `/readyz`: liveness and readiness probes.

use std::sync::Arc;

use axum::extract::State;
use hyper::StatusCode;

use super::state::HttpState;

/// Their paths, which stay available when other requests are rejected.
pub(super) const PATHS: [&str; 2] = ["/livez", "/readyz"];

/// The process is running. It checks nothing else, so that a store error does not get the process killed.
pub(super) async fn livez() -> &'static str {
    "alive\n"
}

/// The node accepts clients: it is not draining, its engine is ready and its store is writable.
pub(super) async fn readyz(State(state): State<Arc<HttpState>>) -> (StatusCode, &'static str) {
    if state.is_draining() {
        return (StatusCode::SERVICE_UNAVAILABLE, "draining\n");
    }
    if !state.hub().is_engine_ready() {
        return (StatusCode::SERVICE_UNAVAILABLE, "engine unavailable\n");
    }
    match state.hub().store().ready().await {
        Ok(()) => (StatusCode::OK, "ready\n"),
        Err(error) => {
            tracing::warn!(%error, "not ready");
            (StatusCode::SERVICE_UNAVAILABLE, "store unavailable\n")
        }
    }
}
