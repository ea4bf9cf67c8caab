//! The server API under `/api/v1`: what an app's backend and its operators may do.
//!
//! A server key or a server token of the app opens it, and nothing a client holds does. Errors are problem details. Each
//! file of a resource has its routes, what they take and tell, and how they are told in the `OpenAPI` document: a route
//! that is not described cannot be made. Invariant: what changes something is carried to its end though its caller
//! hangs up, and is done once for each `ref`. Not here: what the verbs do (`hub`).

mod audit;
mod bearer;
mod input;
mod once;
mod openapi;
mod paging;
mod participants;
mod rate;
mod receipt;
mod refused;
mod request_id;
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

use super::router::Ports;
use crate::config::Limits;
use once::Refs;
use rate::Callers;
use routes::Routes;

pub use openapi::document as openapi_document;
pub(super) use request_id::follow;

/// Where the API is.
const PREFIX: &str = "/api/v1";

/// What the API keeps between calls.
pub(super) struct ApiState {
    /// The largest body of a request.
    body_bytes: usize,
    callers: Callers,
    refs: Refs,
}

impl ApiState {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            body_bytes: limits.api_body_bytes,
            callers: Callers::new(limits),
            refs: Refs::default(),
        }
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
    ];
    resources.into_iter().fold(Routes::default(), |routes, add| add(routes))
}
