//! Users: who is known, and what is done to them. Each verb acts at once on all their live sessions, and so in all their
//! rooms, and is durable when it is answered.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use hyper::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use stagedoor_proto::{Data, Reason, Ref, Timestamp, Username};

use super::caller::{ApiCaller, AuditedCall};
use super::extract::{JsonBody, PathParams, QueryParams};
use super::moderation::{EmptyBody, has_ref};
use super::paging::{self, Cursor, Page};
use super::rejects::Rejects;
use super::routes::{Method, Routes};
use super::sessions::SessionResource;
use crate::http::problem::{Problem, ProblemKind};
use crate::http::state::HttpState;
use crate::store::{Block, BlockKind, KnownUser, Page as StorePage};

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .about("users")
        .on(Method::Get, "/apps/{app}/users", list, |operation| {
            operation.named("list_users", "List users by name")
                .query::<UserQuery>()
                .returns::<Page<UserResource>>(200, &json!({ "items": [example()] }))
        })
        .on(Method::Get, "/apps/{app}/users/{username}", show, |operation| {
            operation.named("show_user", "Show a user with what keeps them out, and their live sessions")
                .rejects(&[ProblemKind::NOT_FOUND])
                .returns::<UserWithSessions>(200, &json!({ "user": example(), "sessions": [] }))
        })
        .on(Method::Delete, "/apps/{app}/users/{username}", delete, |operation| {
            operation.named("delete_user", "Delete a user for good; the name stays refused")
                .body::<EmptyBody>(&json!({}))
                .rejects(&[ProblemKind::NOT_FOUND])
                .returns::<UserActionResult>(200, &done())
        })
        .on(Method::Post, "/apps/{app}/users/{username}/ban", ban, |operation| {
            operation.named("ban_user", "Ban a user: every session ends with 4011, and none starts until the end of the ban")
                .body::<BanBody>(&json!({ "for_ms": 3_600_000, "reason": "spam" }))
                .returns::<UserActionResult>(200, &json!({
                    "username": "ada", "sessions_ended": 1, "until_ms": 1_900_003_600_000_u64,
                }))
        })
        .on(Method::Delete, "/apps/{app}/users/{username}/ban", unban, |operation| {
            operation.named("unban_user", "Lift a user's ban, or their removal from the app")
                .body::<EmptyBody>(&json!({}))
                .rejects(&[ProblemKind::NOT_FOUND])
                .returns::<UserActionResult>(200, &done())
        })
        .on(Method::Post, "/apps/{app}/users/{username}/revoke", revoke, |operation| {
            operation.named("revoke_tokens", "Void all tokens issued to a user until now, and end their sessions with 4101")
                .body::<EmptyBody>(&json!({}))
                .returns::<UserActionResult>(200, &done())
        })
}

fn done() -> serde_json::Value {
    json!({ "username": "ada", "sessions_ended": 1 })
}

fn example() -> serde_json::Value {
    json!({ "username": "ada", "registered": true, "name": "Ada", "seen_ms": 1_900_000_000_000_u64 })
}

/// The user of the path.
#[derive(Deserialize)]
struct UserPath {
    username: Username,
}

impl Rejects for UserPath {
    fn problems() -> Vec<ProblemKind> {
        Vec::new() // What is done to users is done to names nobody ever had, too, unless a route says otherwise.
    }
}

/// Which page of the users is wanted.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct UserQuery {
    /// Only those who are kept out, whether or not they were ever here.
    #[serde(default)]
    banned: bool,
    /// The `next` of the page before.
    cursor: Option<Cursor>,
    /// How many at most.
    #[schemars(range(min = 1, max = 1_000))]
    limit: Option<usize>,
}

/// A user, as an operator sees them.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "User")]
struct UserResource {
    /// The unique name.
    username: Username,
    /// Whether the name is somebody's; otherwise a guest's, or nobody's yet.
    registered: bool,
    /// A name for display.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// What else the app says of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    properties: Option<Data>,
    /// When they were last here, about.
    #[serde(skip_serializing_if = "Option::is_none")]
    seen_ms: Option<Timestamp>,
    /// Credentials issued until then are refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked_ms: Option<Timestamp>,
    /// When they were deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    deleted_ms: Option<Timestamp>,
    /// What keeps them out.
    #[serde(skip_serializing_if = "Option::is_none")]
    block: Option<BlockResource>,
}

/// A block from the whole app.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Block")]
struct BlockResource {
    /// By whom.
    kind: BlockResourceKind,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// Since when.
    since_ms: Timestamp,
    /// Until when; absent: for good.
    #[serde(skip_serializing_if = "Option::is_none")]
    until_ms: Option<Timestamp>,
}

/// Whose verb a block was.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "BlockKind")]
enum BlockResourceKind {
    /// A moderator's removal from the app.
    Kick,
    /// A ban by this API.
    Ban,
}

/// A user with their live sessions.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "UserWithSessions")]
struct UserWithSessions {
    /// The user.
    user: UserResource,
    /// Their live sessions.
    sessions: Vec<SessionResource>,
}

impl From<KnownUser> for UserResource {
    fn from(user: KnownUser) -> Self {
        let block = user.block.map(|Block { kind, reason, since, until }| BlockResource {
            kind: match kind {
                BlockKind::Kick => BlockResourceKind::Kick,
                BlockKind::Ban => BlockResourceKind::Ban,
            },
            reason,
            since_ms: since,
            until_ms: until,
        });
        Self {
            username: user.username,
            registered: user.registered,
            name: user.profile.name,
            properties: user.profile.properties,
            seen_ms: user.seen,
            revoked_ms: user.revoked,
            deleted_ms: user.deleted,
            block,
        }
    }
}

/// A ban: for how long, and why.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct BanBody {
    /// For how long; for good when it is absent.
    #[schemars(range(min = 1))]
    for_ms: Option<u64>,
    /// Why; the user is told.
    reason: Option<Reason>,
    /// The caller's idempotency key.
    #[serde(rename = "ref")]
    ref_: Option<Ref>,
}
has_ref!(BanBody);

/// What a verb did.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "DoneToUser")]
struct UserActionResult {
    /// To whom.
    username: Username,
    /// Live sessions that it ended.
    sessions_ended: usize,
    /// Until when it holds; absent: for good, or nothing to hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    until_ms: Option<Timestamp>,
}

async fn list(
    caller: ApiCaller,
    State(state): State<Arc<HttpState>>,
    QueryParams(query): QueryParams<UserQuery>,
) -> Result<Json<Page<UserResource>>, Problem> {
    let limit = paging::limit(query.limit)?;
    let page = StorePage { after: paging::after(query.cursor.as_ref())?, limit: limit + 1 };
    let (app, now) = (Arc::clone(caller.app.id()), state.hub().clock().now());
    let users = state.hub().store().users(app, query.banned, page, now).await?;
    let page = Page::cut(users, limit, |user| user.username.clone());
    Ok(Json(page.map(UserResource::from)))
}

async fn show(
    caller: ApiCaller,
    State(state): State<Arc<HttpState>>,
    PathParams(UserPath { username }): PathParams<UserPath>,
) -> Result<Json<UserWithSessions>, Problem> {
    let user = caller.user(username);
    let live = state.hub().sessions_of(&user).await?;
    let known = state.hub().store().user(user, state.hub().clock().now()).await?;
    let known = known.ok_or_else(|| Problem::not_found("nothing is known of such a user"))?;
    let sessions = live.iter().map(|session| SessionResource::live(session)).collect();
    Ok(Json(UserWithSessions { user: known.into(), sessions }))
}

async fn ban(
    caller: ApiCaller,
    State(state): State<Arc<HttpState>>,
    PathParams(UserPath { username }): PathParams<UserPath>,
    JsonBody { body: BanBody { for_ms, reason, ref_ }, mark }: JsonBody<BanBody>,
) -> Result<Response, Problem> {
    if for_ms == Some(0) {
        let detail = "a ban lasts at least 1 ms; leave it out for one without an end";
        return Err(Problem::invalid("for_ms", detail));
    }
    let (by, at) = (caller.clone(), Arc::clone(&state));
    let work = async move {
        let since = at.hub().clock().now();
        let until = for_ms.map(|ms| since + Duration::from_millis(ms));
        let reason = reason.map(|reason| reason.as_str().to_owned());
        let block = Block { kind: BlockKind::Ban, reason: reason.clone(), since, until };
        let by_address = caller.app.rules().ban_guest_addresses;
        let user = caller.user(username.clone());
        let row = caller
            .audit_row(&at, AuditedCall { reason, ..AuditedCall::on_user(&username, "ban", ref_) });
        let sessions_ended = at
            .hub()
            .block_user(user, block, by_address, Some(row), Some(&caller.identity.request))
            .await?;
        Ok(UserActionResult { username, sessions_ended, until_ms: until })
    };
    mark.perform(&state, &by, StatusCode::OK, work).await
}

async fn unban(
    caller: ApiCaller,
    State(state): State<Arc<HttpState>>,
    PathParams(UserPath { username }): PathParams<UserPath>,
    JsonBody { body: EmptyBody { ref_ }, mark }: JsonBody<EmptyBody>,
) -> Result<Response, Problem> {
    let (by, at) = (caller.clone(), Arc::clone(&state));
    let work = async move {
        let row = caller.audit_row(&at, AuditedCall::on_user(&username, "unban", ref_));
        if !at.hub().unblock_user(caller.user(username.clone()), Some(row)).await? {
            return Err(Problem::not_found("this user is not banned"));
        }
        Ok(UserActionResult { username, sessions_ended: 0, until_ms: None })
    };
    mark.perform(&state, &by, StatusCode::OK, work).await
}

async fn delete(
    caller: ApiCaller,
    State(state): State<Arc<HttpState>>,
    PathParams(UserPath { username }): PathParams<UserPath>,
    JsonBody { body: EmptyBody { ref_ }, mark }: JsonBody<EmptyBody>,
) -> Result<Response, Problem> {
    let (by, at) = (caller.clone(), Arc::clone(&state));
    let work = async move {
        let row = caller.audit_row(&at, AuditedCall::on_user(&username, "delete_user", ref_));
        let user = caller.user(username.clone());
        let Some(sessions_ended) =
            at.hub().delete_user(user, Some(row), &caller.identity.request).await?
        else {
            let detail =
                "nothing is known of such a user, or they were deleted before; nothing was changed";
            return Err(Problem::not_found(detail));
        };
        Ok(UserActionResult { username, sessions_ended, until_ms: None })
    };
    mark.perform(&state, &by, StatusCode::OK, work).await
}

async fn revoke(
    caller: ApiCaller,
    State(state): State<Arc<HttpState>>,
    PathParams(UserPath { username }): PathParams<UserPath>,
    JsonBody { body: EmptyBody { ref_ }, mark }: JsonBody<EmptyBody>,
) -> Result<Response, Problem> {
    let (by, at) = (caller.clone(), Arc::clone(&state));
    let work = async move {
        let row = caller.audit_row(&at, AuditedCall::on_user(&username, "revoke_tokens", ref_));
        let user = caller.user(username.clone());
        let sessions_ended =
            at.hub().revoke_user(user, Some(row), &caller.identity.request).await?;
        Ok(UserActionResult { username, sessions_ended, until_ms: None })
    };
    mark.perform(&state, &by, StatusCode::OK, work).await
}
