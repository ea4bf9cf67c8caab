//! `/livez` and `/readyz`: liveness and readiness probes.

use std::sync::Arc;

use axum::extract::State;
use futures::FutureExt as _;
use hyper::StatusCode;

use super::state::HttpState;

/// Their paths, which stay available when other requests are rejected.
pub(super) const PATHS: [&str; 2] = ["/livez", "/readyz"];

/// The process is running. It checks nothing else, so that a store error does not get the process killed.
pub(super) async fn livez() -> &'static str {
    "alive\n"
}

/// The node accepts clients: it is not draining, its engine is ready, its background tasks run and its store is
/// writable. The store is probed at most once per second.
pub(super) async fn readyz(State(state): State<Arc<HttpState>>) -> (StatusCode, String) {
    if state.is_draining() {
        return unavailable("draining\n");
    }
    if !state.hub().is_engine_ready() {
        return unavailable("engine unavailable\n");
    }
    if let Some(task) = state.lifecycle().failing_task() {
        return (StatusCode::SERVICE_UNAVAILABLE, format!("{task} panicked\n"));
    }
    let store = Arc::clone(state.hub().store());
    let probe = async move {
        store.ready().await.map_err(|error| {
            tracing::warn!(%error, "not ready");
            Arc::from(error.to_string())
        })
    };
    match state.readiness().check(state.hub().clock().monotonic(), || probe.boxed()).await {
        Ok(()) => (StatusCode::OK, "ready\n".to_owned()),
        Err(_) => unavailable("store unavailable\n"),
    }
}

fn unavailable(reason: &str) -> (StatusCode, String) {
    (StatusCode::SERVICE_UNAVAILABLE, reason.to_owned())
}
