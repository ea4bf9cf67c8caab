//! Pushes about the session itself, and about rooms, participants, streams and signals.

use serde::{Deserialize, Serialize};

use crate::{
    Actor, Capabilities, CloseCode, Counts, Data, LeaveReason, Link, Participant, ParticipantId,
    Role, RoomId, RoomMute, RoomSnapshot, SessionState, SignalType, Stream, StreamEndReason,
    StreamId, Timestamp, Username,
};

/// The session's state changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SessionStateChange {
    /// The state it is in now.
    pub state: SessionState,
    /// Grows by one with each change.
    pub version: u64,
    /// Why it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<CloseCode>,
    /// Why, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A token is about to run out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TokenExpiring {
    /// When it does.
    pub expires_at_ms: Timestamp,
    /// The room whose token it is; absent for the session's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room: Option<RoomId>,
}

/// Somebody entered a room.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ParticipantJoined {
    /// The room.
    pub room: RoomId,
    /// The room's version with this change.
    pub version: u64,
    /// Who.
    pub participant: Participant,
}

/// Somebody left a room for good.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ParticipantLeft {
    /// The room.
    pub room: RoomId,
    /// The room's version with this change.
    pub version: u64,
    /// Who.
    pub participant: ParticipantId,
    /// Why.
    pub reason: LeaveReason,
}

/// A participant's connection was lost, or is back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ParticipantLink {
    /// The room.
    pub room: RoomId,
    /// The room's version with this change.
    pub version: u64,
    /// Who.
    pub participant: ParticipantId,
    /// Whether it is connected.
    pub link: Link,
}

/// A participant's role changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RoleChanged {
    /// The room.
    pub room: RoomId,
    /// The room's version with this change.
    pub version: u64,
    /// Who.
    pub participant: ParticipantId,
    /// What it is now.
    pub role: Role,
    /// What it may do now; told to itself alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capabilities: Option<Capabilities>,
}

/// How many are in a large room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RoomCounts {
    /// The room.
    pub room: RoomId,
    /// The room's version.
    pub version: u64,
    /// How many.
    pub counts: Counts,
}

/// A stream began or changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct StreamChange {
    /// The room.
    pub room: RoomId,
    /// The room's version with this change.
    pub version: u64,
    /// The stream as it is now.
    pub stream: Stream,
}

/// A stream ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct StreamUnpublished {
    /// The room.
    pub room: RoomId,
    /// The room's version with this change.
    pub version: u64,
    /// The stream.
    pub stream: StreamId,
    /// Why.
    pub reason: StreamEndReason,
}

/// Who watches one's own stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct StreamSubscription {
    /// The room.
    pub room: RoomId,
    /// The stream.
    pub stream: StreamId,
    /// Who subscribed, or stopped.
    pub participant: ParticipantId,
}

/// Media negotiation from the other end of a subscription.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Relayed {
    /// The room.
    pub room: RoomId,
    /// The stream it is about.
    pub stream: StreamId,
    /// Who sent it.
    pub from: ParticipantId,
    /// The application's data.
    pub data: Data,
}

/// Who sent a signal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SignalSender {
    /// The participant.
    pub participant: ParticipantId,
    /// Its user.
    pub username: Username,
}

/// An application message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Signal {
    /// The room.
    pub room: RoomId,
    /// Who sent it; null when the server did.
    pub from: Option<SignalSender>,
    /// Its place among the room's signals.
    pub order: u64,
    /// The application's name for its kind.
    #[serde(rename = "type")]
    pub type_: SignalType,
    /// The application's data.
    pub data: Data,
}

/// A room's own settings changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RoomStateChange {
    /// The room.
    pub room: RoomId,
    /// The room's version with this change.
    pub version: u64,
    /// Its standing mute.
    pub mute: RoomMute,
    /// Whether it is locked.
    pub locked: bool,
}

/// What was known of a room is void; here it is anew.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RoomReset {
    /// The room.
    pub room: RoomId,
    /// The room as it is now.
    pub snapshot: RoomSnapshot,
}

/// A room has ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RoomEnded {
    /// The room.
    pub room: RoomId,
    /// Who ended it.
    pub by: Actor,
}

/// The cluster is out of reach, or back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Degraded {
    /// Whether what needs the cluster is refused now.
    pub active: bool,
}
