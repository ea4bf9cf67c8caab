//! Moderation commands in a room: sends them and prints their receipts.

use std::time::Duration;

use clap::Args;
use serde_json::Value;
use stagedoor_proto::{ModerationCommand, ParticipantId, Ref, RoomId, Username, Who};

use super::api::{Api, Call};
use super::arguments::duration;
use super::connection::Connection;
use super::exit::Exit;
use super::failure::{Failure, Rejection};
use super::lookup::{NameKind, explain, explain_room};
use crate::room::Moderation;

/// The options of all moderation commands.
#[derive(Debug, Args)]
pub(super) struct ModerationOptions {
    #[command(flatten)]
    idempotency: IdempotencyOption,
    /// How long to wait for acknowledgements (max 10s).
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "1s")]
    wait: Duration,
}

#[derive(Debug, Args)]
pub(super) struct IdempotencyOption {
    /// Idempotency key: a repeated call with this key is answered from the cache.
    #[arg(long = "ref", value_name = "REF")]
    pub(super) ref_: Option<Ref>,
}

impl ModerationOptions {
    pub(super) const fn has_ref(&self) -> bool {
        self.idempotency.ref_.is_some()
    }
}

/// Sends a moderation command and prints its receipt.
pub(super) fn perform(
    connection: &Connection,
    options: &ModerationOptions,
    room: &RoomId,
    command: &Moderation,
) -> Exit {
    connection.run(|api, printer| printer.receipt(&send_command(api, options, room, command)?))
}

/// Sends a moderation command and returns its receipt.
pub(super) fn send_command(
    api: &Api,
    options: &ModerationOptions,
    room: &RoomId,
    command: &Moderation,
) -> Result<Value, Failure> {
    let (room, body) = (room.as_str(), command_body(command));
    let call = Call::post(&["rooms", room, path_segment(command)], &body);
    let call =
        call.with("wait_ms", &options.wait.as_millis()).with_ref(options.idempotency.ref_.as_ref());
    explain_room(api, room, api.call(call)).map_err(|failure| {
        match (failure, body["username"].as_str()) {
            (failure, Some(username)) => explain(api, NameKind::In(room), username, failure),
            // Ids are copied, not typed: the participant or stream no longer exists.
            (Failure::Rejected(rejection), None) if is_about_an_id(&rejection) => {
                let hint = format!("`stagedoor rooms show {room}` lists the current ones");
                Failure::Rejected(rejection.with_hint(hint))
            }
            (failure, None) => failure,
        }
    })
}

/// The participant or user that the arguments name.
pub(super) fn who(participant: Option<ParticipantId>, user: Option<Username>) -> Option<Who> {
    participant.map(Who::Participant).or(user.map(Who::Username))
}

/// The last segment of a command's path.
const fn path_segment(command: &Moderation) -> &'static str {
    match command.name() {
        ModerationCommand::LockRoom => "lock",
        ModerationCommand::UnlockRoom => "unlock",
        ModerationCommand::EndRoom => "end",
        command => command.as_str(),
    }
}

/// A command's request body: its fields without the room, which the path has.
fn command_body(command: &Moderation) -> Value {
    let mut named = serde_json::to_value(command).expect("a command has a JSON form");
    let mut body = named[command.name().as_str()].take();
    let fields = body.as_object_mut().expect("a command is an object under its name");
    fields.remove("room");
    if matches!(command, Moderation::LiftMute(_)) {
        fields.remove("lock"); // Lifting a mute always removes its lock.
    }
    body
}

fn is_about_an_id(rejection: &Rejection) -> bool {
    matches!(&*rejection.code, "participant_not_found" | "stream_not_found")
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use stagedoor_proto::{ForceMute, ModerateRoom, MuteTarget};

    use super::*;

    #[test]
    fn command_body_omits_the_room() {
        let room: RoomId = "lobby".parse().unwrap();
        let who = Who::Username("ada".parse().unwrap());
        let target = MuteTarget::Person { room: room.clone(), who };
        let mute = ForceMute { target, lock: true, ref_: None };
        for (command, path, body) in [
            (
                Moderation::ForceMute(mute.clone()),
                "force_mute",
                json!({ "username": "ada", "lock": true }),
            ),
            (Moderation::LiftMute(mute), "lift_mute", json!({ "username": "ada" })),
            (
                Moderation::LockRoom(ModerateRoom { room: room.clone(), ref_: None }),
                "lock",
                json!({}),
            ),
            (Moderation::EndRoom(ModerateRoom { room, ref_: None }), "end", json!({})),
        ] {
            assert_eq!((path_segment(&command), command_body(&command)), (path, body));
        }
    }
}
