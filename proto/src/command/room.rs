//! Commands of a participant: joining a room, its streams, its signals.
//!
//! Decoding checks the bounds of each field. The gateway checks the bounds on application data and rejects it with
//! `too_large`, because the request is well-formed.

use serde::{Deserialize, Serialize};

use crate::variant::object;
use crate::{
    Data, LayoutClasses, ParticipantId, Ref, RoomId, Secret, SignalType, StreamId, StreamKind,
    StreamName,
};

/// Join a room.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Join {
    /// The id of the room.
    pub room: RoomId,
    /// A room token; without it the grant of the session applies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<Secret>,
    /// Connection data, visible to all participants, at most 1000 characters. The data of a room token overrides it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(
        feature = "schema",
        schemars(extend("maxLength" = crate::MAX_CONNECTION_DATA_CHARS))
    )]
    pub data: Option<String>,
}

/// A command with a room as its only argument.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct InRoom {
    /// The id of the room.
    pub room: RoomId,
}

/// List the participants of a room by page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Roster {
    /// The id of the room.
    pub room: RoomId,
    /// The `next` cursor of the previous page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// Publish a stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Publish {
    /// The id of the room.
    pub room: RoomId,
    /// The stream as its owner describes it.
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
    /// The source of the media.
    pub kind: StreamKind,
    /// Whether its audio is on.
    pub has_audio: bool,
    /// Whether its video is on.
    pub has_video: bool,
    /// The layout classes of the stream.
    #[serde(default, skip_serializing_if = "LayoutClasses::is_empty")]
    pub layout_classes: LayoutClasses,
}

/// Update a stream of this session; absent fields do not change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct UpdateStream {
    /// The id of the stream.
    pub stream: StreamId,
    /// Turns the audio on or off. Off acknowledges a mute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub has_audio: Option<bool>,
    /// Turns the video on or off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub has_video: Option<bool>,
    /// The new display name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<StreamName>,
    /// The new layout classes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layout_classes: Option<LayoutClasses>,
}

impl UpdateStream {
    /// Whether the update only turns audio or video off.
    pub(super) const fn only_turns_off(&self) -> bool {
        let Self { stream: _, has_audio, has_video, name, layout_classes } = self;
        let turns_off = matches!(has_audio, Some(false)) || matches!(has_video, Some(false));
        let turns_on = matches!(has_audio, Some(true)) || matches!(has_video, Some(true));
        turns_off && !turns_on && name.is_none() && layout_classes.is_none()
    }
}

/// A command with a stream as its only argument.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OnStream {
    /// The id of the stream.
    pub stream: StreamId,
    /// The caller's idempotency key, for moderation commands.
    #[serde(default, rename = "ref", skip_serializing_if = "Option::is_none")]
    pub ref_: Option<Ref>,
}

/// Negotiate media with the other end of a subscription.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Relay {
    /// The participant at the other end.
    pub to: ParticipantId,
    /// The stream that is negotiated.
    pub stream: StreamId,
    /// The application's data, at most 48 KiB.
    pub data: Data,
}

/// Send an application message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SendSignal {
    /// The id of the room.
    pub room: RoomId,
    /// The receiver; absent for all other participants.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<ParticipantId>,
    /// The application's name for this kind of signal.
    #[serde(rename = "type")]
    pub type_: SignalType,
    /// The application's data, at most 8192 bytes.
    pub data: Data,
    /// The sender's idempotency key.
    #[serde(default, rename = "ref", skip_serializing_if = "Option::is_none")]
    pub ref_: Option<Ref>,
}
