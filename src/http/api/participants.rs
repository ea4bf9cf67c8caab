//! Participants of a room: list and remove them, lift blocks, change roles.

use axum::Json;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use stagedoor_proto::{
    ForceDisconnect, ModerationCommand, Participant, SessionId, SessionState, SetRole, StreamId,
    Unblock, Username,
};

use super::caller::ApiCaller;
use super::extract::{PathParams, QueryParams};
use super::moderation::RoomPath;
use super::paging::{self, Cursor, Page};
use super::routes::{Method, Routes};
use super::tags;
use crate::http::problem::Problem;
use crate::room::{Moderation, ParticipantInfo};
use crate::store::Page as StorePage;

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .about(tags::PARTICIPANTS)
        .on(Method::Get, "/apps/{app}/rooms/{room}/participants", list, |operation| {
            operation.named("list_participants", "List the participants of a room").describe("Participants are listed by id.")
                .query::<ParticipantQuery>()
                .returns::<Page<ParticipantResource>>(200, &json!({ "items": [{
                    "participant": { "id": "AAAAAAAAAAAAAAAAAAAAAA", "username": "ada", "role": "publisher",
                                     "link": "live", "mute_locked": false },
                    "session": "AAAAAAAAAAAAAAAAAAAAAQ", "state": "established", "streams": [],
                }] }))
        })
        .moderation("/apps/{app}/rooms/{room}/force_disconnect", Moderation::ForceDisconnect, |operation| {
            operation.command::<ForceDisconnect>(
                ModerationCommand::ForceDisconnect, "Remove a user or participant", "Removes them from the room or from the app. Give exactly one of `participant` and `username`.",
                &json!({ "username": "ada", "block": { "for_ms": 600_000 }, "reason": "spam" }),
            )
        })
        .moderation("/apps/{app}/rooms/{room}/unblock", Moderation::Unblock, |operation| {
            operation.command::<Unblock>(
                ModerationCommand::Unblock, "Unblock a user", "Lifts a moderator's block from the room or from the app.",
                &json!({ "username": "ada" }),
            )
        })
        .moderation("/apps/{app}/rooms/{room}/set_role", Moderation::SetRole, |operation| {
            operation.command::<SetRole>(
                ModerationCommand::SetRole, "Change a role", "Changes the role of a participant in the room.",
                &json!({ "participant": "AAAAAAAAAAAAAAAAAAAAAA", "role": "subscriber" }),
            )
        })
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ParticipantQuery {
    /// Only participants of this user.
    username: Option<Username>,
    /// The `next` cursor of the previous page.
    cursor: Option<Cursor>,
    /// Maximum number of items.
    #[schemars(range(min = 1, max = 1_000))]
    limit: Option<usize>,
}

/// A participant.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "PresentParticipant")]
struct ParticipantResource {
    /// The participant as other participants see it.
    participant: Participant,
    /// Session id.
    session: SessionId,
    /// State of the session.
    state: SessionState,
    /// Ids of the streams.
    streams: Vec<StreamId>,
}

impl From<ParticipantInfo> for ParticipantResource {
    fn from(ParticipantInfo { participant, session, state, streams }: ParticipantInfo) -> Self {
        Self { participant, session, state, streams }
    }
}

async fn list(
    caller: ApiCaller,
    PathParams(RoomPath { room }): PathParams<RoomPath>,
    QueryParams(query): QueryParams<ParticipantQuery>,
) -> Result<Json<Page<ParticipantResource>>, Problem> {
    let (hub, room) = (caller.hub(), caller.room(room));
    let ParticipantQuery { username, cursor, limit } = query;
    let user = username.as_ref();
    let read =
        |page: StorePage<_>| hub.server_api.participants(&room, user, page.after, page.limit);
    let page = paging::list(cursor, limit, read, |present| present.participant.id).await?;
    Ok(Json(page.map(ParticipantResource::from)))
}
