//! What is done to users; each verb acts at once on their live sessions, and is durable when it is answered.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use serde::{Deserialize, Serialize};
use stagedoor_proto::{MAX_REASON_BYTES, Timestamp, Username};

use super::super::problem::Problem;
use super::super::router::Ports;
use super::bearer::Backend;
use super::body::JsonBody;
use crate::store::{Block, BlockKind, UserKey};

/// A ban: for how long, and why. For good when `for_ms` is absent.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ban {
    for_ms: Option<u64>,
    reason: Option<String>,
}

/// What a verb did.
#[derive(Serialize)]
pub(super) struct Done {
    username: Username,
    /// Live sessions that it ended.
    sessions_ended: usize,
    /// Until when it holds; absent: for good, or nothing to hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    until_ms: Option<Timestamp>,
}

pub(super) async fn ban(
    backend: Backend,
    State(ports): State<Arc<Ports>>,
    Path((_, username)): Path<(String, String)>,
    JsonBody(Ban { for_ms, reason }): JsonBody<Ban>,
) -> Result<Json<Done>, Problem> {
    let user = user_key(&backend, &username)?;
    if for_ms == Some(0) {
        return Err(Problem::invalid(
            "for_ms",
            "a ban lasts at least 1 ms; leave it out for one without an end",
        ));
    }
    if reason.as_ref().is_some_and(|reason| reason.len() > MAX_REASON_BYTES) {
        return Err(Problem::invalid(
            "reason",
            format!("a reason has at most {MAX_REASON_BYTES} bytes"),
        ));
    }
    let since = ports.hub().clock().now();
    let until = for_ms.map(|ms| since + Duration::from_millis(ms));
    let block = Block { kind: BlockKind::Ban, reason: reason.clone(), since, until };
    let by_address = backend.app.rules().ban_guest_addresses;
    let sessions_ended = ports.hub().block_user(user.clone(), block, by_address).await?;
    backend.record(&ports, "ban", &user.username, reason).await?;
    Ok(Json(Done { username: user.username, sessions_ended, until_ms: until }))
}

pub(super) async fn unban(
    backend: Backend,
    State(ports): State<Arc<Ports>>,
    Path((_, username)): Path<(String, String)>,
) -> Result<Json<Done>, Problem> {
    let user = user_key(&backend, &username)?;
    if !ports.hub().unblock_user(user.clone()).await? {
        return Err(Problem::not_found("this user is not banned"));
    }
    backend.record(&ports, "unban", &user.username, None).await?;
    Ok(Json(Done { username: user.username, sessions_ended: 0, until_ms: None }))
}

pub(super) async fn delete(
    backend: Backend,
    State(ports): State<Arc<Ports>>,
    Path((_, username)): Path<(String, String)>,
) -> Result<Json<Done>, Problem> {
    let user = user_key(&backend, &username)?;
    let (was_known, sessions_ended) = ports.hub().delete_user(user.clone()).await?;
    backend.record(&ports, "delete_user", &user.username, None).await?;
    if !was_known {
        return Err(Problem::not_found(
            "there was no such user; the name is refused from now on all the same",
        ));
    }
    Ok(Json(Done { username: user.username, sessions_ended, until_ms: None }))
}

pub(super) async fn revoke(
    backend: Backend,
    State(ports): State<Arc<Ports>>,
    Path((_, username)): Path<(String, String)>,
) -> Result<Json<Done>, Problem> {
    let user = user_key(&backend, &username)?;
    let sessions_ended = ports.hub().revoke_user(user.clone()).await?;
    backend.record(&ports, "revoke_tokens", &user.username, None).await?;
    Ok(Json(Done { username: user.username, sessions_ended, until_ms: None }))
}

fn user_key(backend: &Backend, username: &str) -> Result<UserKey, Problem> {
    let username = username.parse().map_err(|error: stagedoor_proto::InvalidText| {
        Problem::invalid("username", error.to_string())
    })?;
    Ok(UserKey { app: Arc::clone(backend.app.id()), username })
}
