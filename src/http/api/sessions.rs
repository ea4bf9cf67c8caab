//! Minting session tokens, and the live sessions of an app.

use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Path, Query, State};
use hyper::StatusCode;
use serde::{Deserialize, Serialize};
use stagedoor_proto::{
    ClientInfo, InstanceId, Role, Secret, SessionId, SessionState, Timestamp, Username,
};

use super::super::problem::Problem;
use super::super::router::Ports;
use super::bearer::Backend;
use super::body::JsonBody;
use crate::auth::token::SessionClaims;
use crate::grant::{Grant, RoomPattern, Scopes};
use crate::hub::SessionHandle;

/// How many sessions a page has, unless asked otherwise, and at most.
const DEFAULT_PAGE: usize = 100;
const MAX_PAGE: usize = 1_000;
/// How long a minted token may be shown, unless asked otherwise.
const DEFAULT_TOKEN_TTL: Duration = Duration::from_hours(1);

/// A live session, as an operator sees it.
#[derive(Serialize)]
pub(super) struct Shown {
    id: SessionId,
    username: Username,
    guest: bool,
    instance: InstanceId,
    state: SessionState,
    connected: bool,
    started_ms: Timestamp,
    last_activity_ms: Timestamp,
    expires_at_ms: Timestamp,
    address: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<ClientInfo>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_agent: Option<String>,
}

impl Shown {
    fn of(session: &SessionHandle) -> Self {
        let (state, connected, expires_at_ms) = session.status();
        Self {
            id: session.id(),
            username: session.user().username.clone(),
            guest: session.is_guest(),
            instance: session.instance().clone(),
            state,
            connected,
            started_ms: session.started(),
            last_activity_ms: session.last_activity(),
            expires_at_ms,
            address: session.arrival().address.to_string(),
            client: session.client().cloned(),
            user_agent: session.arrival().user_agent.as_deref().map(str::to_owned),
        }
    }
}

/// Which page of the sessions is wanted.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PageQuery {
    limit: Option<usize>,
    after: Option<Cursor>,
    username: Option<Username>,
}

/// Where a page ended: the place in the order, so that it is found when the session itself is gone.
///
/// Shape: `1900000000000-AAAAAAAAAAAAAAAAAAAAAA`. To callers it is opaque.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
struct Cursor {
    started: Timestamp,
    id: SessionId,
}

impl Cursor {
    fn of(session: &SessionHandle) -> Self {
        Self { started: session.started(), id: session.id() }
    }
}

impl TryFrom<String> for Cursor {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let parse = || {
            let (started, id) = text.split_once('-')?;
            let started = Timestamp::from_millis(started.parse().ok()?);
            Some(Self { started, id: id.parse().ok()? })
        };
        parse().ok_or("`after` is the `next` of the page before")
    }
}

impl From<Cursor> for String {
    fn from(Cursor { started, id }: Cursor) -> Self {
        format!("{}-{id}", started.as_millis())
    }
}

/// A page of sessions, oldest first.
#[derive(Serialize)]
pub(super) struct Page {
    sessions: Vec<Shown>,
    /// What `after` takes for the next page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<Cursor>,
}

/// Whom a token is for, and what it allows.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Mint {
    username: Username,
    instance: Option<InstanceId>,
    name: Option<String>,
    #[serde(default)]
    rooms: BTreeMap<String, Role>,
    scopes: Option<Vec<String>>,
    #[serde(default)]
    app_moderator: bool,
    /// How long the token may be shown.
    for_ms: Option<u64>,
    /// How long the session lives, where that is not as long.
    ttl_s: Option<NonZeroU64>,
}

/// A session token.
#[derive(Serialize)]
pub(super) struct Minted {
    token: Secret,
    expires_at_ms: Timestamp,
}

pub(super) async fn mint(
    Backend { app, .. }: Backend,
    State(ports): State<Arc<Ports>>,
    JsonBody(mint): JsonBody<Mint>,
) -> Result<(StatusCode, Json<Minted>), Problem> {
    let ttl = mint.for_ms.map_or(DEFAULT_TOKEN_TTL, Duration::from_millis);
    let mut rooms = Vec::with_capacity(mint.rooms.len());
    for (pattern, role) in mint.rooms {
        let pattern = RoomPattern::try_from(pattern)
            .map_err(|error| Problem::invalid("rooms", error.to_string()))?;
        rooms.push((pattern, role));
    }
    let scopes = mint.scopes.map(Scopes::from_iter);
    let claims = SessionClaims {
        sub: mint.username,
        instance: mint.instance,
        name: mint.name,
        grant: Grant { rooms, scopes, app_moderator: mint.app_moderator },
        ttl_s: mint.ttl_s,
    };
    let now = ports.hub().clock().now();
    let token = app
        .tokens()
        .mint_session(&claims, ttl)
        .map_err(|error| Problem::invalid("body", error.to_string()))?;
    Ok((
        StatusCode::CREATED,
        Json(Minted { token, expires_at_ms: Timestamp::from_secs((now + ttl).as_secs()) }),
    ))
}

pub(super) async fn list(
    Backend { app, .. }: Backend,
    State(ports): State<Arc<Ports>>,
    query: Result<Query<PageQuery>, axum::extract::rejection::QueryRejection>,
) -> Result<Json<Page>, Problem> {
    let Query(PageQuery { limit, after, username }) =
        query.map_err(|error| Problem::invalid("query", error.body_text()))?;
    let limit = limit.unwrap_or(DEFAULT_PAGE);
    if !(1..=MAX_PAGE).contains(&limit) {
        return Err(Problem::invalid("limit", format!("a page has 1 to {MAX_PAGE} sessions")));
    }
    let mut sessions = ports.hub().sessions(app.id());
    if let Some(username) = username {
        sessions.retain(|session| session.user().username == username);
    }
    if let Some(after) = after {
        sessions.retain(|session| Cursor::of(session) > after);
    }
    let is_cut = sessions.len() > limit;
    sessions.truncate(limit);
    let next = sessions.last().filter(|_| is_cut).map(|last| Cursor::of(last));
    let shown = sessions.iter().map(|session| Shown::of(session)).collect();
    Ok(Json(Page { sessions: shown, next }))
}

pub(super) async fn end(
    backend: Backend,
    State(ports): State<Arc<Ports>>,
    Path((_, id)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    let id = id
        .parse()
        .map_err(|error: stagedoor_proto::InvalidId| Problem::invalid("id", error.to_string()))?;
    let Some(session) = ports.hub().terminate(backend.app.id(), id) else {
        return Err(Problem::not_found("there is no such live session"));
    };
    backend.record(&ports, "end_session", &session.user().username, None).await?;
    Ok(StatusCode::NO_CONTENT)
}
