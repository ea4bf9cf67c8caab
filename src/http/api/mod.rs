//! The server API under `/api/v1`: what an app's backend and its operators may do.
//!
//! A server key or a server token of the app opens it, and nothing a client holds does. Errors are problem details.

mod bearer;
mod body;
mod sessions;
mod users;

use std::sync::Arc;

use axum::Router;
use axum::routing::{delete, get, post};

use super::router::Ports;

/// The largest request body.
const MAX_BODY_BYTES: usize = 64 * 1024;

/// The routes, to be nested under `/api/v1`.
pub(super) fn routes() -> Router<Arc<Ports>> {
    Router::new()
        .route("/apps/{app}/sessions", get(sessions::list).post(sessions::mint))
        .route("/apps/{app}/sessions/{id}", delete(sessions::end))
        .route("/apps/{app}/users/{username}", delete(users::delete))
        .route("/apps/{app}/users/{username}/ban", post(users::ban).delete(users::unban))
        .route("/apps/{app}/users/{username}/revoke", post(users::revoke))
}
