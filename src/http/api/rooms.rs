//! Rooms: created before anybody joins, listed, shown, and the verbs that are about a whole room.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use hyper::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use stagedoor_proto::{
    Counts, Data, ForceMuteAll, MAX_MUTE_EXCEPTIONS, ModerateRoom, ParticipantId, Ref, RoomId,
    RoomMute, SendSignal, Sent, SignalType, StreamId, Target, Timestamp, Verb, object,
};

use super::caller::{ApiCaller, AuditedCall};
use super::errors::{ENGINE_UNAVAILABLE, NO_PARTICIPANT, ROOM_EXISTS};
use super::extract::{JsonBody, PathParams, QueryParams, TOO_LARGE};
use super::moderation::{EmptyBody, RoomPath, WaitParams, has_ref, moderate};
use super::paging::{self, Page, PageQuery};
use super::routes::{Method, Routes};
use crate::http::problem::{Problem, ProblemKind};
use crate::http::state::HttpState;
use crate::hub::ShownRoom;
use crate::room::{Expiry, Moderation, RoomChoices};
use crate::store::Page as StorePage;

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .about("rooms")
        .on(Method::Post, "/apps/{app}/rooms", create, |operation| {
            operation.named("create_room", "Create a room with settings of its own, before anybody joins")
                .body::<Create>(&json!({
                    "room": "town-hall", "settings": { "participants": 500 }, "mute": { "active": true, "lock": true },
                }))
                .rejects(&[ROOM_EXISTS])
                .returns::<RoomResource>(201, &example())
        })
        .on(Method::Get, "/apps/{app}/rooms", list, |operation| {
            operation.named("list_rooms", "List the rooms that are open or were created, by name")
                .query::<PageQuery>()
                .returns::<Page<RoomResource>>(200, &json!({ "items": [example()] }))
        })
        .on(Method::Get, "/apps/{app}/rooms/{room}", show, |operation| {
            operation.named("show_room", "Show a room").returns::<RoomResource>(200, &example())
        })
        .on(Method::Post, "/apps/{app}/rooms/{room}/lock", lock, |operation| {
            operation.verb::<EmptyBody>(
                Verb::LockRoom,
                "Admit only moderators, and those who were there in the last 10 minutes",
                &json!({}),
            )
        })
        .on(Method::Post, "/apps/{app}/rooms/{room}/unlock", unlock, |operation| {
            operation.verb::<EmptyBody>(
                Verb::UnlockRoom,
                "Admit everybody again",
                &json!({}),
            )
        })
        .on(Method::Post, "/apps/{app}/rooms/{room}/end", end, |operation| {
            operation.verb::<EmptyBody>(
                Verb::EndRoom,
                "End a room for all in it; room tokens issued until now are refused",
                &json!({}),
            )
        })
        .on(Method::Post, "/apps/{app}/rooms/{room}/force_mute_all", mute_all, |operation| {
            operation.verb::<MuteAll>(
                Verb::ForceMuteAll,
                "Mute everybody at once, and who publishes later",
                &json!({ "lock": true }),
            )
        })
        .on(Method::Post, "/apps/{app}/rooms/{room}/disable_force_mute", disable_mute, |operation| {
            operation.verb::<EmptyBody>(
                Verb::DisableForceMute,
                "Lift the room's own mute; who was muted stays so until they speak",
                &json!({}),
            )
        })
        .on(Method::Post, "/apps/{app}/rooms/{room}/signal", signal, |operation| {
            operation.named("send_signal", "Send a signal from the server")
                .body::<NewSignal>(&json!({ "type": "announcement", "data": { "text": "five minutes" } }))
                .rejects(&[TOO_LARGE, NO_PARTICIPANT, ProblemKind::RATE_LIMITED, ENGINE_UNAVAILABLE])
                .returns::<Sent>(200, &json!({ "recipients": 12, "order": 345 }))
        })
}

fn example() -> Value {
    json!({
        "room": "town-hall", "open": true, "created_ms": 1_900_000_000_000_u64,
        "settings": { "participants": 500 }, "version": 42,
        "counts": { "participants": 12, "publishers": 1, "streams": 2 },
        "mute": { "active": true, "lock": true }, "locked": false, "large": false,
    })
}

/// A room to be created.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "NewRoom")]
struct Create {
    /// Its id.
    room: RoomId,
    /// What is to be otherwise there than in the app's other rooms.
    #[serde(default, deserialize_with = "object")]
    settings: RoomChoices,
    /// The mute that stands from the start.
    #[serde(default, deserialize_with = "object")]
    mute: NewMute,
    /// Whether it is locked from the start.
    #[serde(default)]
    locked: bool,
    /// The caller's idempotency key.
    #[serde(rename = "ref")]
    ref_: Option<Ref>,
}

/// A mute that is to stand.
#[derive(Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct NewMute {
    /// Whether streams start muted.
    active: bool,
    /// Whether the muted may not undo it.
    lock: bool,
}

/// Mute everybody.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ForceMuteAll")]
struct MuteAll {
    /// Streams that go on.
    #[serde(default)]
    #[schemars(length(max = MAX_MUTE_EXCEPTIONS))]
    except: Vec<StreamId>,
    /// Whether the muted may not undo it.
    #[serde(default)]
    lock: bool,
    /// The caller's idempotency key.
    #[serde(rename = "ref")]
    ref_: Option<Ref>,
}

/// A signal of the server.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NewSignal {
    /// To one participant; absent: to all.
    to: Option<ParticipantId>,
    /// The application's name for its kind.
    #[serde(rename = "type")]
    type_: SignalType,
    /// The application's data, at most 8192 bytes.
    data: Data,
    /// The caller's idempotency key.
    #[serde(rename = "ref")]
    ref_: Option<Ref>,
}
has_ref!(Create, MuteAll, NewSignal);

/// A room, as an operator sees it. What tells how it is, is there while it is open.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Room")]
struct RoomResource {
    /// Its id.
    room: RoomId,
    /// Whether it is open: since somebody joined or the server acted there, until 10 minutes after it emptied.
    open: bool,
    /// When the server created it.
    #[serde(skip_serializing_if = "Option::is_none")]
    created_ms: Option<Timestamp>,
    /// What is in force there, or chosen when it was created.
    settings: RoomChoices,
    /// The place in its log.
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<u64>,
    /// How many are there.
    #[serde(skip_serializing_if = "Option::is_none")]
    counts: Option<Counts>,
    /// The standing mute.
    #[serde(skip_serializing_if = "Option::is_none")]
    mute: Option<RoomMute>,
    /// Whether it is locked.
    #[serde(skip_serializing_if = "Option::is_none")]
    locked: Option<bool>,
    /// Whether only moderators and those with a stream are listed to the others.
    #[serde(skip_serializing_if = "Option::is_none")]
    large: Option<bool>,
}

impl From<ShownRoom> for RoomResource {
    fn from(ShownRoom { room, open, created }: ShownRoom) -> Self {
        let created_ms = created.as_ref().map(|created| created.created);
        let chosen = created.map(|created| created.choices).unwrap_or_default();
        let Some(open) = open else {
            let (version, counts, mute, locked, large) = (None, None, None, None, None);
            let (open, settings) = (false, chosen);
            return Self { room, open, created_ms, settings, version, counts, mute, locked, large };
        };
        let in_force = open.settings;
        let expiry: Expiry = in_force.expiry;
        Self {
            room,
            open: true,
            created_ms,
            settings: RoomChoices {
                participants: Some(in_force.participants),
                roster_limit: Some(in_force.roster_limit),
                streams: Some(in_force.streams),
                subscriber_signals: Some(in_force.subscriber_signals),
                membership_expiry: Some(expiry),
            },
            version: Some(open.version),
            counts: Some(open.counts),
            mute: Some(open.mute),
            locked: Some(open.locked),
            large: Some(open.large),
        }
    }
}

async fn create(
    caller: ApiCaller,
    State(state): State<Arc<HttpState>>,
    JsonBody { body, mark }: JsonBody<Create>,
) -> Result<Response, Problem> {
    let Create { room, settings, mute, locked, ref_ } = body;
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
        return Err(Problem::invalid("mute.lock", "a lock needs a mute that is `active`"));
    }
    let mute = RoomMute { active: mute.active, lock: mute.lock };
    let (by, at) = (caller.clone(), Arc::clone(&state));
    let work = async move {
        let key = caller.room(room.clone());
        let (target, of) = (Target::default(), Some(room.clone()));
        let call = AuditedCall { verb: "create_room", target, room: of, reason: None, ref_ };
        let row = caller.audit_row(&at, call);
        let created = at.hub().create_room(&key, settings, mute, locked, Some(row)).await?;
        // It is created, whatever keeps it from being looked at.
        let shown = at.hub().room(&key).await;
        Ok(RoomResource::from(shown.unwrap_or(ShownRoom {
            room,
            open: None,
            created: Some(created),
        })))
    };
    mark.perform(&state, &by, StatusCode::CREATED, work).await
}

async fn list(
    caller: ApiCaller,
    State(state): State<Arc<HttpState>>,
    QueryParams(query): QueryParams<PageQuery>,
) -> Result<Json<Page<RoomResource>>, Problem> {
    let limit = paging::limit(query.limit)?;
    let page = StorePage { after: paging::after(query.cursor.as_ref())?, limit: limit + 1 };
    let rooms = state.hub().list_rooms(caller.app.id(), page).await?;
    Ok(Json(Page::cut(rooms, limit, |shown| shown.room.clone()).map(RoomResource::from)))
}

async fn show(
    caller: ApiCaller,
    State(state): State<Arc<HttpState>>,
    PathParams(RoomPath { room }): PathParams<RoomPath>,
) -> Result<Json<RoomResource>, Problem> {
    Ok(Json(state.hub().room(&caller.room(room)).await?.into()))
}

/// Makes the handler of a verb that is about a room and nothing else.
macro_rules! verb {
    ($name:ident, $verb:ident) => {
        async fn $name(
            caller: ApiCaller,
            State(state): State<Arc<HttpState>>,
            PathParams(RoomPath { room }): PathParams<RoomPath>,
            QueryParams(patience): QueryParams<WaitParams>,
            JsonBody { body: EmptyBody { ref_ }, mark }: JsonBody<EmptyBody>,
        ) -> Result<Response, Problem> {
            let verb = Moderation::$verb(ModerateRoom { room: room.clone(), ref_ });
            moderate(caller, state, room, &patience, mark, verb).await
        }
    };
}
verb!(lock, LockRoom);
verb!(unlock, UnlockRoom);
verb!(end, EndRoom);
verb!(disable_mute, DisableForceMute);

async fn mute_all(
    caller: ApiCaller,
    State(state): State<Arc<HttpState>>,
    PathParams(RoomPath { room }): PathParams<RoomPath>,
    QueryParams(patience): QueryParams<WaitParams>,
    JsonBody { body: MuteAll { except, lock, ref_ }, mark }: JsonBody<MuteAll>,
) -> Result<Response, Problem> {
    if except.len() > MAX_MUTE_EXCEPTIONS {
        let detail = format!("found {}; at most {MAX_MUTE_EXCEPTIONS} streams", except.len());
        return Err(Problem::invalid("except", detail));
    }
    let verb = Moderation::ForceMuteAll(ForceMuteAll { room: room.clone(), except, lock, ref_ });
    moderate(caller, state, room, &patience, mark, verb).await
}

async fn signal(
    caller: ApiCaller,
    State(state): State<Arc<HttpState>>,
    PathParams(RoomPath { room }): PathParams<RoomPath>,
    JsonBody { body: NewSignal { to, type_, data, ref_ }, mark }: JsonBody<NewSignal>,
) -> Result<Response, Problem> {
    let key = caller.room(room.clone());
    let signal = SendSignal { room, to, type_, data, ref_ };
    let hub = Arc::clone(state.hub());
    let work = async move {
        let now = hub.clock().now();
        Ok(hub.send_signal(&key, signal, now).await?)
    };
    mark.perform(&state, &caller, StatusCode::OK, work).await
}
