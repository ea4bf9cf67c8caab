//! The server API under `/api/v1`, for an app's backend and for operators.
//!
//! A server key or server token of the app authorizes its calls, the operator key those about the node; client
//! credentials are never accepted. Errors are problem details. One file per resource defines routes, types and their
//! `OpenAPI` description; a route without a description does not compile. Invariant: a change completes even if its
//! caller disconnects, and is applied once per `ref`. Not here: what the commands do (`hub`).

mod audit;
mod body;
mod caller;
mod description;
mod drain;
mod errors;
mod extract;
mod idempotency;
mod keys;
mod moderation;
mod openapi;
mod operator;
mod paging;
mod participants;
mod portable;
mod problem_responses;
mod rejects;
mod revoke_all;
mod rooms;
mod routes;
mod schemas;
mod sessions;
mod streams;
mod strict;
mod tags;
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

pub(super) use extract::JsonBody;
pub(super) use tokens::{MintRoom, mint_for_page};

const PREFIX: &str = "/api/v1";

/// The API and its document.
pub(super) fn router() -> Router<Arc<HttpState>> {
    Router::new().nest(PREFIX, all().into_router())
}

/// The route of its document, which needs no key.
pub(super) fn document_router() -> Router<Arc<HttpState>> {
    Router::new().route("/api/openapi.json", get(serve_document))
}

/// The API's document as the text of a file.
#[must_use]
pub fn openapi_document() -> String {
    openapi::document(PREFIX, &all().into_operations())
}

/// Serves the document, which is generated at the first request.
async fn serve_document() -> Response {
    static TEXT: LazyLock<Bytes> = LazyLock::new(|| openapi_document().into());
    let mut response = TEXT.clone().into_response();
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    response
}

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
        keys::routes,
        revoke_all::routes,
    ];
    resources.into_iter().fold(Routes::default(), |routes, add| add(routes))
}
