//! What is told about rooms, participants and streams.

use serde::{Deserialize, Serialize};

use crate::{InvalidText, MAX_LAYOUT_CLASS_CHARS, MAX_LAYOUT_CLASSES, MAX_STREAM_NAME_CHARS};
use crate::{ParticipantId, StreamId, Username};

/// What a participant is in a room.
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

/// What a participant may do, worked out from its role and its grant.
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

/// Whether a participant's session has a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Link {
    /// Connected.
    Live,
    /// Its connection was lost; it may return within its resume window.
    Suspended,
}

/// A participant as the others see it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Participant {
    /// Its id.
    pub id: ParticipantId,
    /// Whose it is.
    pub username: Username,
    /// What it is in the room.
    pub role: Role,
    /// Whether it is connected.
    pub link: Link,
    /// Its connection data: fixed by its room token, or given on joining.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
    /// Whether a moderator's lock keeps its audio off.
    pub mute_locked: bool,
}

/// What a stream carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum StreamKind {
    /// A camera, with or without its microphone.
    Camera,
    /// A screen.
    Screen,
    /// A microphone alone.
    Audio,
    /// Something of the application's own.
    Custom,
}

/// A name for display, of a stream.
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
    /// Whether there are none.
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

/// A stream as everybody in the room sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Stream {
    /// Its id.
    pub id: StreamId,
    /// Who publishes it.
    pub participant: ParticipantId,
    /// What it carries.
    pub kind: StreamKind,
    /// A name for display.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<StreamName>,
    /// Whether its audio is on.
    pub has_audio: bool,
    /// Whether its video is on.
    pub has_video: bool,
    /// Whether a moderator muted it: receivers silence it, whatever its owner does.
    pub muted: bool,
    /// Where it belongs in a layout.
    #[serde(default, skip_serializing_if = "LayoutClasses::is_empty")]
    pub layout_classes: LayoutClasses,
}

/// How many are in a room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Counts {
    /// All participants.
    pub participants: u32,
    /// Those of them who publish.
    pub publishers: u32,
    /// Streams.
    pub streams: u32,
}

/// A room's standing mute, from `force_mute_all`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RoomMute {
    /// Whether later streams start muted.
    pub active: bool,
    /// Whether the muted may not undo it.
    pub lock: bool,
}

/// A room at one version: deltas with a higher version follow it, with no gap and no duplicate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RoomSnapshot {
    /// The place in the room's log up to which this tells.
    pub version: u64,
    /// Who is listed (everyone, up to the roster limit).
    pub participants: Vec<Participant>,
    /// How many there are, listed or not.
    pub counts: Counts,
    /// Every stream the receiver may know of.
    pub streams: Vec<Stream>,
    /// The room's standing mute.
    pub mute: RoomMute,
    /// Whether the room is locked.
    pub locked: bool,
    /// Whether only moderators and the owners of streams are listed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_large: bool,
    /// Where `roster` goes on, when the list was cut.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}
