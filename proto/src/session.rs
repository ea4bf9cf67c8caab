//! A session and its user on the wire.

use serde::{Deserialize, Serialize};

use crate::{Data, InstanceId, SessionId, Timestamp, Username};

/// The state of a session, as the gateway drives it.
///
/// Source: `docs/protocol.md`, "Session states". Only these five names are in camel case on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum SessionState {
    /// No user: before a start, after an end, or rejected.
    NotLoggedIn,
    /// The gateway authenticates the user.
    Establishing,
    /// Authenticated.
    Established,
    /// The access token expired; the client may only renew it or leave rooms.
    TokenExpired,
    /// Ended by the gateway, a moderator or an operator.
    Terminated,
}

/// A user as other users see them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct User {
    /// The unique name.
    pub username: Username,
    /// Whether the user is a guest.
    pub guest: bool,
    /// The display name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Properties that the application set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub properties: Option<Data>,
}

/// A session as its own client sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SessionInfo {
    /// The id of the session; `resume` needs it.
    pub id: SessionId,
    /// The user of the session.
    pub user: User,
    /// The client instance it belongs to.
    pub instance: InstanceId,
    /// The state of the session.
    pub state: SessionState,
    /// When the access token expires.
    pub expires_at_ms: Timestamp,
}

/// The intervals of liveness checks on this connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Heartbeat {
    /// Milliseconds without a received message before the gateway sends a ping.
    pub interval_ms: u64,
    /// Milliseconds without a received message after the ping before the connection is lost.
    pub timeout_ms: u64,
    /// The interval while the session is in a room, in milliseconds.
    pub room_interval_ms: u64,
    /// The timeout while the session is in a room, in milliseconds.
    pub room_timeout_ms: u64,
}

/// The limits of the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SessionLimits {
    /// Maximum size of a received message.
    pub message_in_bytes: u32,
    /// Maximum size of a sent message.
    pub message_out_bytes: u32,
    /// Maximum number of requests that wait for a reply.
    pub in_flight: u16,
    /// Sustained rate of commands per second.
    pub commands_per_s: u32,
    /// Maximum burst of commands.
    pub commands_burst: u32,
    /// Maximum number of rooms of the session.
    pub rooms: u16,
    /// Maximum number of streams of a participant.
    pub streams_per_participant: u16,
}

/// The gateway that answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ServerInfo {
    /// The name of the node.
    pub node: String,
    /// The gateway's version.
    pub version: String,
    /// The clock of the gateway when it answered.
    pub time_ms: Timestamp,
}
