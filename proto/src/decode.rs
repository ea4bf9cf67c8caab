//! JSON text as messages.
//!
//! Decoding reads a text once and allocates only what the message owns. [`fault`] reads a rejected text again, to say
//! where it is wrong and what was expected. Invariants: no panic; no allocation sized by a number in the text;
//! application data is unchanged; each known key occurs at most once in its object.

mod envelope;
mod fault;

use crate::variant::object;
use crate::{ClientMessage, Error, ErrorCode, Request, ServerMessage};
use envelope::{Envelope, OnlyId};
use fault::Fault;
pub use fault::{expectation, type_in_words};

/// Maximum nesting depth of arrays and objects in one message.
pub const MAX_JSON_DEPTH: usize = 32;

/// Why a text is not a message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Not JSON, or not a message of the protocol.
    #[error("{message}")]
    Malformed {
        /// The id of the request, if it could be read.
        id: Option<u32>,
        /// The field at fault, as a path from the message: `join.room`.
        field: Option<String>,
        /// What was expected, and where. It never repeats a value of the message.
        message: String,
    },
    /// A well-formed request with a text that breaks its rule, such as a username with a control character.
    #[error("{message}")]
    InvalidArgument {
        /// The id of the request.
        id: u32,
        /// The field at fault, as a path from the message: `start.username`.
        field: Option<String>,
        /// The rule.
        message: String,
    },
    /// Arrays and objects nest deeper than [`MAX_JSON_DEPTH`].
    #[error("arrays and objects may be nested at most {MAX_JSON_DEPTH} levels deep")]
    TooDeep {
        /// The id of the request, if it could be read.
        id: Option<u32>,
    },
    /// A well-formed request with an unknown command.
    #[error("unknown command `{name}`")]
    UnknownCommand {
        /// The id of the request.
        id: u32,
        /// The name of the command, cut to 64 bytes.
        name: String,
    },
}

impl DecodeError {
    /// The error that the client receives.
    #[must_use]
    pub fn to_error(&self) -> Error {
        let code = match self {
            Self::Malformed { .. } | Self::TooDeep { id: None } => ErrorCode::Malformed,
            Self::InvalidArgument { .. } => ErrorCode::InvalidArgument,
            Self::TooDeep { id: Some(_) } => ErrorCode::TooLarge,
            Self::UnknownCommand { .. } => ErrorCode::UnknownCommand,
        };
        let error = Error::new(code, self.to_string());
        match self {
            Self::Malformed { field: Some(field), .. }
            | Self::InvalidArgument { field: Some(field), .. } => error.at(field),
            Self::Malformed { field: None, .. }
            | Self::InvalidArgument { field: None, .. }
            | Self::TooDeep { .. }
            | Self::UnknownCommand { .. } => error,
        }
    }

    /// The id of the rejected request, if it could be read.
    #[must_use]
    pub const fn id(&self) -> Option<u32> {
        match self {
            Self::Malformed { id, .. } | Self::TooDeep { id } => *id,
            Self::InvalidArgument { id, .. } | Self::UnknownCommand { id, .. } => Some(*id),
        }
    }
}

/// Reads one message of a client.
///
/// # Errors
/// [`DecodeError`]; the message says what was expected and where.
pub fn decode_client(text: &str) -> Result<ClientMessage, DecodeError> {
    check_depth(text.as_bytes()).map_err(|_| DecodeError::TooDeep { id: request_id(text) })?;
    match serde_json::from_str::<Envelope>(text) {
        Ok(Envelope { pong: Some(pong), command: None, .. }) => Ok(ClientMessage::Pong(pong)),
        Ok(Envelope { id: Some(id), command: Some(command), pong: None, .. }) => {
            Ok(ClientMessage::Request(Request { id, command }))
        }
        Ok(Envelope { id: Some(id), command: None, unknown: Some(name), pong: None }) => {
            Err(DecodeError::UnknownCommand { id, name })
        }
        Ok(envelope) => Err(incomplete(&envelope)),
        Err(error) => {
            let Fault { field, message, is_value } = fault::find::<Envelope>(text, &error);
            Err(match request_id(text) {
                Some(id) if is_value => DecodeError::InvalidArgument { id, field, message },
                id => DecodeError::Malformed { id, field, message },
            })
        }
    }
}

/// Reads one message of the gateway.
///
/// # Errors
/// What was expected, and where.
pub fn decode_server(text: &str) -> Result<ServerMessage, serde_json::Error> {
    serde_json::from_str(text).map_err(|error| {
        serde::de::Error::custom(fault::find::<ServerMessage>(text, &error).message)
    })
}

/// Reports keys that are valid one by one, but not together.
fn incomplete(envelope: &Envelope) -> DecodeError {
    let (field, message) = match (&envelope.command, &envelope.pong) {
        (Some(_), Some(_)) => (None, "a message has one command or one pong, not both"),
        (Some(_), None) => {
            (Some("id"), "a request needs an `id` (0 to 4294967295) with its command")
        }
        (None, _) => {
            (None, r#"expected a request such as {"id":1,"start":{…}} or {"pong":{"seq":1}}"#)
        }
    };
    DecodeError::Malformed {
        id: envelope.id,
        field: field.map(str::to_owned),
        message: message.to_owned(),
    }
}

/// Checks that arrays and objects of a JSON text nest no deeper than [`MAX_JSON_DEPTH`].
///
/// # Errors
/// [`DecodeError::TooDeep`]. It does not check whether the text is JSON.
pub fn check_depth(text: &[u8]) -> Result<(), DecodeError> {
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for &byte in text {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => {
                depth += 1;
                if depth > MAX_JSON_DEPTH {
                    return Err(DecodeError::TooDeep { id: None });
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
    let mut reader = serde_json::Deserializer::from_str(text);
    let only: OnlyId = object(&mut reader).ok()?;
    reader.end().ok().map(|()| only.id)
}
