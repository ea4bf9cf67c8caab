//! Streams of a room: which there are, muting them and their owners, ending them, and where they stand in a layout.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use hyper::StatusCode;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use stagedoor_proto::{
    ForceMute, ForceUnpublish, LayoutClasses, MuteTarget, OnStream, ParticipantId, Reason, Ref,
    RoomId, Stream, StreamId, UpdateStream, Username, Verb,
};

use super::caller::{ApiCaller, AuditedCall, NOT_RECORDED};
use super::errors::{ENGINE_UNAVAILABLE, NO_ROOM, NO_STREAM};
use super::extract::{JsonBody, PathParams, QueryParams};
use super::moderation::{RoomPath, WaitParams, has_ref, moderate};
use super::paging::{self, Page, PageQuery};
use super::participants::who;
use super::rejects::Rejects;
use super::routes::{Method, Routes};
use crate::http::problem::{Problem, ProblemKind};
use crate::http::state::HttpState;
use crate::room::Moderation;

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .about("streams")
        .on(Method::Get, "/apps/{app}/rooms/{room}/streams", list, |operation| {
            operation.named("list_streams", "List the streams in a room")
                .query::<PageQuery>()
                .returns::<Page<Stream>>(200, &json!({ "items": [example()] }))
        })
        .on(Method::Patch, "/apps/{app}/rooms/{room}/streams/{stream}", set_layout, |operation| {
            operation.named("set_layout_classes", "Set the layout classes of a stream")
                .body::<Layout>(&json!({ "layout_classes": ["focus"] }))
                .rejects(&[ENGINE_UNAVAILABLE, NOT_RECORDED])
                .returns::<Stream>(200, &example())
        })
        .on(Method::Post, "/apps/{app}/rooms/{room}/force_mute", mute, |operation| {
            operation.verb::<Mute>(
                Verb::ForceMute,
                "Mute a stream, or all of a participant's or a user's; `lock` keeps them from undoing it",
                &json!({ "username": "ada", "lock": true }),
            )
        })
        .on(Method::Post, "/apps/{app}/rooms/{room}/lift_mute", lift, |operation| {
            operation.verb::<Lift>(
                Verb::LiftMute,
                "Lift a mute and its lock; whoever was muted decides when to speak",
                &json!({ "username": "ada" }),
            )
        })
        .on(Method::Post, "/apps/{app}/rooms/{room}/force_unpublish", unpublish, |operation| {
            operation.verb::<Unpublish>(
                Verb::ForceUnpublish,
                "End somebody's stream",
                &json!({ "stream": "AAAAAAAAAAAAAAAAAAAAAg", "reason": "spam" }),
            )
        })
        .on(Method::Post, "/apps/{app}/rooms/{room}/ask_unmute", ask_unmute, |operation| {
            operation.verb::<Ask>(
                Verb::AskUnmute,
                "Ask the owner of a stream to turn its audio on; the owner decides",
                &json!({ "stream": "AAAAAAAAAAAAAAAAAAAAAg" }),
            )
        })
}

fn example() -> Value {
    json!({
        "id": "AAAAAAAAAAAAAAAAAAAAAg", "participant": "AAAAAAAAAAAAAAAAAAAAAA", "kind": "camera",
        "has_audio": true, "has_video": true, "muted": false, "layout_classes": ["focus"],
    })
}

/// The stream of the path.
#[derive(Deserialize)]
struct StreamPath {
    room: RoomId,
    stream: StreamId,
}

impl Rejects for StreamPath {
    fn problems() -> Vec<ProblemKind> {
        vec![NO_ROOM, NO_STREAM]
    }
}

/// Where a stream is to stand.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "NewLayout")]
struct Layout {
    /// Its classes; none clears them.
    layout_classes: LayoutClasses,
    /// The caller's idempotency key.
    #[serde(rename = "ref")]
    ref_: Option<Ref>,
}

/// Mute exactly one of `stream`, `participant` and `username`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ForceMute", extend("oneOf" = [
    { "required": ["stream"] },
    { "required": ["participant"] },
    { "required": ["username"] },
]))]
struct Mute {
    /// The stream.
    stream: Option<StreamId>,
    /// Whose streams, by membership.
    participant: Option<ParticipantId>,
    /// Whose streams, by name.
    username: Option<Username>,
    /// Whether the muted may not undo it, with any stream, on any instance.
    #[serde(default)]
    lock: bool,
    /// The caller's idempotency key.
    #[serde(rename = "ref")]
    ref_: Option<Ref>,
}

/// Lift the mute of exactly one of `stream`, `participant` and `username`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "LiftMute", extend("oneOf" = [
    { "required": ["stream"] },
    { "required": ["participant"] },
    { "required": ["username"] },
]))]
struct Lift {
    /// The stream.
    stream: Option<StreamId>,
    /// Whose streams, by membership.
    participant: Option<ParticipantId>,
    /// Whose streams, by name.
    username: Option<Username>,
    /// The caller's idempotency key.
    #[serde(rename = "ref")]
    ref_: Option<Ref>,
}

/// End a stream.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ForceUnpublish")]
struct Unpublish {
    /// Which.
    stream: StreamId,
    /// Why.
    reason: Option<Reason>,
    /// The caller's idempotency key.
    #[serde(rename = "ref")]
    ref_: Option<Ref>,
}

/// Ask for a stream's audio.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "AskUnmute")]
struct Ask {
    /// Which.
    stream: StreamId,
    /// The caller's idempotency key.
    #[serde(rename = "ref")]
    ref_: Option<Ref>,
}
has_ref!(Layout, Mute, Lift, Unpublish, Ask);

async fn list(
    caller: ApiCaller,
    State(state): State<Arc<HttpState>>,
    PathParams(RoomPath { room }): PathParams<RoomPath>,
    QueryParams(query): QueryParams<PageQuery>,
) -> Result<Json<Page<Stream>>, Problem> {
    let (limit, after) = (paging::limit(query.limit)?, paging::after(query.cursor.as_ref())?);
    let streams = state.hub().streams(&caller.room(room), after, limit + 1).await?;
    Ok(Json(Page::cut(streams, limit, |stream| stream.id)))
}

async fn set_layout(
    caller: ApiCaller,
    State(state): State<Arc<HttpState>>,
    PathParams(StreamPath { room, stream }): PathParams<StreamPath>,
    JsonBody { body: Layout { layout_classes, ref_ }, mark }: JsonBody<Layout>,
) -> Result<Response, Problem> {
    let (by, at) = (caller.clone(), Arc::clone(&state));
    let work = async move {
        let layout_classes = Some(layout_classes);
        let (has_audio, has_video, name) = (None, None, None);
        let update = UpdateStream { stream, has_audio, has_video, name, layout_classes };
        let changed = at.hub().update_stream(&caller.room(room.clone()), update).await?;
        let target = stagedoor_proto::Target {
            participant: Some(changed.participant),
            stream: Some(stream),
            username: None,
        };
        let call = AuditedCall {
            verb: "set_layout_classes",
            target,
            room: Some(room),
            reason: None,
            ref_,
        };
        caller.record_done(&at, call).await?;
        Ok(changed)
    };
    mark.perform(&state, &by, StatusCode::OK, work).await
}

/// What a mute is aimed at.
fn aim(
    room: &RoomId,
    stream: Option<StreamId>,
    participant: Option<ParticipantId>,
    username: Option<Username>,
) -> Result<MuteTarget, Problem> {
    match (stream, participant, username) {
        (Some(stream), None, None) => Ok(MuteTarget::Stream(stream)),
        (None, None, None) | (Some(_), ..) => {
            let detail = "exactly one of `stream`, `participant` and `username` is needed";
            Err(Problem::invalid("body", detail))
        }
        (None, participant, username) => {
            Ok(MuteTarget::Person { room: room.clone(), who: who(participant, username)? })
        }
    }
}

async fn mute(
    caller: ApiCaller,
    State(state): State<Arc<HttpState>>,
    PathParams(RoomPath { room }): PathParams<RoomPath>,
    QueryParams(patience): QueryParams<WaitParams>,
    JsonBody { body, mark }: JsonBody<Mute>,
) -> Result<Response, Problem> {
    let Mute { stream, participant, username, lock, ref_ } = body;
    let target = aim(&room, stream, participant, username)?;
    let verb = Moderation::ForceMute(ForceMute { target, lock, ref_ });
    moderate(caller, state, room, &patience, mark, verb).await
}

async fn lift(
    caller: ApiCaller,
    State(state): State<Arc<HttpState>>,
    PathParams(RoomPath { room }): PathParams<RoomPath>,
    QueryParams(patience): QueryParams<WaitParams>,
    JsonBody { body, mark }: JsonBody<Lift>,
) -> Result<Response, Problem> {
    let Lift { stream, participant, username, ref_ } = body;
    let target = aim(&room, stream, participant, username)?;
    let verb = Moderation::LiftMute(ForceMute { target, lock: false, ref_ });
    moderate(caller, state, room, &patience, mark, verb).await
}

async fn unpublish(
    caller: ApiCaller,
    State(state): State<Arc<HttpState>>,
    PathParams(RoomPath { room }): PathParams<RoomPath>,
    QueryParams(patience): QueryParams<WaitParams>,
    JsonBody { body: Unpublish { stream, reason, ref_ }, mark }: JsonBody<Unpublish>,
) -> Result<Response, Problem> {
    let verb = Moderation::ForceUnpublish(ForceUnpublish { stream, reason, ref_ });
    moderate(caller, state, room, &patience, mark, verb).await
}

async fn ask_unmute(
    caller: ApiCaller,
    State(state): State<Arc<HttpState>>,
    PathParams(RoomPath { room }): PathParams<RoomPath>,
    QueryParams(patience): QueryParams<WaitParams>,
    JsonBody { body: Ask { stream, ref_ }, mark }: JsonBody<Ask>,
) -> Result<Response, Problem> {
    let verb = Moderation::AskUnmute(OnStream { stream, ref_ });
    moderate(caller, state, room, &patience, mark, verb).await
}
