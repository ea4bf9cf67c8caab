//! `rooms show`: a room with its participants and streams, and the ids that moderation commands take.
//!
//! With `--json` it prints the gateway's room object plus `participants` and `streams`. Each stream has the `username`
//! of its owner.

use std::collections::HashMap;

use serde_json::Value;
use stagedoor_proto::RoomId;

use super::super::api::{Api, Call};
use super::super::failure::Failure;
use super::super::lookup::explain_room;
use super::super::printer::{Printer, print_truncated};
use super::super::table::Column;

const PARTICIPANTS: &[Column] = &[
    Column::plain("participant", "/participant/id"),
    Column::plain("user", "/participant/username"),
    Column::plain("role", "/participant/role"),
    Column::plain("link", "/participant/link"),
    Column::plain("state", "/state"),
    Column::plain("mute locked", "/participant/mute_locked"),
];
const STREAMS: &[Column] = &[
    Column::plain("stream", "/id"),
    Column::plain("owner", "/username"),
    Column::plain("participant", "/participant"),
    Column::plain("kind", "/kind"),
    Column::plain("name", "/name"),
    Column::plain("audio", "/has_audio"),
    Column::plain("video", "/has_video"),
    Column::plain("muted", "/muted"),
];

/// Shows the `details` of a room with at most `limit` of its participants, and as many of its streams.
pub(super) fn show(
    api: &Api,
    printer: &mut Printer,
    details: &[Column],
    room: &RoomId,
    limit: usize,
) -> Result<(), Failure> {
    let room = room.as_str();
    let mut shown = explain_room(api, room, api.call(Call::get(&["rooms", room])))?;
    let (participants, more_participants) =
        api.list(limit, || Call::get(&["rooms", room, "participants"]))?;
    let (mut streams, more_streams) = api.list(limit, || Call::get(&["rooms", room, "streams"]))?;
    name_owners(&mut streams, &participants);
    let (listed, published) = (participants.len(), streams.len());
    shown["participants"] = participants.into();
    shown["streams"] = streams.into();
    let tables =
        [("participants", PARTICIPANTS, "/participants"), ("streams", STREAMS, "/streams")];
    printer.with_items(&shown, (details, ""), &tables)?;
    if more_participants {
        print_truncated(listed, "participants ");
    }
    if more_streams {
        print_truncated(published, "streams ");
    }
    Ok(())
}

/// Names the owner of each stream, where that is among `participants`.
fn name_owners(streams: &mut [Value], participants: &[Value]) {
    let owner = |shown: &Value| {
        let Value::String(id) = &shown["participant"]["id"] else { return None };
        Some((id.clone(), shown["participant"]["username"].clone()))
    };
    let owners: HashMap<String, Value> = participants.iter().filter_map(owner).collect();
    for stream in streams {
        let owner = stream["participant"].as_str().and_then(|id| owners.get(id));
        if let Some(owner) = owner.cloned() {
            stream["username"] = owner;
        }
    }
}
