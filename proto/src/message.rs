//! The messages of a client and of the gateway.
//!
//! Invariant: a message is a key next to its number in one object (`{"id":7,"join":{…}}`); the key names its kind.
//! Not here: decoding (`decode`) and encoding (`encode`).

use serde::{Deserialize, Serialize};

use crate::{Command, Disconnect, Error, Push, Reply};

/// A message of a client.
#[derive(Clone, Debug, PartialEq)]
pub enum ClientMessage {
    /// A request; exactly one reply follows.
    Request(Request),
    /// The answer to a ping.
    Pong(Pong),
}

/// A command with the id of its reply.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// Chosen by the client.
    pub id: u32,
    /// The command and its arguments.
    pub command: Command,
}

/// The answer to a ping.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Pong {
    /// The highest `seq` received. The gateway removes frames up to it from the replay buffer.
    #[serde(default)]
    pub seq: u64,
}

/// A message of the gateway.
#[derive(Clone, Debug, PartialEq)]
pub enum ServerMessage {
    /// The reply to a request.
    Reply {
        /// The id of the request.
        id: u32,
        /// The number of the frame; absent for the reply to `start`, `resume` or `ping`, errors included.
        seq: Option<u64>,
        /// The result of the request.
        result: Result<Reply, Error>,
    },
    /// A push.
    Push {
        /// The number of the frame.
        seq: u64,
        /// The event.
        push: Box<Push>,
    },
    /// A push that this version does not know; its `seq` counts too.
    Unknown {
        /// The number of the frame.
        seq: u64,
    },
    /// A liveness check; the client answers with a pong.
    Ping,
    /// The reason of the close that follows.
    Disconnect(Disconnect),
}
