//! What is told about a session and its user.

use serde::{Deserialize, Serialize};

use crate::{Data, InstanceId, SessionId, Timestamp, Username};

/// The state of a session, as the gateway drives it.
///
/// Source: `docs/protocol.md`, "Session states". These five names are the only ones in camel case on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum SessionState {
    /// Nobody: before a start, after an end, or refused.
    NotLoggedIn,
    /// Credentials are being checked.
    Establishing,
    /// Let in.
    Established,
    /// The access token ran out; only renewing and leaving are possible.
    TokenExpired,
    /// Ended by somebody else.
    Terminated,
}

/// A user as everybody may see them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct User {
    /// The unique name.
    pub username: Username,
    /// Whether the name is only borrowed.
    pub guest: bool,
    /// A name for display.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What the application says of the user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub properties: Option<Data>,
}

/// A session as its own client sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SessionInfo {
    /// The session's id, kept to resume it.
    pub id: SessionId,
    /// Whose session it is.
    pub user: User,
    /// The client instance it belongs to.
    pub instance: InstanceId,
    /// Where it stands.
    pub state: SessionState,
    /// When its access token runs out.
    pub expires_at_ms: Timestamp,
}

/// How life is checked on this connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Heartbeat {
    /// A ping comes after so long without anything received.
    pub interval_ms: u64,
    /// The connection is lost when nothing comes for so long after that.
    pub timeout_ms: u64,
    /// The interval while in a room.
    pub room_interval_ms: u64,
    /// The timeout while in a room.
    pub room_timeout_ms: u64,
}

/// The bounds this session is held to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SessionLimits {
    /// Largest message the gateway takes.
    pub message_in_bytes: u32,
    /// Largest message the gateway sends.
    pub message_out_bytes: u32,
    /// Requests that may wait for their reply at a time.
    pub in_flight: u16,
    /// Commands a second, sustained.
    pub commands_per_s: u32,
    /// Commands at once, after a pause.
    pub commands_burst: u32,
    /// Rooms a session may be in.
    pub rooms: u16,
    /// Streams a participant may publish.
    pub streams_per_participant: u16,
}

/// The gateway that answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ServerInfo {
    /// The node's name.
    pub node: String,
    /// The gateway's version.
    pub version: String,
    /// Its clock when it answered.
    pub time_ms: Timestamp,
}
