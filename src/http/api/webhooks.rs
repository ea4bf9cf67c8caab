//! Webhooks: the health of endpoints, dead letters and their replay.

use axum::Json;
use axum::response::Response;
use hyper::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use stagedoor_proto::{Ref, Target, Timestamp};

use super::caller::{ApiCaller, AuditedCall};
use super::extract::{JsonBody, PathParams, QueryParams};
use super::paging::{self, Page, PageQuery};
use super::rejects::Rejects;
use super::routes::{Method, Routes};
use super::tags;
use crate::api_body::{EmptyBody, ReplayAll};
use crate::http::problem::{Problem, ProblemKind};
use crate::store::{Message, OutboxCount, Page as StorePage};
use crate::time::Now;
use crate::webhook::Endpoint;

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .about(tags::WEBHOOKS)
        .on(Method::Get, "/apps/{app}/webhooks", list, |operation| {
            operation.named("list_webhooks", "List webhook endpoints").describe("Each endpoint has its health and message counts. Former endpoints are listed while they have undelivered messages.").returns::<Endpoints>(
                200,
                &json!({ "dropped": 0, "endpoints": [{
                    "id": "crm", "host": "shop.example.com", "events": ["user.banned"], "state": "ok",
                    "pending": 0, "dead": 0, "delivered": 1, "failed": 0, "dead_lettered": 0,
                    "last_delivered_ms": 1_900_000_000_000_u64,
                }] }),
            )
        })
        .on(Method::Get, "/apps/{app}/webhooks/dead-letters", dead, |operation| {
            operation.named("list_dead_letters", "List dead letters").describe("Messages that could not be delivered, oldest first.")
                .query::<PageQuery>()
                .returns::<Page<DeadLetter>>(200, &json!({ "items": [{
                    "number": 7, "endpoint": "crm", "type": "user.banned", "at_ms": 1_900_000_000_000_u64,
                    "attempts": 30, "error": "answered with status 500",
                    "body": { "type": "user.banned" },
                }] }))
        })
        .on(Method::Post, "/apps/{app}/webhooks/dead-letters/{number}/replay", replay, |operation| {
            operation.named("replay_dead_letter", "Replay a dead letter").describe("Queues the message for delivery again.")
                .body::<EmptyBody>(&json!({}))
                .returns::<Replayed>(200, &json!({ "replayed": 1 }))
        })
        .on(Method::Post, "/apps/{app}/webhooks/dead-letters/replay", replay_all, |operation| {
            operation.named("replay_dead_letters", "Replay all dead letters of an endpoint").describe("Queues the messages for delivery again, also those of a disabled endpoint.")
            .body::<ReplayAll>(&json!({ "endpoint": "crm" }))
            .rejects(&[ProblemKind::NOT_FOUND])
            .returns::<Replayed>(200, &json!({ "replayed": 3 }))
        })
}

/// The app's endpoints, and former ones with undelivered messages.
#[derive(Serialize, JsonSchema)]
struct Endpoints {
    /// Configured endpoints, then former ones.
    endpoints: Vec<EndpointResource>,
    /// Messages dropped since the process started.
    dropped: u64,
}

/// A webhook endpoint with its health and message counts.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Endpoint")]
struct EndpointResource {
    /// Id in the configuration.
    id: String,
    /// Host of its URL; absent for a former endpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    host: Option<Box<str>>,
    /// Event types that it receives.
    events: Vec<String>,
    /// Health; `former` if it is no longer configured but still has messages.
    #[schemars(extend("enum" = ["ok", "failing", "disabled", "former"]))]
    state: &'static str,
    /// End of a pause that it asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    paused_until_ms: Option<Timestamp>,
    /// Messages that wait for delivery.
    pending: u64,
    /// Dead letters.
    dead: u64,
    /// Time of the oldest message that waits for delivery.
    #[serde(skip_serializing_if = "Option::is_none")]
    oldest_pending_ms: Option<Timestamp>,
    /// Deliveries since the process started.
    delivered: u64,
    /// Failed attempts since the process started.
    failed: u64,
    /// Messages that became dead letters since the process started.
    dead_lettered: u64,
    /// Time of the last delivery.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_delivered_ms: Option<Timestamp>,
    /// Time of the last failed attempt.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_failed_ms: Option<Timestamp>,
    /// The error of that attempt.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_error: Option<Box<str>>,
}

impl EndpointResource {
    fn of(endpoint: &Endpoint, counts: &[OutboxCount], now: Now) -> Self {
        let health = endpoint.health(now);
        let count = counts.iter().find(|count| count.endpoint == health.endpoint);
        Self {
            events: endpoint.events().types().iter().map(ToString::to_string).collect(),
            state: health.state.as_str(),
            id: health.endpoint.to_string(),
            host: Some(health.host),
            paused_until_ms: health.paused_until,
            pending: count.map_or(0, |count| count.pending),
            dead: count.map_or(0, |count| count.dead),
            oldest_pending_ms: count.and_then(|count| count.oldest_pending),
            delivered: health.delivered,
            failed: health.failed,
            dead_lettered: health.dead_lettered,
            last_delivered_ms: health.last_delivered,
            last_failed_ms: health.last_failed,
            last_error: health.last_error,
        }
    }
    /// A former endpoint, known only from its messages.
    fn former(count: &OutboxCount) -> Self {
        Self {
            id: count.endpoint.to_string(),
            host: None,
            events: Vec::new(),
            state: "former",
            paused_until_ms: None,
            pending: count.pending,
            dead: count.dead,
            oldest_pending_ms: count.oldest_pending,
            delivered: 0,
            failed: 0,
            dead_lettered: 0,
            last_delivered_ms: None,
            last_failed_ms: None,
            last_error: None,
        }
    }
}

/// A message that could not be delivered.
#[derive(Serialize, JsonSchema)]
struct DeadLetter {
    /// Number, by which it is replayed.
    number: u64,
    /// Id of its endpoint.
    endpoint: String,
    /// Type of the event.
    r#type: Box<str>,
    /// Time of the event.
    at_ms: Timestamp,
    /// Delivery attempts.
    attempts: u32,
    /// The error of the last attempt.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Box<str>>,
    /// The body of the message.
    body: Value,
}

impl DeadLetter {
    fn of(message: Message) -> Self {
        let Message { number, new, attempts, error, .. } = message;
        let body = serde_json::from_str(&new.body).expect("a message is JSON");
        Self {
            number,
            endpoint: new.endpoint.to_string(),
            r#type: new.kind,
            at_ms: new.at,
            attempts,
            error,
            body,
        }
    }
}

/// The number of messages queued for delivery again.
#[derive(Serialize, JsonSchema)]
struct Replayed {
    /// Number of messages.
    replayed: u64,
}

/// The path of a dead letter.
#[derive(Deserialize)]
struct DeadLetterPath {
    number: u64,
}

impl Rejects for DeadLetterPath {
    fn problems() -> Vec<ProblemKind> {
        vec![ProblemKind::NOT_FOUND]
    }
}

async fn list(caller: ApiCaller) -> Result<Json<Endpoints>, Problem> {
    let webhooks = caller.app.all_webhooks();
    let counts = webhooks.counts().await?;
    let configured = webhooks.endpoints();
    let is_former =
        |count: &&OutboxCount| configured.iter().all(|endpoint| **endpoint.id() != *count.endpoint);
    let former = counts.iter().filter(is_former).map(EndpointResource::former);
    let now = caller.hub().clock().now();
    let endpoints = configured.iter().map(|endpoint| EndpointResource::of(endpoint, &counts, now));
    let endpoints = endpoints.chain(former).collect();
    Ok(Json(Endpoints { endpoints, dropped: webhooks.dropped() }))
}

async fn dead(
    caller: ApiCaller,
    QueryParams(PageQuery { cursor, limit }): QueryParams<PageQuery>,
) -> Result<Json<Page<DeadLetter>>, Problem> {
    let webhooks = caller.app.all_webhooks();
    let read = |page: StorePage<u64>| webhooks.dead_letters(page.after.unwrap_or(0), page.limit);
    let page = paging::list(cursor, limit, read, |last| last.number).await?;
    Ok(Json(page.map(DeadLetter::of)))
}

async fn replay(
    caller: ApiCaller,
    PathParams(DeadLetterPath { number }): PathParams<DeadLetterPath>,
    JsonBody { body: EmptyBody { ref_ }, key }: JsonBody<EmptyBody>,
) -> Result<Response, Problem> {
    let work = move |caller: ApiCaller| async move {
        let row = caller.audit_row(replay_of(format!("dead letter {number}"), ref_));
        let replayed = caller.app.all_webhooks().replay(number, row).await?;
        replayed.map_err(|refused| Problem::not_found(refused.to_string()))?;
        Ok(Replayed { replayed: 1 })
    };
    key.perform(caller, StatusCode::OK, work).await
}

async fn replay_all(
    caller: ApiCaller,
    JsonBody { body: ReplayAll { endpoint, ref_ }, key }: JsonBody<ReplayAll>,
) -> Result<Response, Problem> {
    let work = |caller: ApiCaller| async move {
        let row = caller.audit_row(replay_of(format!("dead letters of {endpoint}"), ref_));
        let replayed = caller.app.all_webhooks().replay_all(&endpoint, row).await;
        let replayed = replayed.map_err(|error| {
            tracing::error!(%error, "store error in webhook replay");
            let detail = "partially queued; retry";
            Problem::new(ProblemKind::STORE_UNAVAILABLE, detail)
        })?;
        let replayed = replayed.map_err(|refused| Problem::not_found(refused.to_string()))?;
        Ok(Replayed { replayed })
    };
    key.perform(caller, StatusCode::OK, work).await
}

/// A replay's content in the audit log. It has no user or room, so the reason names the replayed messages.
fn replay_of(what: String, ref_: Option<Ref>) -> AuditedCall {
    AuditedCall {
        command: "replay",
        target: Target::default(),
        room: None,
        reason: Some(what),
        ref_,
    }
}
