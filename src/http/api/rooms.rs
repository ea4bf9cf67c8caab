//! Rooms: create, list, show, and commands for a whole room.

use axum::Json;
use axum::response::Response;
use hyper::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};
use stagedoor_proto::{
    Counts, ForceMuteAll, ModerateRoom, ModerationCommand, RoomId, RoomMute, SendSignal, Sent,
    Target, Timestamp,
};

use super::caller::{ApiCaller, AuditedCall};
use super::errors::{ENGINE_UNAVAILABLE, NO_PARTICIPANT, NO_STREAM, ROOM_EXISTS};
use super::extract::{JsonBody, PathParams, QueryParams, TOO_LARGE};
use super::moderation::RoomPath;
use super::paging::{self, Page, PageQuery};
use super::routes::{Method, Routes};
use super::tags;
use crate::api_body::NewRoom;
use crate::http::problem::{Problem, ProblemKind};
use crate::hub::RoomDetails;
use crate::room::{Expiry, Moderation, RoomOverrides};

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .about(tags::ROOMS)
        .on(Method::Post, "/apps/{app}/rooms", create, |operation| {
            operation.named("create_room", "Create a room").describe("The room gets its own settings before it opens.")
                .body::<NewRoom>(&json!({
                    "room": "town-hall", "settings": { "participants": 500 }, "mute": { "active": true, "lock": true },
                }))
                .rejects(&[ROOM_EXISTS])
                .returns::<RoomResource>(201, &example())
        })
        .on(Method::Get, "/apps/{app}/rooms", list, |operation| {
            operation.named("list_rooms", "List rooms").describe("Open and created rooms are listed by name.")
                .query::<PageQuery>()
                .returns::<Page<RoomResource>>(200, &json!({ "items": [example()] }))
        })
        .on(Method::Get, "/apps/{app}/rooms/{room}", show, |operation| {
            operation.named("show_room", "Show a room").describe("An open or created room.").returns::<RoomResource>(200, &example())
        })
        .moderation("/apps/{app}/rooms/{room}/lock", Moderation::LockRoom, |operation| {
            operation.command::<ModerateRoom>(
                ModerationCommand::LockRoom, "Lock a room", "Only moderators and participants of the last 10 minutes may join a locked room.",
                &json!({}),
            )
        })
        .moderation("/apps/{app}/rooms/{room}/unlock", Moderation::UnlockRoom, |operation| {
            operation.command::<ModerateRoom>(
                ModerationCommand::UnlockRoom, "Unlock a room", "Ends the effect of `lock`.",
                &json!({}),
            )
        })
        .moderation("/apps/{app}/rooms/{room}/end", Moderation::EndRoom, |operation| {
            operation.command::<ModerateRoom>(
                ModerationCommand::EndRoom, "End a room", "Removes all participants and revokes the room tokens issued so far.",
                &json!({}),
            )
        })
        .moderation("/apps/{app}/rooms/{room}/force_mute_all", Moderation::ForceMuteAll, |operation| {
            operation.command::<ForceMuteAll>(
                ModerationCommand::ForceMuteAll, "Mute a room", "Mutes all current and future streams.",
                &json!({ "lock": true }),
            )
            .rejects(&[NO_STREAM])
        })
        .moderation("/apps/{app}/rooms/{room}/disable_force_mute", Moderation::DisableForceMute, |operation| {
            operation.command::<ModerateRoom>(
                ModerationCommand::DisableForceMute, "Lift the mute of a room", "Streams stay muted until their owners unmute them.",
                &json!({}),
            )
        })
        .on(Method::Post, "/apps/{app}/rooms/{room}/signal", signal, |operation| {
            operation.named("send_signal", "Send a signal").describe("The signal is from the server, to all participants of a room or to one of them.")
                .body::<SendSignal>(&json!({ "type": "announcement", "data": { "text": "five minutes" } }))
                .rejects(&[TOO_LARGE, NO_PARTICIPANT, ProblemKind::RATE_LIMITED, ENGINE_UNAVAILABLE])
                .returns::<Sent>(200, &json!({ "recipients": 12, "order": 345 }))
        })
}

fn example() -> Value {
    json!({
        "room": "town-hall", "open": true, "created_ms": 1_900_000_000_000_u64,
        "settings": { "participants": 500 }, "version": 42,
        "counts": { "participants": 12, "publishers": 1, "streams": 2 },
        "mute": { "active": true, "lock": true }, "locked": false, "is_large": false,
    })
}

/// A room. The fields about its live state are present while it is open.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Room")]
struct RoomResource {
    /// Room id.
    room: RoomId,
    /// Whether the room is open: from its first join or server call until 10 minutes after the last participant left.
    open: bool,
    /// When it was created by a call; absent if it opened without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    created_ms: Option<Timestamp>,
    /// The settings in force while it is open, otherwise those it was created with.
    settings: RoomOverrides,
    /// The version of its log.
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<u64>,
    /// Participants and streams in the room.
    #[serde(skip_serializing_if = "Option::is_none")]
    counts: Option<Counts>,
    /// The room mute.
    #[serde(skip_serializing_if = "Option::is_none")]
    mute: Option<RoomMute>,
    /// Whether only moderators and recent participants may join.
    #[serde(skip_serializing_if = "Option::is_none")]
    locked: Option<bool>,
    /// Whether only moderators and publishers are visible to other participants.
    #[serde(skip_serializing_if = "Option::is_none")]
    is_large: Option<bool>,
}

impl From<RoomDetails> for RoomResource {
    fn from(RoomDetails { room, open, created }: RoomDetails) -> Self {
        let created_ms = created.as_ref().map(|created| created.created);
        let overrides = created.map(|created| created.overrides).unwrap_or_default();
        let Some(open) = open else {
            let (version, counts, mute, locked, is_large) = (None, None, None, None, None);
            let (open, settings) = (false, overrides);
            return Self {
                room,
                open,
                created_ms,
                settings,
                version,
                counts,
                mute,
                locked,
                is_large,
            };
        };
        let current = open.settings;
        let expiry: Expiry = current.expiry;
        Self {
            room,
            open: true,
            created_ms,
            settings: RoomOverrides {
                participants: Some(current.participants),
                roster_limit: Some(current.roster_limit),
                streams: Some(current.streams),
                subscriber_signals: Some(current.subscriber_signals),
                membership_expiry: Some(expiry),
            },
            version: Some(open.version),
            counts: Some(open.counts),
            mute: Some(open.mute),
            locked: Some(open.locked),
            is_large: Some(open.is_large),
        }
    }
}

async fn create(
    caller: ApiCaller,
    JsonBody { body, key }: JsonBody<NewRoom>,
) -> Result<Response, Problem> {
    let NewRoom { room, settings, mute, locked, ref_ } = body;
    for (field, chosen) in [
        ("settings.participants", settings.participants),
        ("settings.roster_limit", settings.roster_limit),
        ("settings.streams", settings.streams),
    ] {
        if chosen == Some(0) {
            return Err(Problem::invalid(field, "found 0; expected at least 1"));
        }
    }
    if mute.lock && !mute.active {
        return Err(Problem::invalid("mute.lock", "`lock` requires `active`"));
    }
    let mute = RoomMute { active: mute.active, lock: mute.lock };
    let work = move |caller: ApiCaller| async move {
        let room_key = caller.room(room.clone());
        let (target, of) = (Target::default(), Some(room.clone()));
        let call = AuditedCall { command: "create_room", target, room: of, reason: None, ref_ };
        let row = caller.audit_row(call);
        let created = caller
            .hub()
            .server_api
            .create_room(&room_key, settings, mute, locked, Some(row))
            .await?;
        // The room was created even if it cannot be read back.
        let shown = caller.hub().server_api.room(&room_key).await;
        let shown = shown.unwrap_or(RoomDetails { room, open: None, created: Some(created) });
        Ok(RoomResource::from(shown))
    };
    key.perform(caller, StatusCode::CREATED, work).await
}

async fn list(
    caller: ApiCaller,
    QueryParams(PageQuery { cursor, limit }): QueryParams<PageQuery>,
) -> Result<Json<Page<RoomResource>>, Problem> {
    let read = |page| caller.hub().server_api.list_rooms(caller.app.id(), page);
    let page = paging::list(cursor, limit, read, |shown| shown.room.clone()).await?;
    Ok(Json(page.map(RoomResource::from)))
}

async fn show(
    caller: ApiCaller,
    PathParams(RoomPath { room }): PathParams<RoomPath>,
) -> Result<Json<RoomResource>, Problem> {
    Ok(Json(caller.hub().server_api.room(&caller.room(room)).await?.into()))
}

async fn signal(
    caller: ApiCaller,
    PathParams(RoomPath { room }): PathParams<RoomPath>,
    JsonBody { body, key }: JsonBody<SendSignal>,
) -> Result<Response, Problem> {
    let work = |caller: ApiCaller| async move {
        let now = caller.hub().clock().now();
        Ok(caller.hub().server_api.send_signal(&caller.room(room), body, now).await?)
    };
    key.perform(caller, StatusCode::OK, work).await
}
