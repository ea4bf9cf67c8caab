//! `/demo`: a room with chat, video and moderation.

use std::sync::Arc;

use axum::Extension;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Json, Redirect, Response};
use hyper::{HeaderMap, StatusCode};
use serde::Serialize;

use super::files;
use crate::config::Mode;
use crate::http::api::{JsonBody, MintRoom, mint_for_page};
use crate::http::auth_failures::ClientAddress;
use crate::http::problem::{Problem, ProblemKind};
use crate::http::state::HttpState;

/// The page or the caller is of another machine.
const FOREIGN_PAGE: ProblemKind = ProblemKind::new(StatusCode::FORBIDDEN, "forbidden");

/// What the page has to know before it connects.
#[derive(Serialize)]
pub(super) struct DemoConfig {
    app: String,
    /// Whether `/demo/token` mints tokens.
    development: bool,
    version: &'static str,
}

/// Redirects to the page's address, to which its files are relative.
pub(super) async fn with_slash(State(state): State<Arc<HttpState>>) -> Result<Response, Problem> {
    app_of(&state)?;
    Ok(Redirect::to("/demo/").into_response())
}

pub(super) async fn index(
    State(state): State<Arc<HttpState>>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    app_of(&state)?;
    files::serve("demo/index.html", &headers)
}

pub(super) async fn file(
    State(state): State<Arc<HttpState>>,
    file: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    app_of(&state)?;
    // What is no UTF-8 is the name of no file.
    let file = file.map_or_else(|_| String::new(), |Path(file)| file);
    files::serve(&format!("demo/{file}"), &headers)
}

pub(super) async fn config(
    State(state): State<Arc<HttpState>>,
) -> Result<Json<DemoConfig>, Problem> {
    let app = app_of(&state)?;
    let development = state.mode() == Mode::Dev;
    Ok(Json(DemoConfig { app, development, version: env!("CARGO_PKG_VERSION") }))
}

/// Mints a room token for the page. A user who can open the page on this machine could start as any user anyway.
pub(super) async fn token(
    State(state): State<Arc<HttpState>>,
    Extension(ClientAddress(address)): Extension<ClientAddress>,
    headers: HeaderMap,
    body: JsonBody<MintRoom>,
) -> Result<Response, Problem> {
    if !address.to_canonical().is_loopback() {
        let detail = "tokens are minted for pages of this machine only; open the page on it";
        return Err(Problem::new(FOREIGN_PAGE, detail));
    }
    if let Err(rejected) = state.settings().origins.check(&headers) {
        return Err(Problem::new(FOREIGN_PAGE, rejected.describe()));
    }
    let app = app_of(&state)?;
    let app = state.hub().app(&app).ok_or_else(not_served)?;
    let minted = mint_for_page(state.hub().clock(), app, body)?;
    Ok((StatusCode::CREATED, Json(minted)).into_response())
}

/// The app of the page.
fn app_of(state: &HttpState) -> Result<String, Problem> {
    state.settings().demo().map(str::to_owned).ok_or_else(not_served)
}

fn not_served() -> Problem {
    Problem::not_found("the page is not served; name its app in `pages.demo`")
}
