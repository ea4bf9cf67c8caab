//! Wire types of the Stagedoor protocol, version 1.
//!
//! A text frame has one JSON message. A client sends [`ClientMessage`]s, the gateway [`ServerMessage`]s.
//! This crate defines every name in a message. The JSON Schema and the TypeScript types are generated from it, and
//! `vectors/` has the test cases that the gateway and every client library run.
//!
//! Invariants: decoding never panics and never sizes an allocation by a number of the peer; application data is
//! preserved byte for byte ([`Data`]); unknown fields are ignored; errors name unknown commands.
//!
//! Not here: sockets, clocks, state. The source of each type is `docs/protocol.md`.

#![warn(missing_docs)]
#![deny(clippy::wildcard_enum_match_arm)]

mod close;
mod command;
mod decode;
mod encode;
mod error;
mod id;
mod leave;
mod limits;
mod message;
mod push;
mod reply;
mod room;
#[cfg(feature = "schema")]
pub mod schema;
mod session;
mod text;
mod time;
mod variant;

pub use close::{Action, ClientClose, CloseCode, Disconnect, SessionEnd};
pub use command::*;
pub use decode::{
    DecodeError, MAX_JSON_DEPTH, check_depth, decode_client, decode_server, expectation,
    type_in_words,
};
pub use encode::{
    ResetEncoder, encode_disconnect, encode_ping, encode_push, encode_reply, frame_text,
};
pub use error::{Error, ErrorCode, Scope, delay_ms};
pub use id::{FamilyId, InvalidId, MuteException, ParticipantId, SessionId, StreamId};
pub use leave::{LeaveReason, StreamEndReason};
pub use limits::*;
pub use message::{ClientMessage, Pong, Request, ServerMessage};
pub use push::*;
pub use reply::*;
pub use room::*;
pub use session::*;
pub use text::{Data, InstanceId, InvalidText, Reason, Ref, RoomId, Secret, SignalType, Username};
pub use time::Timestamp;
pub use variant::object;

/// The WebSocket subprotocol of this version, also assumed when a client offers none.
pub const SUBPROTOCOL: &str = "stagedoor.v1.json";
