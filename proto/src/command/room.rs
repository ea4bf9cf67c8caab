//! Commands of a participant: entering a room, its streams, its signals.
//!
//! Bounds that are a field's own form are checked in decoding; bounds on the application's data are the gateway's to
//! refuse, with `too_large`, because the request as such is well-formed.

use serde::{Deserialize, Serialize};

use crate::variant::object;
use crate::{
    Data, LayoutClasses, ParticipantId, Ref, RoomId, Secret, SignalType, StreamId, StreamKind,
    StreamName,
};

/// Enter a room.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Join {
    /// The room.
    pub room: RoomId,
    /// A room token; without it the session's grant decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<Secret>,
    /// Connection data, shown to all; a token's wins over it. At most 1000 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(
        feature = "schema",
        schemars(extend("maxLength" = crate::MAX_CONNECTION_DATA_CHARS))
    )]
    pub data: Option<String>,
}

/// A command about a room and nothing else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct InRoom {
    /// The room.
    pub room: RoomId,
}

/// Page through everybody in a room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Roster {
    /// The room.
    pub room: RoomId,
    /// The `next` of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// Publish a stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Publish {
    /// The room.
    pub room: RoomId,
    /// What is published.
    #[serde(deserialize_with = "object")]
    pub stream: NewStream,
}

/// A stream as its owner describes it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct NewStream {
    /// A name for display.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<StreamName>,
    /// What it carries.
    pub kind: StreamKind,
    /// Whether its audio is on.
    pub has_audio: bool,
    /// Whether its video is on.
    pub has_video: bool,
    /// Where it belongs in a layout.
    #[serde(default, skip_serializing_if = "LayoutClasses::is_empty")]
    pub layout_classes: LayoutClasses,
}

/// Change one's own stream; what is absent stays.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct UpdateStream {
    /// The stream.
    pub stream: StreamId,
    /// Turn its audio on or off. Off acknowledges a mute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub has_audio: Option<bool>,
    /// Turn its video on or off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub has_video: Option<bool>,
    /// Rename it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<StreamName>,
    /// Move it in the layout.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layout_classes: Option<LayoutClasses>,
}

impl UpdateStream {
    /// Whether it turns audio or video on.
    pub(super) const fn turns_on(&self) -> bool {
        matches!(self.has_audio, Some(true)) || matches!(self.has_video, Some(true))
    }
}

/// A command about a stream and nothing else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OnStream {
    /// The stream.
    pub stream: StreamId,
    /// The caller's idempotency key, for moderation commands.
    #[serde(default, rename = "ref", skip_serializing_if = "Option::is_none")]
    pub ref_: Option<Ref>,
}

/// Negotiate media with the other end of a subscription.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Relay {
    /// The other end.
    pub to: ParticipantId,
    /// The stream it is about.
    pub stream: StreamId,
    /// The application's data, at most 48 KiB.
    pub data: Data,
}

/// Send an application message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SendSignal {
    /// The room.
    pub room: RoomId,
    /// One participant; absent for everybody else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<ParticipantId>,
    /// The application's name for its kind.
    #[serde(rename = "type")]
    pub type_: SignalType,
    /// The application's data, at most 8192 bytes.
    pub data: Data,
    /// The sender's idempotency key.
    #[serde(default, rename = "ref", skip_serializing_if = "Option::is_none")]
    pub ref_: Option<Ref>,
}
