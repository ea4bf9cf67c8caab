//! The audit log: search, export as JSON lines, verify.

use std::sync::Arc;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::response::Response;
use futures::stream;
use hyper::HeaderMap;
use hyper::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use stagedoor_proto::{RoomId, Username};

use super::caller::ApiCaller;
use super::extract::QueryParams;
use super::paging::{self, Cursor, Page};
use super::routes::{Method, Routes};
use super::tags;
use crate::http::header_list;
use crate::http::problem::Problem;
use crate::store::{AuditRow, AuditSearch, ChainHead, Store, StoreError};

/// Rows per read.
const READ_AT_ONCE: usize = 1_000;
/// Rows read for one page of a search. A page that stops there has a `next` cursor.
const MAX_LOOKED_AT: usize = 20_000;

/// The media types of an export. The second is for callers that ask for it: many HTTP clients only know text.
pub(super) const LINES: &str = "application/x-ndjson";
pub(super) const TEXT: &str = "text/plain";

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .about(tags::AUDIT)
        .on(Method::Get, "/apps/{app}/audit", list, |operation| {
            operation
                .named("list_audit", "Search the audit log")
                .describe("A page may be short and still have a `next` cursor.")
                .query::<AuditQuery>()
                .returns::<Page<AuditRow>>(200, &json!({ "items": [example()] }))
        })
        .on(Method::Get, "/apps/{app}/audit/export", export, |operation| {
            operation
                .named("export_audit", "Export the audit log")
                .describe("The rows as JSON lines, followed by the chain head.")
                .query::<AuditCursor>()
                .returns_lines(&[LINES, TEXT])
        })
        .on(Method::Get, "/apps/{app}/audit/verify", verify, |operation| {
            operation
                .named("verify_audit", "Verify the audit log")
                .describe("Checks that no row was changed, removed, moved or truncated.")
                .query::<VerifyQuery>()
                .returns::<AuditCheck>(
                    200,
                    &json!({ "ok": true, "head": { "number": 1, "hash": "00".repeat(32) } }),
                )
        })
}

fn example() -> Value {
    json!({
        "number": 1, "at_ms": 1_900_000_000_000_u64, "actor": { "server": "key:9f86d081" }, "command": "ban",
        "target": { "username": "ada" }, "reason": "spam", "outcome": "done", "hash": "00".repeat(32),
    })
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct AuditQuery {
    /// Of one command.
    command: Option<String>,
    /// Only rows of this room.
    room: Option<RoomId>,
    /// Only rows that target this user or were caused by them.
    username: Option<Username>,
    /// Order of the rows, the same for all pages; default `oldest_first`.
    #[serde(default)]
    order: Order,
    /// Start after this row number.
    #[serde(default)]
    after: u64,
    /// The `next` cursor of the previous page.
    cursor: Option<Cursor>,
    /// Maximum number of rows.
    #[schemars(range(min = 1, max = 1_000))]
    limit: Option<usize>,
}

/// Order of rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "AuditOrder")]
enum Order {
    /// Ascending row numbers.
    #[default]
    OldestFirst,
    /// Descending row numbers.
    NewestFirst,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct AuditCursor {
    /// Start after this row number.
    #[serde(default)]
    after: u64,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct VerifyQuery {
    /// A head from an earlier check, as `number:hash`; the log must still contain that row.
    head: Option<String>,
}

/// The result of a check.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "AuditCheck")]
struct AuditCheck {
    /// Whether the log is intact.
    ok: bool,
    /// The chain head. Store it outside of the gateway for a later check.
    #[serde(skip_serializing_if = "Option::is_none")]
    head: Option<ChainHead>,
    /// The first error found.
    #[serde(skip_serializing_if = "Option::is_none")]
    found: Option<String>,
}

async fn list(
    caller: ApiCaller,
    QueryParams(query): QueryParams<AuditQuery>,
) -> Result<Json<Page<AuditRow>>, Problem> {
    let AuditQuery { command, room, username, order, after, cursor, limit } = query;
    let limit = paging::limit(limit)?;
    let which = AuditSearch { command, room, username };
    let cursor = paging::after::<u64>(cursor.as_ref())?;
    let mut last = match order {
        Order::OldestFirst => cursor.unwrap_or(0).max(after),
        Order::NewestFirst => cursor.unwrap_or(u64::MAX),
    };
    let (mut found, mut looked_at) = (Vec::new(), 0);
    while looked_at < MAX_LOOKED_AT {
        let (store, app) = (caller.hub().store(), caller.app_id());
        let rows = match order {
            Order::OldestFirst => store.audit_rows(app, last, READ_AT_ONCE).await?,
            Order::NewestFirst => store.audit_rows_before(app, last, READ_AT_ONCE).await?,
        };
        let is_end =
            rows.len() < READ_AT_ONCE || rows.last().is_some_and(|row| row.number <= after);
        looked_at += rows.len();
        for row in rows.into_iter().filter(|row| row.number > after) {
            let is_wanted = which.wants(&row);
            if is_wanted && found.len() == limit {
                return Ok(Json(Page::until(found, Some(Cursor::at(&last)))));
            }
            last = row.number;
            if is_wanted {
                found.push(row);
            }
        }
        if is_end {
            return Ok(Json(Page::until(found, None)));
        }
    }
    Ok(Json(Page::until(found, Some(Cursor::at(&last)))))
}

async fn export(
    caller: ApiCaller,
    headers: HeaderMap,
    QueryParams(AuditCursor { after }): QueryParams<AuditCursor>,
) -> Result<Response, Problem> {
    let (store, app) = (Arc::clone(caller.hub().store()), caller.app_id());
    // Rows written during the export belong to a later one.
    let head = store.audit_head(Arc::clone(&app)).await?;
    let lines = stream::try_unfold(Some(after), move |after| {
        let (store, app) = (Arc::clone(&store), Arc::clone(&app));
        async move {
            let Some(after) = after else { return Ok::<_, StoreError>(None) };
            next_lines(&*store, app, after, &head).await.map(Some)
        }
    });
    let mut response = Response::new(Body::from_stream(lines));
    let kind = if accepts(&headers, TEXT) && !accepts(&headers, LINES) {
        "text/plain; charset=utf-8"
    } else {
        LINES
    };
    let kind = HeaderValue::from_static(kind);
    response.headers_mut().insert(CONTENT_TYPE, kind);
    Ok(response)
}

/// Whether the caller names this media type in `Accept`.
fn accepts(headers: &HeaderMap, media_type: &str) -> bool {
    header_list::elements(headers, &ACCEPT).any(|element| {
        let name = element.split(|byte| *byte == b';').next().unwrap_or_default();
        name.trim_ascii().eq_ignore_ascii_case(media_type.as_bytes())
    })
}

/// The next rows as lines, and the position after them; the last chunk ends with the head.
async fn next_lines(
    store: &dyn Store,
    app: Arc<str>,
    after: u64,
    head: &ChainHead,
) -> Result<(Bytes, Option<u64>), StoreError> {
    let rows = store.audit_rows(app, after, READ_AT_ONCE).await?;
    let mut lines = Vec::new();
    let mut last = after;
    for row in rows.into_iter().filter(|row| row.number <= head.number) {
        last = row.number;
        serde_json::to_writer(&mut lines, &row).expect("a row has a JSON form");
        lines.push(b'\n');
    }
    if last > after && last < head.number {
        return Ok((lines.into(), Some(last)));
    }
    lines.extend_from_slice(json!({ "head": head }).to_string().as_bytes());
    lines.push(b'\n');
    Ok((lines.into(), None))
}

async fn verify(
    caller: ApiCaller,
    QueryParams(VerifyQuery { head }): QueryParams<VerifyQuery>,
) -> Result<Json<AuditCheck>, Problem> {
    let reported = head.map(|head| head.parse()).transpose();
    let reported = reported
        .map_err(|error: crate::store::InvalidHead| Problem::invalid("head", error.to_string()))?;
    let checked = caller.hub().store().verify_audit(caller.app_id(), reported).await?;
    Ok(Json(match checked {
        Ok(verified) => AuditCheck { ok: true, head: Some(verified.head), found: None },
        Err(tampered) => AuditCheck { ok: false, head: None, found: Some(tampered.to_string()) },
    }))
}
