//! The two kinds of messages: what a client sends, and what the gateway sends.
//!
//! Invariant: a message stands beside its number in one object (`{"id":7,"join":{…}}`), so its kind is the name of a key.
//! Not here: reading them (`decode`) and writing them (`encode`).

use serde::{Deserialize, Serialize};

use crate::{Command, Disconnect, Error, Push, Reply};

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
