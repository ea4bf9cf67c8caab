//! Moderation verbs of a room: asked for, waited for, and told with their receipts.

use std::time::Duration;

use clap::Args;
use serde_json::Value;
use stagedoor_proto::{Ref, RoomId};

use super::api::{Api, Call};
use super::connection::Connection;
use super::exit::Exit;
use super::failure::{Failure, Refusal};
use super::lookup::{Kind, explain, in_room};
use super::token::duration;

/// How a verb is done.
#[derive(Debug, Args)]
pub(super) struct Manner {
    #[command(flatten)]
    once: Once,
    /// Wait so long for those who are to acknowledge it, at most 10s.
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "1s")]
    wait: Duration,
}

/// That something is done once, however often it is asked for.
#[derive(Debug, Args)]
pub(super) struct Once {
    /// A name for this call: sent again under it, it is answered again and not done again.
    #[arg(long = "ref", value_name = "REF")]
    pub(super) ref_: Option<Ref>,
}

/// Does the verb of this name in a room, and tells what became of it.
pub(super) fn perform(
    connection: &Connection,
    manner: &Manner,
    room: &RoomId,
    name: &str,
    body: &Value,
) -> Exit {
    connection.run(|api, printer| printer.receipt(&ask(api, manner, room, name, body)?))
}

/// Does the verb of this name in a room; its receipt.
pub(super) fn ask(
    api: &Api,
    manner: &Manner,
    room: &RoomId,
    name: &str,
    body: &Value,
) -> Result<Value, Failure> {
    let room = room.as_str();
    let call = Call::post(&["rooms", room, name], body.clone());
    let call = call.with("wait_ms", &manner.wait.as_millis()).once(manner.once.ref_.as_ref());
    in_room(api, room, api.ask(call)).map_err(|failure| {
        match (failure, body["username"].as_str()) {
            (failure, Some(username)) => explain(api, Kind::In(room), username, failure),
            // An id, which nobody mistypes by a letter: whoever had it has gone.
            (Failure::Refused(refusal), None) if is_about_an_id(&refusal) => {
                let advice = format!("`stagedoor rooms show {room}` lists those there are");
                Failure::Refused(refusal.advised(advice))
            }
            (failure, None) => failure,
        }
    })
}

fn is_about_an_id(refusal: &Refusal) -> bool {
    matches!(&*refusal.code, "participant_not_found" | "stream_not_found")
}
