//! Messages to and from JSON text.
//!
//! The gateway encodes a reply or push once, as a *body*: the JSON object without its opening brace. What a session
//! sends is a head (`{` or `{"seq":42,`, see [`frame_text`]) and then the body, which many sessions may share.

use std::borrow::Cow;
use std::fmt;
use std::io::Write as _;

use serde::de::{self, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::variant::read_variant;
use crate::{Command, Disconnect, Error, ErrorCode, Push, Reply};

/// How much of an unknown command's name an error repeats.
const MAX_NAMED_COMMAND_BYTES: usize = 64;

/// How deep arrays and objects of one message may nest.
pub const MAX_JSON_DEPTH: usize = 32;

/// What a client sends.
#[derive(Clone, Debug, PartialEq)]
pub enum ClientMessage {
    /// A request; exactly one reply follows.
    Request(Request),
    /// The answer to a ping.
    Pong(Pong),
}

/// A command with the number its reply will carry.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// Picked by the client.
    pub id: u32,
    /// What is asked for.
    pub command: Command,
}

/// The answer to a ping.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Pong {
    /// The highest `seq` received; the gateway forgets the frames up to it.
    #[serde(default)]
    pub seq: u64,
}

/// What the gateway sends.
#[derive(Clone, Debug, PartialEq)]
pub enum ServerMessage {
    /// The one answer to a request.
    Reply {
        /// The request's number.
        id: u32,
        /// The frame's number; absent on `started`, `resumed` and refusals of them.
        seq: Option<u64>,
        /// What became of it.
        result: Result<Reply, Error>,
    },
    /// Something happened.
    Push {
        /// The frame's number.
        seq: u64,
        /// What happened.
        push: Box<Push>,
    },
    /// A push this version does not know; its number counts all the same.
    Unknown {
        /// The frame's number.
        seq: u64,
    },
    /// Say that you are there.
    Ping,
    /// A close follows.
    Disconnect(Disconnect),
}

/// Why a text is no message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Not JSON, or not of the shape the protocol says.
    #[error("{message}")]
    Malformed {
        /// The request's number, where it could be read.
        id: Option<u32>,
        /// What was expected, and where.
        message: String,
    },
    /// Arrays and objects nest deeper than [`MAX_JSON_DEPTH`].
    #[error("arrays and objects may nest {MAX_JSON_DEPTH} deep at most")]
    TooDeep,
    /// A well-formed request for something that does not exist.
    #[error("there is no command `{name}`")]
    UnknownCommand {
        /// The request's number.
        id: u32,
        /// What was asked for, cut to 64 bytes.
        name: String,
    },
}

impl DecodeError {
    /// The error a client is told.
    #[must_use]
    pub fn to_error(&self) -> Error {
        let code = match self {
            Self::Malformed { .. } | Self::TooDeep => ErrorCode::Malformed,
            Self::UnknownCommand { .. } => ErrorCode::UnknownCommand,
        };
        Error::new(code, self.to_string())
    }

    /// The number of the request at fault, where it could be read.
    #[must_use]
    pub const fn id(&self) -> Option<u32> {
        match self {
            Self::Malformed { id, .. } => *id,
            Self::TooDeep => None,
            Self::UnknownCommand { id, .. } => Some(*id),
        }
    }
}

/// Reads one message of a client.
///
/// # Errors
/// [`DecodeError`]; the message says what was expected and where.
pub fn decode_client(text: &str) -> Result<ClientMessage, DecodeError> {
    check_depth(text)?;
    match serde_json::from_str::<Envelope>(text) {
        Ok(Envelope { pong: Some(pong), command: None, .. }) => Ok(ClientMessage::Pong(pong)),
        Ok(Envelope { id: Some(id), command: Some(command), pong: None, .. }) => {
            Ok(ClientMessage::Request(Request { id, command }))
        }
        Ok(Envelope { id: Some(id), command: None, unknown: Some(name), pong: None }) => {
            Err(DecodeError::UnknownCommand { id, name })
        }
        Ok(Envelope { id, command, pong, .. }) => {
            let message = match (command, pong) {
                (Some(_), Some(_)) => "a message is one command or one pong, not both",
                (Some(_), None) => "a request needs an `id` (0 to 4294967295) beside its command",
                (None, _) => {
                    r#"expected a request such as {"id":1,"start":{…}} or {"pong":{"seq":1}}"#
                }
            };
            Err(DecodeError::Malformed { id, message: message.to_owned() })
        }
        Err(error) => {
            Err(DecodeError::Malformed { id: request_id(text), message: error.to_string() })
        }
    }
}

/// Reads one message of the gateway.
///
/// # Errors
/// What serde found wrong with it.
pub fn decode_server(text: &str) -> Result<ServerMessage, serde_json::Error> {
    serde_json::from_str(text)
}

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

/// Writes the text of a frame behind what `out` holds: its head, with `seq` where it has one, and its body.
pub fn frame_text(seq: Option<u64>, body: &[u8], out: &mut Vec<u8>) {
    match seq {
        None => out.push(b'{'),
        Some(seq) => {
            out.extend_from_slice(b"{\"seq\":");
            let _ = write!(out, "{seq}"); // Writing to a Vec cannot fail.
            out.push(b',');
        }
    }
    out.extend_from_slice(body);
}

fn body<T: Serialize>(message: &T) -> Vec<u8> {
    let mut text = serde_json::to_vec(message).expect("wire types have a JSON form");
    text.remove(0);
    text
}

fn check_depth(text: &str) -> Result<(), DecodeError> {
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => {
                depth += 1;
                if depth > MAX_JSON_DEPTH {
                    return Err(DecodeError::TooDeep);
                }
            }
            b'}' | b']' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    Ok(())
}

/// The `id` of a message whose rest could not be read, so that the reply can name its request.
fn request_id(text: &str) -> Option<u32> {
    #[derive(Deserialize)]
    struct OnlyId {
        id: u32,
    }
    serde_json::from_str::<OnlyId>(text).ok().map(|only| only.id)
}

/// The keys of a client's message: `id`, and a command or `pong`; others are ignored, the first is remembered.
#[derive(Default)]
struct Envelope {
    id: Option<u32>,
    command: Option<Command>,
    pong: Option<Pong>,
    unknown: Option<String>,
}

impl<'de> Deserialize<'de> for Envelope {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Keys;
        impl<'de> Visitor<'de> for Keys {
            type Value = Envelope;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Envelope, A::Error> {
                let mut seen = Envelope::default();
                while let Some(Key(key)) = map.next_key()? {
                    match &*key {
                        "id" if seen.id.is_some() => return Err(de::Error::duplicate_field("id")),
                        "id" => seen.id = Some(map.next_value()?),
                        "pong" if seen.pong.is_some() => {
                            return Err(de::Error::duplicate_field("pong"));
                        }
                        "pong" => seen.pong = Some(map.next_value()?),
                        name if Command::NAMES.contains(&name) => {
                            if seen.command.is_some() {
                                return Err(de::Error::custom(
                                    "a request has one command, not two",
                                ));
                            }
                            seen.command = Some(read_variant(name, &mut map)?);
                        }
                        name => {
                            map.next_value::<IgnoredAny>()?;
                            seen.unknown.get_or_insert_with(|| {
                                cut(name, MAX_NAMED_COMMAND_BYTES).to_owned()
                            });
                        }
                    }
                }
                Ok(seen)
            }
        }
        deserializer.deserialize_map(Keys)
    }
}

/// A key, borrowed from the text unless it holds escapes.
#[derive(Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

/// At most the first `max` bytes of `text`, whole characters only.
fn cut(text: &str, max: usize) -> &str {
    let mut end = text.len().min(max);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

impl Serialize for ClientMessage {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap;
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

impl<'de> Deserialize<'de> for ServerMessage {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Keys;
        impl<'de> Visitor<'de> for Keys {
            type Value = ServerMessage;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a reply, a push, a ping or a disconnect")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ServerMessage, A::Error> {
                let (mut id, mut seq, mut result, mut push) = (None, None, None, None);
                while let Some(Key(key)) = map.next_key()? {
                    match &*key {
                        "id" => id = Some(map.next_value()?),
                        "seq" => seq = Some(map.next_value()?),
                        "ok" => result = Some(Ok(map.next_value()?)),
                        "error" => result = Some(Err(map.next_value()?)),
                        "ping" => {
                            ignore(map.next_value()?);
                            return ignore_rest(map).map(|()| ServerMessage::Ping);
                        }
                        "disconnect" => {
                            let disconnect = map.next_value()?;
                            return ignore_rest(map)
                                .map(|()| ServerMessage::Disconnect(disconnect));
                        }
                        name if Push::NAMES.contains(&name) => {
                            push = Some(read_variant(name, &mut map)?);
                        }
                        _ => ignore(map.next_value()?),
                    }
                }
                match (id, seq, result, push) {
                    (Some(id), seq, Some(result), None) => {
                        Ok(ServerMessage::Reply { id, seq, result })
                    }
                    (None, Some(seq), None, Some(push)) => {
                        Ok(ServerMessage::Push { seq, push: Box::new(push) })
                    }
                    (None, Some(seq), None, None) => Ok(ServerMessage::Unknown { seq }),
                    _ => Err(de::Error::custom(
                        "neither a reply, nor a push, a ping or a disconnect",
                    )),
                }
            }
        }
        deserializer.deserialize_map(Keys)
    }
}

const fn ignore(_: IgnoredAny) {}

fn ignore_rest<'de, A: MapAccess<'de>>(mut map: A) -> Result<(), A::Error> {
    while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
    Ok(())
}
