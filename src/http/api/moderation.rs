//! Moderation commands and their receipts.

use std::time::Duration;

use axum::response::Response;
use hyper::StatusCode;
use schemars::{JsonSchema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use stagedoor_proto::{ActiveBlock, ModerationCommand, OutcomeCounts, Ref, RoomId, Timestamp};

use super::body::Body;
use super::caller::ApiCaller;
use super::description::Description;
use super::errors::{ENGINE_UNAVAILABLE, NO_PARTICIPANT, NO_ROOM, NO_STREAM};
use super::extract::{JsonBody, PathParams, QueryParams};
use super::idempotency::IdempotencyKey;
use super::rejects::Rejects;
use super::routes::{Describe, Method, Routes};
use crate::http::problem::{Problem, ProblemKind};
use crate::hub::ModerationResult;
use crate::room::Moderation;

/// Default and maximum time to wait for answers.
const DEFAULT_WAIT_MS: u64 = 1_000;
const MAX_WAIT_MS: u64 = 10_000;

/// The path of a room.
#[derive(Deserialize)]
pub(super) struct RoomPath {
    pub(super) room: RoomId,
}

impl Rejects for RoomPath {
    fn problems() -> Vec<ProblemKind> {
        vec![NO_ROOM]
    }
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WaitParams {
    /// How long to wait for answers; open ones are then reported as `pending`. Default 1000; 0 for `request_unmute`.
    #[schemars(range(max = MAX_WAIT_MS))]
    wait_ms: Option<u64>,
}

impl WaitParams {
    fn duration(&self, command: &Moderation) -> Result<Duration, Problem> {
        // People answer a request.
        let is_request = matches!(command, Moderation::RequestUnmute(_));
        let ms = self.wait_ms.unwrap_or(if is_request { 0 } else { DEFAULT_WAIT_MS });
        if ms > MAX_WAIT_MS {
            let detail = format!("found {ms}; expected at most {MAX_WAIT_MS}");
            return Err(Problem::invalid("wait_ms", detail));
        }
        Ok(Duration::from_millis(ms))
    }
}

/// The result of a moderation command, which is durable.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ModerationReceipt")]
pub(super) struct Receipt {
    /// The room.
    room: RoomId,
    /// The command.
    command: ModerationCommand,
    /// The version of the room's log after the command.
    version: u64,
    /// Number of targets.
    target_count: u32,
    /// Idempotency key.
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    ref_: Option<Ref>,
    /// Targets by outcome; absent if the room answered from its cache for this `ref`.
    #[serde(skip_serializing_if = "Option::is_none")]
    counts: Option<OutcomeCounts>,
    /// The target of a command that has one; otherwise up to 100 targets that are not `enforced`.
    targets: Vec<stagedoor_proto::Receipt>,
    /// What still blocks the user, after `unblock`.
    #[serde(skip_serializing_if = "Option::is_none")]
    block: Option<ActiveBlock>,
    /// Time from the command to these outcomes.
    elapsed_ms: u64,
    /// Room tokens that the app issues from this time on are accepted. Present after `end_room`.
    #[serde(skip_serializing_if = "Option::is_none")]
    accepted_from_ms: Option<Timestamp>,
}

impl Routes {
    /// Adds a moderation command in the room of the path; `command` makes it from the body.
    pub(super) fn moderation<B: Body + Send + 'static>(
        self,
        path: &'static str,
        command: fn(B) -> Moderation,
        describe: Describe,
    ) -> Self {
        let handler = move |caller: ApiCaller,
                            PathParams(RoomPath { room }): PathParams<RoomPath>,
                            QueryParams(wait): QueryParams<WaitParams>,
                            JsonBody { body, key }: JsonBody<B>| {
            moderate(caller, room, wait, key, command(body))
        };
        self.on(Method::Post, path, handler, describe)
    }
}

/// Executes a command in a room and returns its receipt.
async fn moderate(
    caller: ApiCaller,
    room: RoomId,
    wait: WaitParams,
    key: IdempotencyKey,
    command: Moderation,
) -> Result<Response, Problem> {
    let wait = wait.duration(&command)?;
    let work = |caller: ApiCaller| async move {
        let (name, ref_) = (command.name(), command.ref_().cloned());
        let room_key = caller.room(room.clone());
        let ModerationResult { accepted, report } = caller
            .hub()
            .server_api
            .moderate(&room_key, command, caller.identity.clone(), wait)
            .await?;
        let (version, target_count) = (accepted.version, accepted.target_count);
        let (counts, targets, elapsed_ms) = match report {
            Some(report) => (Some(report.counts), report.targets, report.elapsed_ms),
            None => (None, Vec::new(), 0),
        };
        Ok(Receipt {
            room,
            command: name,
            version,
            target_count,
            ref_,
            counts,
            targets,
            block: accepted.block,
            elapsed_ms,
            accepted_from_ms: accepted.accepted_from_ms,
        })
    };
    key.perform(caller, StatusCode::OK, work).await
}

impl Description<'_> {
    /// Describes a command under its wire name, with an example of its body.
    pub(super) fn command<B: Body>(
        self,
        command: ModerationCommand,
        summary: &str,
        description: &str,
        body: &Value,
    ) -> Self {
        let receipt = json!({
            "room": "lobby", "command": command.as_str(), "version": 42, "target_count": 1,
            "counts": { "enforced": 1, "pending": 0, "offline": 0, "declined": 0, "ignored": 0 },
            "targets": [{ "target": { "username": "ada" }, "outcome": "enforced", "elapsed_ms": 0 }],
            "elapsed_ms": 0,
        });
        // Participants and streams must be in the room; users need not be.
        let absent = [("participant", NO_PARTICIPANT), ("stream", NO_STREAM)];
        let fields = fields_of::<B::Schema>();
        let absent =
            absent.into_iter().filter(|(field, _)| fields.iter().any(|name| name == field));
        let absent: Vec<ProblemKind> = absent.map(|(_, kind)| kind).collect();
        self.named(command.as_str(), summary)
            .describe(description)
            .query::<WaitParams>()
            .body::<B>(body)
            .rejects(&[ProblemKind::RATE_LIMITED, ENGINE_UNAVAILABLE])
            .rejects(&absent)
            .returns::<Receipt>(200, &receipt)
    }
}

/// The field names of a type.
fn fields_of<T: JsonSchema>() -> Vec<String> {
    let schema = SchemaGenerator::default().into_root_schema_for::<T>().to_value();
    let fields = schema["properties"].as_object().expect("a body is an object");
    fields.keys().cloned().collect()
}
