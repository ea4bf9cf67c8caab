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
    /// The current state.
    pub state: SessionState,
    /// Increases by one with each change.
    pub version: u64,
    /// The name of the close code, if the session ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<CloseCode>,
    /// The reason for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A token is about to expire.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TokenExpiring {
    /// When the token expires.
    pub expires_at_ms: Timestamp,
    /// The room of a room token; absent for the token of the session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room: Option<RoomId>,
}

/// A participant joined a room.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ParticipantJoined {
    /// The id of the room.
    pub room: RoomId,
    /// The room's version with this change.
    pub version: u64,
    /// The participant.
    pub participant: Participant,
}

/// A participant left a room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ParticipantLeft {
    /// The id of the room.
    pub room: RoomId,
    /// The room's version with this change.
    pub version: u64,
    /// The participant.
    pub participant: ParticipantId,
    /// The reason.
    pub reason: LeaveReason,
}

/// A participant's connection was lost or resumed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ParticipantLink {
    /// The id of the room.
    pub room: RoomId,
    /// The room's version with this change.
    pub version: u64,
    /// The participant.
    pub participant: ParticipantId,
    /// Whether the session is connected.
    pub link: Link,
}

/// A participant's role changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RoleChanged {
    /// The id of the room.
    pub room: RoomId,
    /// The room's version with this change.
    pub version: u64,
    /// The participant.
    pub participant: ParticipantId,
    /// The new role.
    pub role: Role,
    /// The new capabilities; only for the participant itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capabilities: Option<Capabilities>,
}

/// The counts of a large room changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RoomCounts {
    /// The id of the room.
    pub room: RoomId,
    /// The version of the room.
    pub version: u64,
    /// The counts.
    pub counts: Counts,
}

/// A stream was published or updated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct StreamChange {
    /// The id of the room.
    pub room: RoomId,
    /// The room's version with this change.
    pub version: u64,
    /// The current state of the stream.
    pub stream: Stream,
}

/// A stream ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct StreamUnpublished {
    /// The id of the room.
    pub room: RoomId,
    /// The room's version with this change.
    pub version: u64,
    /// The id of the stream.
    pub stream: StreamId,
    /// The reason.
    pub reason: StreamEndReason,
}

/// A participant subscribed to a stream of this session, or unsubscribed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct StreamSubscription {
    /// The id of the room.
    pub room: RoomId,
    /// The id of the stream.
    pub stream: StreamId,
    /// The subscriber.
    pub participant: ParticipantId,
}

/// Media negotiation from the other end of a subscription.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Relayed {
    /// The id of the room.
    pub room: RoomId,
    /// The stream that is negotiated.
    pub stream: StreamId,
    /// The sender.
    pub from: ParticipantId,
    /// The application's data.
    pub data: Data,
}

/// The sender of a signal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SignalSender {
    /// The id of the participant.
    pub participant: ParticipantId,
    /// The name of its user.
    pub username: Username,
}

/// An application message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Signal {
    /// The id of the room.
    pub room: RoomId,
    /// The sender; null for the server.
    pub from: Option<SignalSender>,
    /// The position among the signals of the room.
    pub order: u64,
    /// The application's name for this kind of signal.
    #[serde(rename = "type")]
    pub type_: SignalType,
    /// The application's data.
    pub data: Data,
}

/// The mute or the lock of a room changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RoomStateChange {
    /// The id of the room.
    pub room: RoomId,
    /// The room's version with this change.
    pub version: u64,
    /// The mute of the room.
    pub mute: RoomMute,
    /// Whether the room rejects new participants.
    pub locked: bool,
}

/// The current state of a room, which replaces the state that the client knows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RoomReset {
    /// The id of the room.
    pub room: RoomId,
    /// The id of the receiver's participant.
    pub participant: ParticipantId,
    /// The role of the receiver.
    pub role: Role,
    /// The capabilities of the receiver.
    pub capabilities: Capabilities,
    /// The current state of the room.
    pub snapshot: RoomSnapshot,
}

/// A room has ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RoomEnded {
    /// The id of the room.
    pub room: RoomId,
    /// The actor.
    pub by: Actor,
}

/// The cluster became unreachable or reachable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Degraded {
    /// Whether commands that need the cluster are rejected now.
    pub active: bool,
}
