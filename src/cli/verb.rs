//! Moderation verbs of a room: asked for, waited for, and told with their receipts.

use std::time::Duration;

use clap::Args;
use serde_json::Value;
use stagedoor_proto::{Ref, RoomId};

use super::Exit;
use super::api::Call;
use super::connection::Connection;
use super::token::duration;
use super::unknown::in_room;

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

/// Does the verb of this name in a room.
pub(super) fn perform(
    connection: &Connection,
    manner: &Manner,
    room: &RoomId,
    name: &str,
    body: &Value,
) -> Exit {
    let room = room.as_str();
    connection.run(|api, printer| {
        let call = Call::post(&["rooms", room, name], body.clone());
        let call = call.with("wait_ms", &manner.wait.as_millis()).once(manner.once.ref_.as_ref());
        printer.receipt(&in_room(api, room, api.ask(call))?)
    })
}
