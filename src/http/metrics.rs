//! `/metrics` for Prometheus.

use std::sync::Arc;

use axum::extract::State;
use hyper::header::{CONTENT_TYPE, HeaderName};

use super::state::HttpState;
use crate::telemetry::Metrics;

/// All metrics. Served without authentication, and only on the port of the server API.
pub(super) async fn metrics(
    State(state): State<Arc<HttpState>>,
) -> ([(HeaderName, &'static str); 1], String) {
    ([(CONTENT_TYPE, Metrics::MEDIA_TYPE)], state.hub().scrape())
}
