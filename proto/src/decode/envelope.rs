//! The outer object of a message: its keys, and their valid combinations.
//!
//! Written by hand, because the name of a command or push is a key next to `id` or `seq`, in any order, and its body
//! is read in place: buffering it would copy the application's data and lose its exact bytes.

use std::borrow::Cow;
use std::fmt;

use serde::de::{self, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::variant::{object_value, read_variant};
use crate::{Command, Disconnect, Error, Ping, Pong, Push, Reply, ServerMessage};

/// Maximum length of an unknown command's name in an error.
const MAX_NAMED_COMMAND_BYTES: usize = 64;

const TWO_COMMANDS: &str = "a request has one command, not two";

/// Only the id of a request.
#[derive(Deserialize)]
pub(super) struct OnlyId {
    pub(super) id: u32,
}

/// The keys of a client's message: `id`, and a command or `pong`. Other keys are ignored; `unknown` has the first one.
#[derive(Default)]
pub(super) struct Envelope {
    pub(super) id: Option<u32>,
    pub(super) command: Option<Command>,
    pub(super) pong: Option<Pong>,
    /// The first unknown key: the name of the unknown command, if there is no command.
    pub(super) unknown: Option<String>,
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
                        "id" => fill(&mut seen.id, "id", || map.next_value())?,
                        "pong" => fill(&mut seen.pong, "pong", || object_value(&mut map))?,
                        name if Command::NAMES.contains(&name) => {
                            if seen.command.is_some() {
                                return Err(de::Error::custom(TWO_COMMANDS));
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

/// The keys of a message of the gateway.
#[derive(Default)]
struct Parts {
    id: Option<u32>,
    seq: Option<u64>,
    ok: Option<Reply>,
    error: Option<Error>,
    push: Option<Box<Push>>,
    ping: Option<Ping>,
    disconnect: Option<Disconnect>,
}

impl<'de> Deserialize<'de> for ServerMessage {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Keys;
        impl<'de> Visitor<'de> for Keys {
            type Value = ServerMessage;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ServerMessage, A::Error> {
                let mut seen = Parts::default();
                while let Some(Key(key)) = map.next_key()? {
                    match &*key {
                        "id" => fill(&mut seen.id, "id", || map.next_value())?,
                        "seq" => fill(&mut seen.seq, "seq", || map.next_value())?,
                        "ok" => fill(&mut seen.ok, "ok", || map.next_value())?,
                        "error" => fill(&mut seen.error, "error", || object_value(&mut map))?,
                        "ping" => fill(&mut seen.ping, "ping", || object_value(&mut map))?,
                        "disconnect" => {
                            fill(&mut seen.disconnect, "disconnect", || object_value(&mut map))?;
                        }
                        name if Push::NAMES.contains(&name) => {
                            if seen.push.is_some() {
                                return Err(de::Error::custom("a message has one push, not two"));
                            }
                            seen.push = Some(Box::new(read_variant(name, &mut map)?));
                        }
                        _ => {
                            map.next_value::<IgnoredAny>()?;
                        }
                    }
                }
                seen.into_message().ok_or_else(|| de::Error::custom(NO_MESSAGE))
            }
        }
        deserializer.deserialize_map(Keys)
    }
}

const NO_MESSAGE: &str = "a message has one reply, push, ping or disconnect";

impl Parts {
    fn into_message(self) -> Option<ServerMessage> {
        let Self { id, seq, ok, error, push, ping, disconnect } = self;
        match (id, seq, ok, error, push, ping, disconnect) {
            (Some(id), seq, Some(reply), None, None, None, None) => {
                Some(ServerMessage::Reply { id, seq, result: Ok(reply) })
            }
            (Some(id), seq, None, Some(error), None, None, None) => {
                Some(ServerMessage::Reply { id, seq, result: Err(error) })
            }
            (None, Some(seq), None, None, Some(push), None, None) => {
                Some(ServerMessage::Push { seq, push })
            }
            (None, Some(seq), None, None, None, None, None) => Some(ServerMessage::Unknown { seq }),
            (None, None, None, None, None, Some(Ping {}), None) => Some(ServerMessage::Ping),
            (None, None, None, None, None, None, Some(disconnect)) => {
                Some(ServerMessage::Disconnect(disconnect))
            }
            _ => None,
        }
    }
}

/// Reads the value of a key, and rejects a second occurrence.
fn fill<T, E: de::Error>(
    place: &mut Option<T>,
    key: &'static str,
    read: impl FnOnce() -> Result<T, E>,
) -> Result<(), E> {
    if place.is_some() {
        return Err(E::duplicate_field(key));
    }
    *place = Some(read()?);
    Ok(())
}

/// A key, borrowed from the text unless it has escapes.
struct Key<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Key<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl<'de> Visitor<'de> for Text {
            type Value = Key<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }
            fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Borrowed(text)))
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Owned(text.to_owned())))
            }
        }
        // Not derived for a newtype: the tracker of an error's path must see a text.
        deserializer.deserialize_str(Text)
    }
}

/// The first characters of `text`, at most `max` bytes.
fn cut(text: &str, max: usize) -> &str {
    let mut end = text.len().min(max);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}
