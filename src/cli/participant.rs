//! Commands that name a participant or stream by its id, and find it by its user: `rooms set-role`,
//! `rooms request-unmute`, `rooms unpublish` and `rooms signal`.

use clap::Args;
use serde_json::{Value, json};
use stagedoor_proto::{
    ForceUnpublish, OnStream, ParticipantId, Reason, Role, RoomId, SetRole, SignalType, StreamId,
    Username,
};

use super::api::{Api, Call};
use super::arguments::role;
use super::connection::Connection;
use super::exit::Exit;
use super::failure::Failure;
use super::lookup::{NameKind, explain, explain_room, find_similar};
use super::moderation::{IdempotencyOption, ModerationOptions, send_command};
use crate::room::Moderation;

/// How many participants of one user are looked up.
const MAX_SEARCHED: usize = 1_000;

#[derive(Debug, Args)]
pub(super) struct ChangeRole {
    /// Room id.
    room: RoomId,
    /// Username.
    user: Username,
    /// New role: subscriber, publisher, `publisher_only` or moderator.
    #[arg(value_parser = role)]
    role: Role,
    /// Only this participant of the user, where several guests share the name.
    #[arg(long, value_name = "ID", allow_hyphen_values = true)]
    participant: Option<ParticipantId>,
    #[command(flatten)]
    options: ModerationOptions,
}

#[derive(Debug, Args)]
pub(super) struct RequestUnmute {
    #[command(flatten)]
    target: StreamTarget,
    #[command(flatten)]
    options: ModerationOptions,
}

#[derive(Debug, Args)]
pub(super) struct Unpublish {
    #[command(flatten)]
    target: StreamTarget,
    /// Reason, shown to the user.
    #[arg(long)]
    reason: Option<Reason>,
    #[command(flatten)]
    options: ModerationOptions,
}

/// One stream of a room.
#[derive(Debug, Args)]
struct StreamTarget {
    /// Room id.
    room: RoomId,
    /// Username of the owner, who has only this stream.
    #[arg(required_unless_present = "stream", conflicts_with = "stream")]
    user: Option<Username>,
    /// Stream id, instead of a user.
    #[arg(long, value_name = "ID", allow_hyphen_values = true)]
    stream: Option<StreamId>,
}

#[derive(Debug, Args)]
pub(super) struct Signal {
    /// Room id.
    room: RoomId,
    /// The application's name for this kind of signal.
    #[arg(value_name = "TYPE")]
    type_: SignalType,
    /// JSON, such as `{"text":"five minutes"}`.
    #[arg(value_parser = json, default_value = "{}", hide_default_value = true)]
    data: Value,
    /// Only to this user. Default: to all participants.
    #[arg(long, value_name = "USER", conflicts_with = "participant")]
    to: Option<Username>,
    /// Only to this participant.
    #[arg(long, value_name = "ID", allow_hyphen_values = true)]
    participant: Option<ParticipantId>,
    #[command(flatten)]
    idempotency: IdempotencyOption,
}

impl ChangeRole {
    pub(super) fn run(self, connection: &Connection) -> Exit {
        let Self { room, user, role, participant, options } = self;
        connection.run(|api, printer| {
            // A role belongs to the user: one participant stands for all, except where guests share the name.
            let all = match participant {
                Some(participant) => vec![participant],
                None => participants_of(api, &room, &user)?,
            };
            if let ([_, _, ..], true) = (&*all, options.has_ref()) {
                return Err(several(&user, "participants", &all, "--participant"));
            }
            for participant in all {
                let body = SetRole { room: room.clone(), participant, role, ref_: None };
                printer.receipt(&send_command(
                    api,
                    &options,
                    &room,
                    &Moderation::SetRole(body),
                )?)?;
            }
            Ok(())
        })
    }
}

impl RequestUnmute {
    pub(super) fn run(self, connection: &Connection) -> Exit {
        let Self { target, options } = self;
        connection.run(|api, printer| {
            let command =
                Moderation::RequestUnmute(OnStream { stream: target.find(api)?, ref_: None });
            printer.receipt(&send_command(api, &options, &target.room, &command)?)
        })
    }
}

impl Unpublish {
    pub(super) fn run(self, connection: &Connection) -> Exit {
        let Self { target, reason, options } = self;
        connection.run(|api, printer| {
            let stream = target.find(api)?;
            let command = Moderation::ForceUnpublish(ForceUnpublish { stream, reason, ref_: None });
            printer.receipt(&send_command(api, &options, &target.room, &command)?)
        })
    }
}

impl StreamTarget {
    /// The stream that is named, or the only one of the user.
    fn find(&self, api: &Api) -> Result<StreamId, Failure> {
        if let Some(stream) = self.stream {
            return Ok(stream);
        }
        let user = self.user.as_ref().expect("one of the two is required");
        let room = self.room.as_str();
        let present = presences_of(api, &self.room, user)?;
        let streams = present.iter().filter_map(|item| item["streams"].as_array()).flatten();
        let ids: Vec<StreamId> = streams.filter_map(|id| id.as_str()?.parse().ok()).collect();
        match *ids {
            [] => Err(Failure::Ambiguous(format!(
                "{:?} publishes no stream in {:?}",
                user.as_str(),
                room
            ))),
            [stream] => Ok(stream),
            _ => Err(several(user, "streams", &ids, "--stream")),
        }
    }
}

impl Signal {
    pub(super) fn run(self, connection: &Connection) -> Exit {
        let Self { room, type_, data, to, participant, idempotency } = self;
        connection.run(|api, printer| {
            let to = match (participant, &to) {
                (Some(participant), _) => Some(participant),
                (None, None) => None,
                (None, Some(user)) => match *participants_of(api, &room, user)? {
                    [participant] => Some(participant),
                    ref all => return Err(several(user, "participants", all, "--participant")),
                },
            };
            let mut body = json!({ "type": type_, "data": data });
            if let Some(to) = to {
                body["to"] = json!(to);
            }
            let path = ["rooms", room.as_str(), "signal"];
            let call = Call::post(&path, &body).with_ref(idempotency.ref_.as_ref());
            let answer = explain_room(api, room.as_str(), api.call(call))?;
            let sentence = match answer["recipients"].as_u64() {
                Some(1) => "sent to 1 participant".to_owned(),
                count => format!("sent to {} participants", count.unwrap_or_default()),
            };
            printer.sentence(&answer, &sentence)
        })
    }
}

/// The ids of a user's participants in a room, at least one.
fn participants_of(
    api: &Api,
    room: &RoomId,
    user: &Username,
) -> Result<Vec<ParticipantId>, Failure> {
    let present = presences_of(api, room, user)?;
    let ids = present.iter().filter_map(|item| item["participant"]["id"].as_str()?.parse().ok());
    Ok(ids.collect())
}

/// The participants of a user in a room, at least one.
fn presences_of(api: &Api, room: &RoomId, user: &Username) -> Result<Vec<Value>, Failure> {
    let (room, name) = (room.as_str(), user.as_str());
    let path = ["rooms", room, "participants"];
    let listed = api.list(MAX_SEARCHED, || Call::get(&path).with("username", name));
    let (present, _) = listed.map_err(|failure| explain(api, NameKind::Room, room, failure))?;
    if present.is_empty() {
        return Err(Failure::Unknown(find_similar(api, NameKind::In(room), name)?));
    }
    Ok(present)
}

/// The error about a user who has several of something.
fn several<T: ToString>(user: &Username, what: &str, ids: &[T], option: &str) -> Failure {
    let ids = ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let name = user.as_str();
    Failure::Ambiguous(format!("{name:?} has several {what}; name one with {option}: {ids}"))
}

fn json(text: &str) -> Result<Value, String> {
    serde_json::from_str(text)
        .map_err(|error| format!("expected JSON such as {{\"n\":1}}: {error}"))
}
