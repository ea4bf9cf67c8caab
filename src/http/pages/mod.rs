//! The embedded web pages: `/demo`, and the calls of its script.
//!
//! The pages are built in `console/` and embedded with the program, so that serving them needs no files. They hold no
//! secret: what a page may do, its user's credentials decide.

mod demo;
mod files;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};

use super::state::HttpState;

/// The pages of the clients' port.
pub(super) fn router() -> Router<Arc<HttpState>> {
    Router::new()
        .route("/demo", get(demo::with_slash))
        .route("/demo/", get(demo::index))
        .route("/demo/config.json", get(demo::config))
        .route("/demo/{*file}", get(demo::file))
}

/// What only development mode serves: the page at `/`, and room tokens without authentication.
pub(super) fn development_router() -> Router<Arc<HttpState>> {
    Router::new().route("/", get(demo::with_slash)).route("/demo/token", post(demo::token))
}
