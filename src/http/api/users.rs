//! Users: list, show, ban, revoke tokens, delete. Each change is durable before it is answered, and applies at once to
//! all live sessions of the user.

use std::time::Duration;

use axum::Json;
use axum::response::Response;
use hyper::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use stagedoor_proto::{ActiveBlock, BlockSource, Data, MAX_DURATION_MS, Timestamp, Username};

use super::caller::{ApiCaller, AuditedCall};
use super::extract::{JsonBody, PathParams, QueryParams};
use super::idempotency::IdempotencyKey;
use super::paging::{self, Cursor, Page};
use super::rejects::Rejects;
use super::routes::{Method, Routes};
use super::sessions::SessionResource;
use super::tags;
use crate::api_body::{BanBody, EmptyBody};
use crate::blocks::BlockSetter;
use crate::http::problem::{Problem, ProblemKind, found};
use crate::store::{AuditEvent, Block, BlockKind, KnownUser, Unblocked, UserKey};

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .about(tags::USERS)
        .on(Method::Get, "/apps/{app}/users", list, |operation| {
            operation.named("list_users", "List users").describe("Users are listed by name.")
                .query::<UserQuery>()
                .returns::<Page<UserResource>>(200, &json!({ "items": [example()] }))
        })
        .on(Method::Get, "/apps/{app}/users/{username}", show, |operation| {
            operation.named("show_user", "Show a user").describe("The user with their block and live sessions.")
                .rejects(&[ProblemKind::NOT_FOUND])
                .returns::<UserWithSessions>(200, &json!({ "user": example(), "sessions": [] }))
        })
        .on(Method::Delete, "/apps/{app}/users/{username}", delete, |operation| {
            operation.named("delete_user", "Delete a user").describe("Permanent. Ends their sessions with code 4012; the username stays blocked.")
                .body::<EmptyBody>(&json!({}))
                .rejects(&[ProblemKind::NOT_FOUND])
                .returns::<UserActionResult>(200, &done())
        })
        .on(Method::Post, "/apps/{app}/users/{username}/ban", ban, |operation| {
            operation.named("ban_user", "Ban a user").describe("Ends their sessions with code 4011 and rejects new ones until the ban ends. Without `for_ms` it is permanent.")
                .body::<BanBody>(&json!({ "for_ms": 3_600_000, "reason": "spam" }))
                .returns::<UserActionResult>(200, &json!({
                    "username": "ada", "sessions_ended": 1, "until_ms": 1_900_003_600_000_u64,
                    "block": { "set_by": "operator", "until_ms": 1_900_003_600_000_u64 },
                }))
        })
        .on(Method::Delete, "/apps/{app}/users/{username}/ban", unban, |operation| {
            operation.named("unban_user", "Unban a user").describe("Lifts the ban. A moderator's block stays, and is in the answer.")
                .body::<EmptyBody>(&json!({}))
                .rejects(&[ProblemKind::NOT_FOUND])
                .returns::<UserActionResult>(200, &json!({
                    "username": "ada", "sessions_ended": 0,
                    "block": { "set_by": "moderator", "until_ms": 1_900_003_600_000_u64 },
                }))
        })
        .on(Method::Post, "/apps/{app}/users/{username}/revoke", revoke, |operation| {
            operation.named("revoke_tokens", "Revoke all tokens of a user").describe("Ends their sessions with code 4101. Tokens that the app issues from `accepted_from_ms` on are accepted.")
                .body::<EmptyBody>(&json!({}))
                .returns::<UserActionResult>(200, &json!({
                    "username": "ada", "sessions_ended": 1, "accepted_from_ms": 1_900_000_001_000_u64,
                }))
        })
}

fn done() -> serde_json::Value {
    json!({ "username": "ada", "sessions_ended": 1 })
}

fn example() -> serde_json::Value {
    json!({ "username": "ada", "registered": true, "name": "Ada", "seen_ms": 1_900_000_000_000_u64 })
}

/// The path of a user.
#[derive(Deserialize)]
struct UserPath {
    username: Username,
}

impl Rejects for UserPath {
    fn problems() -> Vec<ProblemKind> {
        Vec::new() // Operations apply to unused usernames too, unless a route adds `not_found`.
    }
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct UserQuery {
    /// Only blocked users, including usernames that never connected.
    #[serde(default)]
    banned: bool,
    /// The `next` cursor of the previous page.
    cursor: Option<Cursor>,
    /// Maximum number of items.
    #[schemars(range(min = 1, max = 1_000))]
    limit: Option<usize>,
}

/// A user.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "User")]
struct UserResource {
    /// Username.
    username: Username,
    /// Whether the username belongs to a registered user; otherwise to a guest or to no user yet.
    registered: bool,
    /// Display name.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// Properties from the app.
    #[serde(skip_serializing_if = "Option::is_none")]
    properties: Option<Data>,
    /// Approximate time of the last connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    seen_ms: Option<Timestamp>,
    /// Credentials issued before this time are rejected.
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked_ms: Option<Timestamp>,
    /// Time of the deletion.
    #[serde(skip_serializing_if = "Option::is_none")]
    deleted_ms: Option<Timestamp>,
    /// The block in force; of several the one that ends last.
    #[serde(skip_serializing_if = "Option::is_none")]
    block: Option<BlockResource>,
}

/// A block from the whole app.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "UserBlock")]
struct BlockResource {
    /// Kind of the block.
    kind: BlockResourceKind,
    /// Who set it.
    set_by: BlockSource,
    /// Reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// Start.
    since_ms: Timestamp,
    /// End; absent if permanent.
    #[serde(skip_serializing_if = "Option::is_none")]
    until_ms: Option<Timestamp>,
}

/// The command that set a block.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "BlockKind")]
enum BlockResourceKind {
    /// Removal from the app by a moderation command.
    Kick,
    /// Ban through this API.
    Ban,
}

/// A user and their live sessions.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "UserWithSessions")]
struct UserWithSessions {
    /// The user.
    user: UserResource,
    /// Live sessions of the user.
    sessions: Vec<SessionResource>,
}

impl From<KnownUser> for UserResource {
    fn from(user: KnownUser) -> Self {
        let block = user.block.map(|Block { kind, set_by, reason, since, until }| BlockResource {
            set_by: set_by.slot(),
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

/// The result of a change to a user.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "DoneToUser")]
struct UserActionResult {
    /// Username.
    username: Username,
    /// Live sessions that were ended.
    sessions_ended: usize,
    /// End of the ban; absent if it is permanent or the call set none.
    #[serde(skip_serializing_if = "Option::is_none")]
    until_ms: Option<Timestamp>,
    /// What blocks the user from the app now. A ban and a moderator's block hold beside each other.
    #[serde(skip_serializing_if = "Option::is_none")]
    block: Option<ActiveBlock>,
    /// Tokens that the app issues from this time on are accepted. Present after a revocation.
    #[serde(skip_serializing_if = "Option::is_none")]
    accepted_from_ms: Option<Timestamp>,
}

async fn list(
    caller: ApiCaller,
    QueryParams(UserQuery { banned, cursor, limit }): QueryParams<UserQuery>,
) -> Result<Json<Page<UserResource>>, Problem> {
    let (hub, now) = (caller.hub(), caller.hub().clock().wall());
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
    let known = hub.store().user(user, hub.clock().wall()).await?;
    let (known, now) = (found(known, "user not found")?, hub.clock().now());
    let sessions = live.iter().map(|session| SessionResource::live(session, now)).collect();
    Ok(Json(UserWithSessions { user: known.into(), sessions }))
}

/// Applies a change to a user. `act` returns the number of sessions that it ended, and what blocks the user; the change
/// is in force until `until_ms`.
async fn act_on_user<A>(
    caller: ApiCaller,
    username: Username,
    key: IdempotencyKey,
    call: AuditedCall,
    until_ms: Option<Timestamp>,
    act: impl FnOnce(ApiCaller, UserKey, AuditEvent) -> A + Send + 'static,
) -> Result<Response, Problem>
where
    A: Future<Output = Result<(usize, Option<ActiveBlock>), Problem>> + Send + 'static,
{
    let work = |caller: ApiCaller| async move {
        let (user, row) = (caller.user(username.clone()), caller.audit_row(call));
        let (sessions_ended, block) = act(caller, user, row).await?;
        Ok(UserActionResult { username, sessions_ended, until_ms, block, accepted_from_ms: None })
    };
    key.perform(caller, StatusCode::OK, work).await
}

async fn ban(
    caller: ApiCaller,
    PathParams(UserPath { username }): PathParams<UserPath>,
    JsonBody { body: BanBody { for_ms, reason, ref_ }, key }: JsonBody<BanBody>,
) -> Result<Response, Problem> {
    if for_ms == Some(0) {
        let detail = "expected at least 1 ms; omit it for a permanent ban";
        return Err(Problem::invalid("for_ms", detail));
    }
    if for_ms.is_some_and(|ms| ms > MAX_DURATION_MS) {
        let detail = format!("expected at most {MAX_DURATION_MS} ms; omit it for a permanent ban");
        return Err(Problem::invalid("for_ms", detail));
    }
    let since = caller.hub().clock().wall();
    let until = for_ms.map(|ms| since + Duration::from_millis(ms));
    let reason = reason.map(|reason| reason.as_str().to_owned());
    let (kind, set_by) = (BlockKind::Ban, BlockSetter::Ban);
    let block = Block { kind, set_by, reason: reason.clone(), since, until };
    let call = AuditedCall { reason, ..AuditedCall::on_user(&username, "ban", ref_) };
    let act = move |caller: ApiCaller, user, row| async move {
        let by_address = caller.app.rules().ban_guest_addresses;
        let request = Some(&caller.identity.request);
        let accounts = &caller.hub().accounts;
        let (ended, holding) =
            accounts.block_user(user, block, by_address, Some(row), request).await?;
        Ok((ended, Some(holding.active())))
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
        let Unblocked { was_blocked, holding } =
            caller.hub().accounts.unban_user(user, Some(row)).await?;
        let is_blocked = was_blocked || holding.is_some();
        let block = holding.map(|holding| holding.active());
        found(is_blocked.then_some((0, block)), "user is not banned")
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
        let absent = "user not found or already deleted";
        Ok((found(ended, absent)?, None))
    };
    act_on_user(caller, username, key, call, None, act).await
}

async fn revoke(
    caller: ApiCaller,
    PathParams(UserPath { username }): PathParams<UserPath>,
    JsonBody { body: EmptyBody { ref_ }, key }: JsonBody<EmptyBody>,
) -> Result<Response, Problem> {
    let call = AuditedCall::on_user(&username, "revoke_tokens", ref_);
    let work = |caller: ApiCaller| async move {
        let (user, row) = (caller.user(username.clone()), caller.audit_row(call));
        let request = &caller.identity.request;
        let (sessions_ended, accepted_from) =
            caller.hub().accounts.revoke_user(user, Some(row), request).await?;
        let accepted_from_ms = Some(accepted_from);
        Ok(UserActionResult {
            username,
            sessions_ended,
            until_ms: None,
            block: None,
            accepted_from_ms,
        })
    };
    key.perform(caller, StatusCode::OK, work).await
}
