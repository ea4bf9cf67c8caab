//! `/metrics`: what an operator's Prometheus reads.

use std::sync::Arc;

use axum::extract::State;
use hyper::header::{CONTENT_TYPE, HeaderName};

use super::state::HttpState;
use crate::telemetry::Metrics;

/// Every metric as it is now. On the port of the server API, which is not the clients'; no key is asked for.
pub(super) async fn metrics(
    State(state): State<Arc<HttpState>>,
) -> ([(HeaderName, &'static str); 1], String) {
    ([(CONTENT_TYPE, Metrics::MEDIA_TYPE)], state.hub().scrape())
}
