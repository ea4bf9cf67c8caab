//! Participants of a room: who is there, removing them, letting them return, their roles.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use stagedoor_proto::{
    Block, BlockScope, ForceDisconnect, Participant, ParticipantId, Reason, Ref, Role, SessionId,
    SessionState, SetRole, StreamId, Unblock, Username, Verb, Who, object,
};

use super::caller::ApiCaller;
use super::extract::{JsonBody, PathParams, QueryParams};
use super::moderation::{RoomPath, WaitParams, has_ref, moderate};
use super::paging::{self, Page, PageQuery};
use super::routes::{Method, Routes};
use crate::http::problem::Problem;
use crate::http::state::HttpState;
use crate::room::{Moderation, Present};

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .about("participants")
        .on(Method::Get, "/apps/{app}/rooms/{room}/participants", list, |operation| {
            operation.named("list_participants", "List everybody in a room")
                .query::<PageQuery>()
                .returns::<Page<ParticipantResource>>(200, &json!({ "items": [{
                    "participant": { "id": "AAAAAAAAAAAAAAAAAAAAAA", "username": "ada", "role": "publisher",
                                     "link": "live", "mute_locked": false },
                    "session": "AAAAAAAAAAAAAAAAAAAAAQ", "state": "established", "streams": [],
                }] }))
        })
        .on(Method::Post, "/apps/{app}/rooms/{room}/force_disconnect", disconnect, |operation| {
            operation.verb::<Disconnect>(
                Verb::ForceDisconnect,
                "Remove somebody from a room, or from the app",
                &json!({ "username": "ada", "block": { "for_ms": 600_000 }, "reason": "spam" }),
            )
        })
        .on(Method::Post, "/apps/{app}/rooms/{room}/unblock", unblock, |operation| {
            operation.verb::<Return>(
                Verb::Unblock,
                "Let a removed user return to a room",
                &json!({ "username": "ada" }),
            )
        })
        .on(Method::Post, "/apps/{app}/rooms/{room}/set_role", set_role, |operation| {
            operation.verb::<NewRole>(
                Verb::SetRole,
                "Change a participant's role; it holds for that user in that room",
                &json!({ "participant": "AAAAAAAAAAAAAAAAAAAAAA", "role": "subscriber" }),
            )
        })
}

/// Somebody in a room.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "PresentParticipant")]
struct ParticipantResource {
    /// As the others see them.
    participant: Participant,
    /// Their session.
    session: SessionId,
    /// The state of that.
    state: SessionState,
    /// Their streams.
    streams: Vec<StreamId>,
}

impl From<Present> for ParticipantResource {
    fn from(Present { participant, session, state, streams }: Present) -> Self {
        Self { participant, session, state, streams }
    }
}

/// Remove somebody: exactly one of `participant` and `username`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ForceDisconnect", extend("oneOf" = [
    { "required": ["participant"] },
    { "required": ["username"] },
]))]
struct Disconnect {
    /// Whom, by membership.
    participant: Option<ParticipantId>,
    /// Whom, by name: all their memberships.
    username: Option<Username>,
    /// For how long they may not return.
    #[serde(default, deserialize_with = "object")]
    block: NewBlock,
    /// Why; they are told.
    reason: Option<Reason>,
    /// The caller's idempotency key.
    #[serde(rename = "ref")]
    ref_: Option<Ref>,
}

/// For how long a removed user may not return.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct NewBlock {
    /// 0: this participant leaves and the user may return. Absent: the app's default.
    for_ms: Option<u64>,
    /// From where.
    scope: BlockScope,
}

/// Let somebody return.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Unblock")]
struct Return {
    /// Whom.
    username: Username,
    /// The caller's idempotency key.
    #[serde(rename = "ref")]
    ref_: Option<Ref>,
}

/// Give somebody another role.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "SetRole")]
struct NewRole {
    /// Whom.
    participant: ParticipantId,
    /// Which.
    role: Role,
    /// The caller's idempotency key.
    #[serde(rename = "ref")]
    ref_: Option<Ref>,
}
has_ref!(Disconnect, Return, NewRole);

async fn list(
    caller: ApiCaller,
    State(state): State<Arc<HttpState>>,
    PathParams(RoomPath { room }): PathParams<RoomPath>,
    QueryParams(query): QueryParams<PageQuery>,
) -> Result<Json<Page<ParticipantResource>>, Problem> {
    let (limit, after) = (paging::limit(query.limit)?, paging::after(query.cursor.as_ref())?);
    let present = state.hub().participants(&caller.room(room), after, limit + 1).await?;
    let page = Page::cut(present, limit, |present| present.participant.id);
    Ok(Json(page.map(ParticipantResource::from)))
}

/// Whom a body names.
pub(super) fn who(
    participant: Option<ParticipantId>,
    username: Option<Username>,
) -> Result<Who, Problem> {
    match (participant, username) {
        (Some(participant), None) => Ok(Who::Participant(participant)),
        (None, Some(username)) => Ok(Who::Username(username)),
        (None, None) | (Some(_), Some(_)) => {
            let detail = "exactly one of `participant` and `username` is needed";
            Err(Problem::invalid("body", detail))
        }
    }
}

async fn disconnect(
    caller: ApiCaller,
    State(state): State<Arc<HttpState>>,
    PathParams(RoomPath { room }): PathParams<RoomPath>,
    QueryParams(patience): QueryParams<WaitParams>,
    JsonBody { body, mark }: JsonBody<Disconnect>,
) -> Result<Response, Problem> {
    let verb = Moderation::ForceDisconnect(ForceDisconnect {
        room: room.clone(),
        who: who(body.participant, body.username)?,
        block: Block { for_ms: body.block.for_ms, scope: body.block.scope },
        reason: body.reason,
        ref_: body.ref_,
    });
    moderate(caller, state, room, &patience, mark, verb).await
}

async fn unblock(
    caller: ApiCaller,
    State(state): State<Arc<HttpState>>,
    PathParams(RoomPath { room }): PathParams<RoomPath>,
    QueryParams(patience): QueryParams<WaitParams>,
    JsonBody { body: Return { username, ref_ }, mark }: JsonBody<Return>,
) -> Result<Response, Problem> {
    let verb = Moderation::Unblock(Unblock { room: room.clone(), username, ref_ });
    moderate(caller, state, room, &patience, mark, verb).await
}

async fn set_role(
    caller: ApiCaller,
    State(state): State<Arc<HttpState>>,
    PathParams(RoomPath { room }): PathParams<RoomPath>,
    QueryParams(patience): QueryParams<WaitParams>,
    JsonBody { body: NewRole { participant, role, ref_ }, mark }: JsonBody<NewRole>,
) -> Result<Response, Problem> {
    let verb = Moderation::SetRole(SetRole { room: room.clone(), participant, role, ref_ });
    moderate(caller, state, room, &patience, mark, verb).await
}
