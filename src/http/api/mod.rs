//! The server API under `/api/v1`: what an app's backend and its operators may do.
//!
//! A server key or a server token of the app opens it, and nothing a client holds does; what concerns the whole node is
//! opened by the operator's key alone. Errors are problem details. Each
//! file of a resource has its routes, what they take and tell, and how they are told in the `OpenAPI` document: a route
//! that is not described cannot be made. Invariant: what changes something is carried to its end though its caller
//! hangs up, and is done once for each `ref`. Not here: what the verbs do (`hub`).

mod audit;
mod caller;
mod description;
mod drain;
mod errors;
mod extract;
mod idempotency;
mod moderation;
mod openapi;
mod paging;
mod participants;
mod problem_responses;
mod rooms;
mod routes;
mod sessions;
mod streams;
mod tokens;
mod users;
mod webhooks;

use std::sync::Arc;

use axum::Router;
use axum::routing::get;

use super::state::Ports;
use crate::auth::OperatorKey;
use crate::config::{self, Config};
use crate::http::call_rate::Callers;
use idempotency::Refs;
use routes::Routes;

pub use openapi::document as openapi_document;

/// Where the API is.
const PREFIX: &str = "/api/v1";

/// What the API keeps between calls.
pub(super) struct ApiState {
    callers: Callers,
    refs: Refs,
    /// Opens what concerns the whole node.
    operator_key: Option<OperatorKey>,
    drain: config::Drain,
}

impl ApiState {
    pub(super) fn new(config: &Config) -> Self {
        Self {
            callers: Callers::default(),
            refs: Refs::default(),
            operator_key: config.operator.api_key.as_ref().map(OperatorKey::new),
            drain: config.drain,
        }
    }

    /// Has every caller begin anew, at another rate.
    pub(super) fn forget_calls(&self) {
        self.callers.forget();
    }
}

/// The API with its document.
pub(super) fn router() -> Router<Arc<Ports>> {
    let api = Router::new().nest(PREFIX, all().into_router());
    api.route("/api/openapi.json", get(openapi::serve))
}

/// Every route there is.
fn all() -> Routes {
    let resources = [
        sessions::routes,
        tokens::routes,
        users::routes,
        rooms::routes,
        participants::routes,
        streams::routes,
        audit::routes,
        webhooks::routes,
        drain::routes,
    ];
    resources.into_iter().fold(Routes::default(), |routes, add| add(routes))
}
