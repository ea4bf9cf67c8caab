//! Moderation verbs of a room: asked for, waited for, and told with their receipts.

use std::time::Duration;

use clap::Args;
use serde_json::Value;
use stagedoor_proto::{ModerateRoom, ParticipantId, Ref, RoomId, Username, Verb, Who};

use super::api::{Api, Call};
use super::connection::Connection;
use super::exit::Exit;
use super::failure::{Failure, Refusal};
use super::lookup::{Kind, explain, in_room};
use super::token::duration;
use crate::room::Moderation;

/// How a verb is done.
#[derive(Debug, Args)]
pub(super) struct ModerationOptions {
    #[command(flatten)]
    once: IdempotencyOption,
    /// Wait so long for those who are to acknowledge it, at most 10s.
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "1s")]
    wait: Duration,
}

/// That something is done once, however often it is asked for.
#[derive(Debug, Args)]
pub(super) struct IdempotencyOption {
    /// A name for this call: sent again under it, it is answered again and not done again.
    #[arg(long = "ref", value_name = "REF")]
    pub(super) ref_: Option<Ref>,
}

/// Does a verb in a room, and tells what became of it.
pub(super) fn perform(
    connection: &Connection,
    options: &ModerationOptions,
    room: &RoomId,
    command: &Moderation,
) -> Exit {
    connection.run(|api, printer| printer.receipt(&ask(api, options, room, command)?))
}

/// Does a verb in a room; its receipt.
pub(super) fn ask(
    api: &Api,
    options: &ModerationOptions,
    room: &RoomId,
    command: &Moderation,
) -> Result<Value, Failure> {
    let (room, body) = (room.as_str(), body_of(command));
    let call = Call::post(&["rooms", room, last_part(command)], &body);
    let call = call.with("wait_ms", &options.wait.as_millis()).once(options.once.ref_.as_ref());
    in_room(api, room, api.ask(call)).map_err(|failure| {
        match (failure, body["username"].as_str()) {
            (failure, Some(username)) => explain(api, Kind::In(room), username, failure),
            // An id, which nobody mistypes by a letter: whoever had it has gone.
            (Failure::Refused(refusal), None) if is_about_an_id(&refusal) => {
                let hint = format!("`stagedoor rooms show {room}` lists those there are");
                Failure::Refused(refusal.with_hint(hint))
            }
            (failure, None) => failure,
        }
    })
}

/// A verb that is about a room and nothing else.
pub(super) const fn on_room(room: RoomId) -> ModerateRoom {
    ModerateRoom { room, ref_: None }
}

/// Whom the arguments name, if anybody.
pub(super) fn who(participant: Option<ParticipantId>, user: Option<Username>) -> Option<Who> {
    participant.map(Who::Participant).or(user.map(Who::Username))
}

/// The last part of a verb's path.
const fn last_part(command: &Moderation) -> &'static str {
    match command.verb() {
        Verb::LockRoom => "lock",
        Verb::UnlockRoom => "unlock",
        Verb::EndRoom => "end",
        verb => verb.as_str(),
    }
}

/// The body of a verb's call: the command without its room, which stands in the path.
fn body_of(command: &Moderation) -> Value {
    let mut named = serde_json::to_value(command).expect("a command has a JSON form");
    let mut body = named[command.verb().as_str()].take();
    let fields = body.as_object_mut().expect("a command is an object under its name");
    fields.remove("room");
    if matches!(command, Moderation::LiftMute(_)) {
        fields.remove("lock"); // A lift takes it away, whatever it was.
    }
    body
}

fn is_about_an_id(refusal: &Refusal) -> bool {
    matches!(&*refusal.code, "participant_not_found" | "stream_not_found")
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use stagedoor_proto::{ForceMute, MuteTarget};

    use super::*;

    #[test]
    fn body_is_the_command_without_what_stands_in_the_path() {
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
            (Moderation::LockRoom(on_room(room.clone())), "lock", json!({})),
            (Moderation::EndRoom(on_room(room)), "end", json!({})),
        ] {
            assert_eq!((last_part(&command), body_of(&command)), (path, body));
        }
    }
}
