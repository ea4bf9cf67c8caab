//! Streams of a room: list, mute, end, and set layout classes.

use axum::Json;
use axum::response::Response;
use hyper::StatusCode;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use stagedoor_proto::{
    ForceMute, ForceUnpublish, LayoutClasses, ModerationCommand, OnStream, Ref, RoomId, Stream,
    StreamId, Target, UpdateStream,
};

use super::body::{LiftMute, plain_body};
use super::caller::{ApiCaller, AuditedCall, NOT_RECORDED};
use super::errors::{ENGINE_UNAVAILABLE, NO_ROOM, NO_STREAM};
use super::extract::{JsonBody, PathParams, QueryParams};
use super::moderation::RoomPath;
use super::paging::{self, Page, PageQuery};
use super::rejects::Rejects;
use super::routes::{Method, Routes};
use super::tags;
use crate::http::problem::{Problem, ProblemKind};
use crate::room::Moderation;
use crate::store::Page as StorePage;

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .about(tags::STREAMS)
        .on(Method::Get, "/apps/{app}/rooms/{room}/streams", list, |operation| {
            operation
                .named("list_streams", "List the streams of a room").describe("Streams are listed by id.")
                .query::<PageQuery>()
                .returns::<Page<Stream>>(200, &json!({ "items": [example()] }))
        })
        .on(Method::Patch, "/apps/{app}/rooms/{room}/streams/{stream}", set_layout, |operation| {
            operation
                .named("set_layout_classes", "Set the layout classes of a stream").describe("Replaces the classes that the stream has.")
                .body::<NewLayout>(&json!({ "layout_classes": ["focus"] }))
                .rejects(&[ENGINE_UNAVAILABLE, NOT_RECORDED])
                .returns::<Stream>(200, &example())
        })
        .moderation("/apps/{app}/rooms/{room}/force_mute", Moderation::ForceMute, |operation| {
            operation.command::<ForceMute>(
                ModerationCommand::ForceMute, "Mute a stream, a participant or a user", "Give exactly one of `stream`, `participant` and `username`. With `lock` the owner cannot unmute.",
                &json!({ "username": "ada", "lock": true }),
            )
        })
        .moderation(
            "/apps/{app}/rooms/{room}/lift_mute",
            |LiftMute(mute)| Moderation::LiftMute(mute),
            |operation| {
                operation.command::<LiftMute>(
                    ModerationCommand::LiftMute, "Lift a mute", "Lifts the mute and its lock. Streams stay muted until their owner unmutes them. Give exactly one of `stream`, `participant` and `username`.",
                    &json!({ "username": "ada" }),
                )
            },
        )
        .moderation(
            "/apps/{app}/rooms/{room}/force_unpublish",
            Moderation::ForceUnpublish,
            |operation| {
                operation.command::<ForceUnpublish>(
                    ModerationCommand::ForceUnpublish, "End a stream", "Removes the stream from the room.",
                    &json!({ "stream": "AAAAAAAAAAAAAAAAAAAAAg", "reason": "spam" }),
                )
            },
        )
        .moderation(
            "/apps/{app}/rooms/{room}/request_unmute",
            Moderation::RequestUnmute,
            |operation| {
                operation.command::<OnStream>(
                    ModerationCommand::RequestUnmute, "Request an unmute", "Asks the owner of a stream to unmute it.",
                    &json!({ "stream": "AAAAAAAAAAAAAAAAAAAAAg" }),
                )
            },
        )
}

fn example() -> Value {
    json!({
        "id": "AAAAAAAAAAAAAAAAAAAAAg", "participant": "AAAAAAAAAAAAAAAAAAAAAA", "kind": "camera",
        "has_audio": true, "has_video": true, "muted": false, "layout_classes": ["focus"],
    })
}

/// The path of a stream.
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

/// Layout classes of a stream.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NewLayout {
    /// The classes; empty clears them.
    layout_classes: LayoutClasses,
    /// Idempotency key.
    #[serde(rename = "ref")]
    ref_: Option<Ref>,
}

plain_body!(NewLayout);

async fn list(
    caller: ApiCaller,
    PathParams(RoomPath { room }): PathParams<RoomPath>,
    QueryParams(PageQuery { cursor, limit }): QueryParams<PageQuery>,
) -> Result<Json<Page<Stream>>, Problem> {
    let (hub, room) = (caller.hub(), caller.room(room));
    let read = |page: StorePage<_>| hub.server_api.streams(&room, page.after, page.limit);
    paging::list(cursor, limit, read, |stream| stream.id).await.map(Json)
}

async fn set_layout(
    caller: ApiCaller,
    PathParams(StreamPath { room, stream }): PathParams<StreamPath>,
    JsonBody { body: NewLayout { layout_classes, ref_ }, key }: JsonBody<NewLayout>,
) -> Result<Response, Problem> {
    let work = |caller: ApiCaller| async move {
        let layout_classes = Some(layout_classes);
        let (has_audio, has_video, name) = (None, None, None);
        let update = UpdateStream { stream, has_audio, has_video, name, layout_classes };
        let changed =
            caller.hub().server_api.update_stream(&caller.room(room.clone()), update).await?;
        let target =
            Target { participant: Some(changed.participant), stream: Some(stream), username: None };
        let (command, room, reason) = ("set_layout_classes", Some(room), None);
        caller.record_done(AuditedCall { command, target, room, reason, ref_ }).await?;
        Ok(changed)
    };
    key.perform(caller, StatusCode::OK, work).await
}
