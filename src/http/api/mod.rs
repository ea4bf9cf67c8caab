//! The server API under `/api/v1`: what an app's backend and its operators may do.
//!
//! A server key or a server token of the app opens it, and nothing a client holds does; what concerns the whole node is
//! opened by the operator's key alone. Errors are problem details. Each
//! file of a resource has its routes, what they take and tell, and how they are told in the `OpenAPI` document: a route
//! that is not described cannot be made. Invariant: what changes something is carried to its end though its caller
//! hangs up, and is done once for each `ref`. Not here: what the verbs do (`hub`).

mod audit;
mod body;
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
mod rejects;
mod rooms;
mod routes;
mod sessions;
mod streams;
mod strict;
mod tokens;
mod users;
mod webhooks;

use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::body::Bytes;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use hyper::header::{CONTENT_TYPE, HeaderValue};

use super::state::HttpState;
use routes::Routes;

/// Where the API is.
const PREFIX: &str = "/api/v1";

/// The API with its document.
pub(super) fn router() -> Router<Arc<HttpState>> {
    let api = Router::new().nest(PREFIX, all().into_router());
    api.route("/api/openapi.json", get(serve_document))
}

/// The API's document as the text of a file.
#[must_use]
pub fn openapi_document() -> String {
    openapi::document(PREFIX, &all().into_operations())
}

/// The document; it is made when it is first asked for.
async fn serve_document() -> Response {
    static TEXT: LazyLock<Bytes> = LazyLock::new(|| openapi_document().into());
    let mut response = TEXT.clone().into_response();
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    response
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
