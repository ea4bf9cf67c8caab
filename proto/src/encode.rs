//! Messages as JSON text.
//!
//! The gateway encodes a reply or push once, as a *body*: the JSON object without its opening brace. A frame of a
//! session is a head (`{` or `{"seq":42,`, see [`frame_text`]) and the body, which many sessions may share.

use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};
use serde_json::value::{RawValue, to_raw_value};

use crate::{
    Capabilities, ClientMessage, Command, Disconnect, Error, ParticipantId, Push, Reply, Request,
    Role, RoomId, RoomSnapshot,
};

/// The body of the reply to request `id`.
#[must_use]
pub fn encode_reply(id: u32, result: &Result<Reply, Error>) -> Vec<u8> {
    #[derive(Serialize)]
    struct Body<'a> {
        id: u32,
        #[serde(skip_serializing_if = "Option::is_none")]
        ok: Option<&'a Reply>,
        #[serde(skip_serializing_if = "Option::is_none")]
        error: Option<&'a Error>,
    }
    body(&Body { id, ok: result.as_ref().ok(), error: result.as_ref().err() })
}

/// The body of a push.
#[must_use]
pub fn encode_push(push: &Push) -> Vec<u8> {
    body(push)
}

/// Encodes `room_reset` for the participants who get the same snapshot, which is encoded once.
pub struct ResetEncoder {
    room: RoomId,
    snapshot: Box<RawValue>,
}

impl ResetEncoder {
    /// Encodes the snapshot of a room.
    #[must_use]
    pub fn new(room: RoomId, snapshot: &RoomSnapshot) -> Self {
        Self { room, snapshot: raw(snapshot) }
    }

    /// The body of the push to one participant.
    #[must_use]
    pub fn body(
        &self,
        participant: ParticipantId,
        role: Role,
        capabilities: Capabilities,
    ) -> Vec<u8> {
        #[derive(Serialize)]
        struct Body<'a> {
            room_reset: Reset<'a>,
        }
        #[derive(Serialize)]
        struct Reset<'a> {
            room: &'a RoomId,
            participant: ParticipantId,
            role: Role,
            capabilities: Capabilities,
            snapshot: &'a RawValue,
        }
        let Self { room, snapshot } = self;
        body(&Body { room_reset: Reset { room, participant, role, capabilities, snapshot } })
    }
}

/// The body of the `disconnect` before a close.
#[must_use]
pub fn encode_disconnect(disconnect: &Disconnect) -> Vec<u8> {
    #[derive(Serialize)]
    struct Body<'a> {
        disconnect: &'a Disconnect,
    }
    body(&Body { disconnect })
}

/// The body of a ping.
#[must_use]
pub const fn encode_ping() -> &'static [u8] {
    br#""ping":{}}"#
}

/// Appends the text of a frame to `out`: its head, with `seq` if there is one, and its body.
pub fn frame_text(seq: Option<u64>, body: &[u8], out: &mut Vec<u8>) {
    match seq {
        None => out.push(b'{'),
        Some(seq) => {
            out.extend_from_slice(b"{\"seq\":");
            out.extend_from_slice(itoa::Buffer::new().format(seq).as_bytes());
            out.push(b',');
        }
    }
    out.extend_from_slice(body);
}

fn raw<T: Serialize>(value: &T) -> Box<RawValue> {
    to_raw_value(value).expect("wire types have a JSON form")
}

fn body<T: Serialize>(message: &T) -> Vec<u8> {
    let mut text = serde_json::to_vec(message).expect("wire types have a JSON form");
    text.remove(0);
    text
}

impl Serialize for ClientMessage {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Pong(pong) => {
                let mut map = serializer.serialize_map(Some(1))?;
                map.serialize_entry("pong", pong)?;
                map.end()
            }
            Self::Request(Request { id, command }) => {
                #[derive(Serialize)]
                struct Flat<'a> {
                    id: u32,
                    #[serde(flatten)]
                    command: &'a Command,
                }
                Flat { id: *id, command }.serialize(serializer)
            }
        }
    }
}
