//! `/livez` and `/readyz`: whether the process lives, and whether it should be sent clients.

use std::sync::Arc;

use axum::extract::State;
use hyper::StatusCode;

use super::state::HttpState;

/// Where they are: asked for even where nothing else is to be had.
pub(super) const PATHS: [&str; 2] = ["/livez", "/readyz"];

/// The process answers. Nothing else is asked, so that a failing store never gets it killed.
pub(super) async fn livez() -> &'static str {
    "alive\n"
}

/// It takes clients: it is not draining, and its engine is there, and its store can be written to.
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
