//! Rooms, participants and streams on the wire.

use serde::{Deserialize, Serialize};

use crate::{InvalidText, MAX_LAYOUT_CLASS_CHARS, MAX_LAYOUT_CLASSES, MAX_STREAM_NAME_CHARS};
use crate::{ParticipantId, RoomId, StreamId, Username};

/// The role of a participant in a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Subscribes to streams.
    Subscriber,
    /// Publishes, and subscribes to streams.
    Publisher,
    /// Publishes only: receives no streams of others and sends no signals.
    PublisherOnly,
    /// Publishes, subscribes and moderates.
    Moderator,
}

/// What a participant may do, from its role and its grant.
#[expect(
    clippy::struct_excessive_bools,
    reason = "four independent answers, each of its own name on the wire"
)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Capabilities {
    /// Publish streams.
    pub publish: bool,
    /// Subscribe to streams.
    pub subscribe: bool,
    /// Send signals.
    pub signal: bool,
    /// Use the moderation commands.
    pub moderate: bool,
}

/// The session's own participant in a room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OwnParticipant {
    /// The id of the room.
    pub room: RoomId,
    /// The id of the participant.
    pub participant: ParticipantId,
    /// The role of the participant.
    pub role: Role,
    /// The capabilities of the participant.
    pub capabilities: Capabilities,
}

/// Whether a participant's session has a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Link {
    /// Connected.
    Live,
    /// Disconnected; the session can be resumed within its resume window.
    Suspended,
}

/// A participant as other participants see it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Participant {
    /// The id.
    pub id: ParticipantId,
    /// The name of the user.
    pub username: Username,
    /// The role in the room.
    pub role: Role,
    /// Whether the session is connected.
    pub link: Link,
    /// The connection data, from the room token or from `join`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
    /// Whether a moderator locked the mute of its audio.
    pub mute_locked: bool,
}

/// The source of the media of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum StreamKind {
    /// A camera, with or without its microphone.
    Camera,
    /// A screen.
    Screen,
    /// A microphone only.
    Audio,
    /// A kind that the application defines.
    Custom,
}

/// The display name of a stream, at most 256 characters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(try_from = "String", into = "String")]
#[cfg_attr(feature = "schema", schemars(extend("maxLength" = MAX_STREAM_NAME_CHARS)))]
pub struct StreamName(String);

impl TryFrom<String> for StreamName {
    type Error = InvalidText;
    fn try_from(text: String) -> Result<Self, InvalidText> {
        if text.chars().count() <= MAX_STREAM_NAME_CHARS {
            Ok(Self(text))
        } else {
            Err(InvalidText { kind: "name", rule: "at most 256 characters" })
        }
    }
}

impl From<StreamName> for String {
    fn from(name: StreamName) -> Self {
        name.0
    }
}

/// The layout classes of a stream: at most 16, each of 1 to 64 characters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
#[cfg_attr(feature = "schema", schemars(extend(
    "maxItems" = MAX_LAYOUT_CLASSES,
    "items" = { "type": "string", "minLength": 1, "maxLength": MAX_LAYOUT_CLASS_CHARS },
)))]
pub struct LayoutClasses(Vec<String>);

impl LayoutClasses {
    /// Whether the list is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl TryFrom<Vec<String>> for LayoutClasses {
    type Error = InvalidText;
    fn try_from(classes: Vec<String>) -> Result<Self, InvalidText> {
        let fits = |class: &String| (1..=MAX_LAYOUT_CLASS_CHARS).contains(&class.chars().count());
        if classes.len() <= MAX_LAYOUT_CLASSES && classes.iter().all(fits) {
            Ok(Self(classes))
        } else {
            Err(InvalidText {
                kind: "layout_classes",
                rule: "at most 16 classes of 1 to 64 characters",
            })
        }
    }
}

impl From<LayoutClasses> for Vec<String> {
    fn from(classes: LayoutClasses) -> Self {
        classes.0
    }
}

/// A stream as the participants of the room see it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Stream {
    /// The id.
    pub id: StreamId,
    /// The owner of the stream.
    pub participant: ParticipantId,
    /// The source of the media.
    pub kind: StreamKind,
    /// The display name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<StreamName>,
    /// Whether its audio is on.
    pub has_audio: bool,
    /// Whether its video is on.
    pub has_video: bool,
    /// Whether a moderator muted the stream: receivers silence it, regardless of its owner.
    pub muted: bool,
    /// The layout classes of the stream.
    #[serde(default, skip_serializing_if = "LayoutClasses::is_empty")]
    pub layout_classes: LayoutClasses,
}

/// Numbers of participants and streams in a room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Counts {
    /// Number of participants.
    pub participants: u32,
    /// Number of participants with streams.
    pub publishers: u32,
    /// Number of streams.
    pub streams: u32,
}

/// The mute of a room, set by `force_mute_all`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RoomMute {
    /// Whether later streams start muted.
    pub active: bool,
    /// Whether the owners are kept from undoing the mute.
    pub lock: bool,
}

/// The state of a room at one version. Deltas with higher versions follow, without gaps or duplicates.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RoomSnapshot {
    /// The version of the room that the snapshot reflects.
    pub version: u64,
    /// The listed participants: all of them, up to the roster limit.
    pub participants: Vec<Participant>,
    /// The numbers of all participants and streams, listed or not.
    pub counts: Counts,
    /// The streams that are visible to the receiver.
    pub streams: Vec<Stream>,
    /// The mute of the room.
    pub mute: RoomMute,
    /// Whether the room rejects new participants.
    pub locked: bool,
    /// Whether the room is large: only moderators and the owners of streams are listed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_large: bool,
    /// The `after` cursor of `roster`, if the list was cut.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}
