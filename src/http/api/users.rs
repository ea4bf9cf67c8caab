//! Users: who is known, and what is done to them. Each verb acts at once on all their live sessions, and so in all their
//! rooms, and is durable when it is answered.

use std::time::Duration;

use axum::Json;
use axum::response::Response;
use hyper::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use stagedoor_proto::{Data, Timestamp, Username};

use super::caller::{ApiCaller, AuditedCall};
use super::extract::{JsonBody, PathParams, QueryParams};
use super::idempotency::IdempotencyKey;
use super::paging::{self, Cursor, Page};
use super::rejects::Rejects;
use super::routes::{Method, Routes};
use super::sessions::SessionResource;
use crate::api_body::{BanBody, EmptyBody};
use crate::http::problem::{Problem, ProblemKind, found};
use crate::store::{AuditEvent, Block, BlockKind, KnownUser, UserKey};

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
#[schemars(rename = "UserBlock")]
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
    QueryParams(UserQuery { banned, cursor, limit }): QueryParams<UserQuery>,
) -> Result<Json<Page<UserResource>>, Problem> {
    let (hub, now) = (caller.hub(), caller.hub().clock().now());
    let read = |page| hub.store().users(caller.app_id(), banned, page, now);
    let page = paging::list(cursor, limit, read, |user| user.username.clone()).await?;
    Ok(Json(page.map(UserResource::from)))
}

async fn show(
    caller: ApiCaller,
    PathParams(UserPath { username }): PathParams<UserPath>,
) -> Result<Json<UserWithSessions>, Problem> {
    let (hub, user) = (caller.hub(), caller.user(username));
    let live = hub.sessions.of_user(&user).await?;
    let known = hub.store().user(user, hub.clock().now()).await?;
    let known = found(known, "nothing is known of such a user")?;
    let sessions = live.iter().map(|session| SessionResource::live(session)).collect();
    Ok(Json(UserWithSessions { user: known.into(), sessions }))
}

/// Acts on a user; `act` answers with how many sessions it ended, and what it did holds until `until_ms`.
async fn act_on_user<A>(
    caller: ApiCaller,
    username: Username,
    key: IdempotencyKey,
    call: AuditedCall,
    until_ms: Option<Timestamp>,
    act: impl FnOnce(ApiCaller, UserKey, AuditEvent) -> A + Send + 'static,
) -> Result<Response, Problem>
where
    A: Future<Output = Result<usize, Problem>> + Send + 'static,
{
    let work = |caller: ApiCaller| async move {
        let (user, row) = (caller.user(username.clone()), caller.audit_row(call));
        let sessions_ended = act(caller, user, row).await?;
        Ok(UserActionResult { username, sessions_ended, until_ms })
    };
    key.perform(caller, StatusCode::OK, work).await
}

async fn ban(
    caller: ApiCaller,
    PathParams(UserPath { username }): PathParams<UserPath>,
    JsonBody { body: BanBody { for_ms, reason, ref_ }, key }: JsonBody<BanBody>,
) -> Result<Response, Problem> {
    if for_ms == Some(0) {
        let detail = "a ban lasts at least 1 ms; leave it out for one without an end";
        return Err(Problem::invalid("for_ms", detail));
    }
    let since = caller.hub().clock().now();
    let until = for_ms.map(|ms| since + Duration::from_millis(ms));
    let reason = reason.map(|reason| reason.as_str().to_owned());
    let block = Block { kind: BlockKind::Ban, reason: reason.clone(), since, until };
    let call = AuditedCall { reason, ..AuditedCall::on_user(&username, "ban", ref_) };
    let act = move |caller: ApiCaller, user, row| async move {
        let by_address = caller.app.rules().ban_guest_addresses;
        let request = Some(&caller.identity.request);
        Ok(caller.hub().accounts.block_user(user, block, by_address, Some(row), request).await?)
    };
    act_on_user(caller, username, key, call, until, act).await
}

async fn unban(
    caller: ApiCaller,
    PathParams(UserPath { username }): PathParams<UserPath>,
    JsonBody { body: EmptyBody { ref_ }, key }: JsonBody<EmptyBody>,
) -> Result<Response, Problem> {
    let call = AuditedCall::on_user(&username, "unban", ref_);
    let act = |caller: ApiCaller, user, row| async move {
        let was_blocked = caller.hub().accounts.unblock_user(user, Some(row)).await?;
        found(was_blocked.then_some(0), "this user is not banned")
    };
    act_on_user(caller, username, key, call, None, act).await
}

async fn delete(
    caller: ApiCaller,
    PathParams(UserPath { username }): PathParams<UserPath>,
    JsonBody { body: EmptyBody { ref_ }, key }: JsonBody<EmptyBody>,
) -> Result<Response, Problem> {
    let call = AuditedCall::on_user(&username, "delete_user", ref_);
    let act = |caller: ApiCaller, user, row| async move {
        let ended =
            caller.hub().accounts.delete_user(user, Some(row), &caller.identity.request).await?;
        let absent =
            "nothing is known of such a user, or they were deleted before; nothing was changed";
        found(ended, absent)
    };
    act_on_user(caller, username, key, call, None, act).await
}

async fn revoke(
    caller: ApiCaller,
    PathParams(UserPath { username }): PathParams<UserPath>,
    JsonBody { body: EmptyBody { ref_ }, key }: JsonBody<EmptyBody>,
) -> Result<Response, Problem> {
    let call = AuditedCall::on_user(&username, "revoke_tokens", ref_);
    let act = |caller: ApiCaller, user, row| async move {
        Ok(caller.hub().accounts.revoke_user(user, Some(row), &caller.identity.request).await?)
    };
    act_on_user(caller, username, key, call, None, act).await
}
