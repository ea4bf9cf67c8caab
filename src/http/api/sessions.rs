//! Sessions: mint tokens for them, list, show and end them.

use std::future::ready;
use std::sync::Arc;

use axum::Json;
use axum::response::Response;
use hyper::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use stagedoor_proto::{
    ClientInfo, Disconnect, InstanceId, SessionId, SessionState, Timestamp, Username,
};

use super::caller::{ApiCaller, AuditedCall};
use super::extract::{JsonBody, PathParams, QueryParams};
use super::paging::{self, Cursor, Page};
use super::rejects::Rejects;
use super::routes::{Method, Routes};
use super::tags;
use super::tokens;
use crate::api_body::EmptyBody;
use crate::http::problem::{Problem, ProblemKind, found};
use crate::hub::SessionHandle;
use crate::store::{EndedSession, EndedSessions, Page as StorePage};
use crate::time::Now;

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .about(tags::SESSIONS)
        .on(Method::Post, "/apps/{app}/sessions", tokens::mint_session, |operation| {
            operation
                .named("mint_session_token", "Mint a session token").describe("The token starts a session as its user. The gateway does not store it; a repeated call mints another one.")
                .mints::<tokens::MintSession>(&json!({
                    "username": "ada", "rooms": { "lobby-*": "publisher" }, "for_ms": 300_000,
                }))
        })
        .on(Method::Get, "/apps/{app}/sessions", list, |operation| {
            operation
                .named("list_sessions", "List sessions").describe("Live sessions are listed oldest first, ended ones newest first.")
                .query::<SessionQuery>()
                .returns::<Page<SessionResource>>(200, &json!({ "items": [example()] }))
        })
        .on(Method::Get, "/apps/{app}/sessions/{session}", show, |operation| {
            operation
                .named("show_session", "Show a session").describe("A live session, or one that ended in the last 30 days.")
                .returns::<SessionResource>(200, &example())
        })
        .on(Method::Delete, "/apps/{app}/sessions/{session}", end, |operation| {
            operation
                .named("end_session", "End a live session").describe("Closes its connection with code 4015. Its client may start a new session.")
                .body::<EmptyBody>(&json!({}))
                .returns_nothing()
        })
}

fn example() -> serde_json::Value {
    json!({
        "id": "AAAAAAAAAAAAAAAAAAAAAA", "username": "ada", "guest": false, "instance": "tab-of-ada",
        "state": "established", "connected": true, "address": "192.0.2.1", "started_ms": 1_900_000_000_000_u64,
        "last_activity_ms": 1_900_000_005_000_u64, "expires_at_ms": 1_902_592_000_000_u64,
        "client": { "name": "web", "version": "1.2.0" }, "user_agent": "Mozilla/5.0",
    })
}

/// A session.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Session")]
pub(super) struct SessionResource {
    /// Session id.
    id: SessionId,
    /// Its user.
    username: Username,
    /// Whether the user is a guest.
    guest: bool,
    /// Its client instance.
    instance: InstanceId,
    /// Current state, or the last one of an ended session.
    state: SessionState,
    /// Whether it has a connection.
    connected: bool,
    /// Start time.
    started_ms: Timestamp,
    /// Time of the last message from the client; live sessions only.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_activity_ms: Option<Timestamp>,
    /// Expiry of its access token; live sessions only.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at_ms: Option<Timestamp>,
    /// End time.
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_ms: Option<Timestamp>,
    /// The close code and reason sent to its client.
    #[serde(skip_serializing_if = "Option::is_none")]
    ending: Option<Disconnect>,
    /// Client address of the last connection.
    address: String,
    /// Client software.
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<ClientInfo>,
    /// `User-Agent` of the client.
    #[serde(skip_serializing_if = "Option::is_none")]
    user_agent: Option<String>,
}

impl SessionResource {
    pub(super) fn live(session: &SessionHandle, now: Now) -> Self {
        let (state, connected, expires_at_ms) = session.status();
        let (meta, peer) = (session.meta(), session.activity().peer(session.meta()));
        Self {
            id: session.id(),
            username: session.user().username.clone(),
            guest: meta.guest,
            instance: meta.instance.clone(),
            state,
            connected,
            started_ms: meta.started,
            last_activity_ms: Some(now.wall_at(session.activity().last_frame())),
            expires_at_ms: Some(expires_at_ms),
            ended_ms: None,
            ending: None,
            address: peer.address.to_string(),
            client: meta.client.as_deref().cloned(),
            user_agent: peer.user_agent.as_deref().map(str::to_owned),
        }
    }

    fn ended(session: EndedSession) -> Self {
        Self {
            id: session.id,
            username: session.username,
            guest: session.guest,
            instance: session.instance,
            state: session.state,
            connected: false,
            started_ms: session.started_ms,
            last_activity_ms: None,
            expires_at_ms: None,
            ended_ms: Some(session.ended_ms),
            ending: Some(session.ending),
            address: session.address.to_string(),
            client: session.client,
            user_agent: session.user_agent.map(Into::into),
        }
    }
}

/// Which sessions to list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "SessionFilter")]
enum SessionListFilter {
    /// All live sessions.
    #[default]
    Live,
    /// Live, with a valid access token.
    Established,
    /// Live, with an expired access token.
    TokenExpired,
    /// Live, without a connection.
    Suspended,
    /// All sessions that ended in the last 30 days.
    Ended,
    /// Ended by the gateway, a moderator or the server.
    Terminated,
    /// Ended by its client, or lost.
    NotLoggedIn,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SessionQuery {
    /// Which sessions to list; default `live`.
    #[serde(default)]
    state: SessionListFilter,
    /// Only sessions of this user.
    username: Option<Username>,
    /// The `next` cursor of the previous page.
    cursor: Option<Cursor>,
    /// Maximum number of items.
    #[schemars(range(min = 1, max = 1_000))]
    limit: Option<usize>,
}

/// The path of a session.
#[derive(Deserialize)]
pub(super) struct SessionPath {
    session: SessionId,
}

impl Rejects for SessionPath {
    fn problems() -> Vec<ProblemKind> {
        vec![ProblemKind::NOT_FOUND]
    }
}

async fn list(
    caller: ApiCaller,
    QueryParams(query): QueryParams<SessionQuery>,
) -> Result<Json<Page<SessionResource>>, Problem> {
    let SessionQuery { state, username, cursor, limit } = query;
    let ended_in = match state {
        SessionListFilter::Live
        | SessionListFilter::Established
        | SessionListFilter::TokenExpired
        | SessionListFilter::Suspended => {
            let read =
                |page| ready(Ok::<_, Problem>(read_live(&caller, state, username.as_ref(), page)));
            let page = paging::list(cursor, limit, read, |session| LiveSessionCursor::of(session));
            let now = caller.hub().clock().now();
            return Ok(Json(page.await?.map(|session| SessionResource::live(&session, now))));
        }
        SessionListFilter::Ended => None,
        SessionListFilter::Terminated => Some(SessionState::Terminated),
        SessionListFilter::NotLoggedIn => Some(SessionState::NotLoggedIn),
    };
    let which = EndedSessions { username, state: ended_in };
    caller.hub().sessions.flush_history();
    let read = |page| caller.hub().store().ended_sessions(caller.app_id(), which, page);
    let page = paging::list(cursor, limit, read, |(number, _)| *number).await?;
    Ok(Json(page.map(|(_, session)| SessionResource::ended(session))))
}

fn read_live(
    caller: &ApiCaller,
    filter: SessionListFilter,
    username: Option<&Username>,
    page: StorePage<LiveSessionCursor>,
) -> Vec<Arc<SessionHandle>> {
    let after = page.after.map(|cursor| (cursor.started, cursor.id));
    caller.hub().sessions.list_after(caller.app.id(), after, page.limit, |session| {
        if username.is_some_and(|name| session.user().username != *name) {
            return false;
        }
        let (state, connected, _) = session.status();
        match filter {
            SessionListFilter::Established => state == SessionState::Established,
            SessionListFilter::TokenExpired => state == SessionState::TokenExpired,
            SessionListFilter::Suspended => !connected,
            SessionListFilter::Live
            | SessionListFilter::Ended
            | SessionListFilter::Terminated
            | SessionListFilter::NotLoggedIn => true,
        }
    })
}

/// The position of a live session in the list; valid also after that session has ended.
struct LiveSessionCursor {
    started: Timestamp,
    id: SessionId,
}

impl LiveSessionCursor {
    fn of(session: &SessionHandle) -> Self {
        Self { started: session.meta().started, id: session.id() }
    }
}

impl std::fmt::Display for LiveSessionCursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.started.as_millis(), self.id)
    }
}

impl std::str::FromStr for LiveSessionCursor {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        let (started, id) = text.split_once('-').ok_or(())?;
        let started = Timestamp::from_millis(started.parse().map_err(drop)?);
        Ok(Self { started, id: id.parse().map_err(drop)? })
    }
}

/// The live session with this id.
fn find_live(caller: &ApiCaller, id: SessionId) -> Option<Arc<SessionHandle>> {
    caller.hub().sessions.find_in(caller.app.id(), id).filter(|session| !session.has_ended())
}

async fn show(
    caller: ApiCaller,
    PathParams(SessionPath { session: id }): PathParams<SessionPath>,
) -> Result<Json<SessionResource>, Problem> {
    if let Some(session) = find_live(&caller, id) {
        return Ok(Json(SessionResource::live(&session, caller.hub().clock().now())));
    }
    caller.hub().sessions.flush_history();
    let ended = caller.hub().store().ended_session(caller.app_id(), id).await?;
    let ended = found(ended, "session not found, or it ended more than 30 days ago")?;
    Ok(Json(SessionResource::ended(ended)))
}

async fn end(
    caller: ApiCaller,
    PathParams(SessionPath { session: id }): PathParams<SessionPath>,
    JsonBody { body: EmptyBody { ref_ }, key }: JsonBody<EmptyBody>,
) -> Result<Response, Problem> {
    let work = move |caller: ApiCaller| async move {
        let username = caller.hub().find_user_of(caller.app.id(), id).await;
        let username = found(username, "no live session with this id")?;
        // The audit row is written first: without it the session is not ended.
        caller.record(AuditedCall::on_user(&username, "end_session", ref_.clone())).await?;
        // The session may have ended in the meantime, which is the intended result.
        let (ref_, request) = (ref_.as_ref(), Some(&caller.identity.request));
        caller.hub().end_session(caller.app.id(), id, ref_, request).await;
        Ok(())
    };
    key.perform(caller, StatusCode::NO_CONTENT, work).await
}
