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

use super::caller::{Backend, Deed};
use super::extract::{Asked, At, Call};
use super::moderation::{Nothing, has_ref};
use super::paging::{self, Cursor, Page};
use super::refuses::Refuses;
use super::routes::{Method, Routes};
use super::sessions::Shown as ShownSession;
use crate::http::problem::{Kind, Problem};
use crate::http::state::Ports;
use crate::store::{Block, BlockKind, KnownUser, Page as StorePage};

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .about("users")
        .on(Method::Get, "/apps/{app}/users", list, |told| {
            told.named("list_users", "List users by name")
                .asks::<Query>()
                .gives::<Page<Shown>>(200, &json!({ "items": [example()] }))
        })
        .on(Method::Get, "/apps/{app}/users/{username}", show, |told| {
            told.named("show_user", "Show a user with what keeps them out, and their live sessions")
                .refuses(&[Kind::NOT_FOUND])
                .gives::<WithSessions>(200, &json!({ "user": example(), "sessions": [] }))
        })
        .on(Method::Delete, "/apps/{app}/users/{username}", delete, |told| {
            told.named("delete_user", "Delete a user for good; the name stays refused")
                .takes::<Nothing>(&json!({}))
                .refuses(&[Kind::NOT_FOUND])
                .gives::<Done>(200, &done())
        })
        .on(Method::Post, "/apps/{app}/users/{username}/ban", ban, |told| {
            told.named("ban_user", "Ban a user: every session ends with 4011, and none starts until the end of the ban")
                .takes::<Ban>(&json!({ "for_ms": 3_600_000, "reason": "spam" }))
                .gives::<Done>(200, &json!({
                    "username": "ada", "sessions_ended": 1, "until_ms": 1_900_003_600_000_u64,
                }))
        })
        .on(Method::Delete, "/apps/{app}/users/{username}/ban", unban, |told| {
            told.named("unban_user", "Lift a user's ban, or their removal from the app")
                .takes::<Nothing>(&json!({}))
                .refuses(&[Kind::NOT_FOUND])
                .gives::<Done>(200, &done())
        })
        .on(Method::Post, "/apps/{app}/users/{username}/revoke", revoke, |told| {
            told.named("revoke_tokens", "Void all tokens issued to a user until now, and end their sessions with 4101")
                .takes::<Nothing>(&json!({}))
                .gives::<Done>(200, &done())
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
struct OfUser {
    username: Username,
}

impl Refuses for OfUser {
    fn kinds() -> Vec<Kind> {
        Vec::new() // What is done to users is done to names nobody ever had, too, unless a route says otherwise.
    }
}

/// Which page of the users is wanted.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Query {
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
struct Shown {
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
    block: Option<ShownBlock>,
}

/// A block from the whole app.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Block")]
struct ShownBlock {
    /// By whom.
    kind: ShownKind,
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
enum ShownKind {
    /// A moderator's removal from the app.
    Kick,
    /// A ban by this API.
    Ban,
}

/// A user with their live sessions.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "UserWithSessions")]
struct WithSessions {
    /// The user.
    user: Shown,
    /// Their live sessions.
    sessions: Vec<ShownSession>,
}

impl From<KnownUser> for Shown {
    fn from(user: KnownUser) -> Self {
        let block = user.block.map(|Block { kind, reason, since, until }| ShownBlock {
            kind: match kind {
                BlockKind::Kick => ShownKind::Kick,
                BlockKind::Ban => ShownKind::Ban,
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
struct Ban {
    /// For how long; for good when it is absent.
    #[schemars(range(min = 1))]
    for_ms: Option<u64>,
    /// Why; the user is told.
    reason: Option<Reason>,
    /// The caller's idempotency key.
    #[serde(rename = "ref")]
    ref_: Option<Ref>,
}
has_ref!(Ban);

/// What a verb did.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "DoneToUser")]
struct Done {
    /// To whom.
    username: Username,
    /// Live sessions that it ended.
    sessions_ended: usize,
    /// Until when it holds; absent: for good, or nothing to hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    until_ms: Option<Timestamp>,
}

async fn list(
    backend: Backend,
    State(ports): State<Arc<Ports>>,
    Asked(query): Asked<Query>,
) -> Result<Json<Page<Shown>>, Problem> {
    let limit = paging::limit(query.limit)?;
    let page = StorePage { after: paging::after(query.cursor.as_ref())?, limit: limit + 1 };
    let (app, now) = (Arc::clone(backend.app.id()), ports.hub().clock().now());
    let users = ports.hub().store().users(app, query.banned, page, now).await?;
    let page = Page::cut(users, limit, |user| user.username.clone());
    Ok(Json(page.map(Shown::from)))
}

async fn show(
    backend: Backend,
    State(ports): State<Arc<Ports>>,
    At(OfUser { username }): At<OfUser>,
) -> Result<Json<WithSessions>, Problem> {
    let user = backend.user(username);
    let live = ports.hub().sessions_of(&user);
    let known = ports.hub().store().user(user, ports.hub().clock().now()).await?;
    let known = known.ok_or_else(|| Problem::not_found("nothing is known of such a user"))?;
    let sessions = live.iter().map(|session| ShownSession::live(session)).collect();
    Ok(Json(WithSessions { user: known.into(), sessions }))
}

async fn ban(
    backend: Backend,
    State(ports): State<Arc<Ports>>,
    At(OfUser { username }): At<OfUser>,
    Call { body: Ban { for_ms, reason, ref_ }, mark }: Call<Ban>,
) -> Result<Response, Problem> {
    if for_ms == Some(0) {
        let detail = "a ban lasts at least 1 ms; leave it out for one without an end";
        return Err(Problem::invalid("for_ms", detail));
    }
    let (by, at) = (backend.clone(), Arc::clone(&ports));
    let work = async move {
        let since = at.hub().clock().now();
        let until = for_ms.map(|ms| since + Duration::from_millis(ms));
        let reason = reason.map(|reason| reason.as_str().to_owned());
        let block = Block { kind: BlockKind::Ban, reason: reason.clone(), since, until };
        let by_address = backend.app.rules().ban_guest_addresses;
        let user = backend.user(username.clone());
        let row = backend.row(&at, Deed { reason, ..Deed::to(&username, "ban", ref_) });
        let sessions_ended = at
            .hub()
            .block_user(user, block, by_address, Some(row), Some(&backend.caller.request))
            .await?;
        Ok(Done { username, sessions_ended, until_ms: until })
    };
    mark.perform(&ports, &by, StatusCode::OK, work).await
}

async fn unban(
    backend: Backend,
    State(ports): State<Arc<Ports>>,
    At(OfUser { username }): At<OfUser>,
    Call { body: Nothing { ref_ }, mark }: Call<Nothing>,
) -> Result<Response, Problem> {
    let (by, at) = (backend.clone(), Arc::clone(&ports));
    let work = async move {
        let row = backend.row(&at, Deed::to(&username, "unban", ref_));
        if !at.hub().unblock_user(backend.user(username.clone()), Some(row)).await? {
            return Err(Problem::not_found("this user is not banned"));
        }
        Ok(Done { username, sessions_ended: 0, until_ms: None })
    };
    mark.perform(&ports, &by, StatusCode::OK, work).await
}

async fn delete(
    backend: Backend,
    State(ports): State<Arc<Ports>>,
    At(OfUser { username }): At<OfUser>,
    Call { body: Nothing { ref_ }, mark }: Call<Nothing>,
) -> Result<Response, Problem> {
    let (by, at) = (backend.clone(), Arc::clone(&ports));
    let work = async move {
        let row = backend.row(&at, Deed::to(&username, "delete_user", ref_));
        let user = backend.user(username.clone());
        let Some(sessions_ended) =
            at.hub().delete_user(user, Some(row), &backend.caller.request).await?
        else {
            let detail =
                "nothing is known of such a user, or they were deleted before; nothing was changed";
            return Err(Problem::not_found(detail));
        };
        Ok(Done { username, sessions_ended, until_ms: None })
    };
    mark.perform(&ports, &by, StatusCode::OK, work).await
}

async fn revoke(
    backend: Backend,
    State(ports): State<Arc<Ports>>,
    At(OfUser { username }): At<OfUser>,
    Call { body: Nothing { ref_ }, mark }: Call<Nothing>,
) -> Result<Response, Problem> {
    let (by, at) = (backend.clone(), Arc::clone(&ports));
    let work = async move {
        let row = backend.row(&at, Deed::to(&username, "revoke_tokens", ref_));
        let user = backend.user(username.clone());
        let sessions_ended = at.hub().revoke_user(user, Some(row), &backend.caller.request).await?;
        Ok(Done { username, sessions_ended, until_ms: None })
    };
    mark.perform(&ports, &by, StatusCode::OK, work).await
}
