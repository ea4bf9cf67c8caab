//! Commands of a moderator.
//!
//! Invariant: a command has one target. The wire offers alternatives (`participant` or `username`, `stream` or a
//! participant in a room); a command with none or two of them is malformed, so that no gateway has to choose.

use serde::{Deserialize, Deserializer, Serialize, de};

use crate::variant::object;
use crate::{
    InvalidText, MAX_MUTE_EXCEPTIONS, ParticipantId, Reason, Ref, Role, RoomId, StreamId, Username,
};

/// Whether a removal is from the room or from the app.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum BlockScope {
    /// From the room.
    #[default]
    Room,
    /// From the app: every session of the user ends.
    App,
}

/// For how long a removed user may not return.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Block {
    /// 0: this participant leaves and the user may return. Absent: the app's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub for_ms: Option<u64>,
    /// From where.
    #[serde(default)]
    pub scope: BlockScope,
}

/// A person in a room, by membership or by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    /// One membership.
    Participant(ParticipantId),
    /// A user, with all their memberships.
    Username(Username),
}

/// Remove somebody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(try_from = "RawForceDisconnect", into = "RawForceDisconnect")]
#[cfg_attr(feature = "schema", schemars(with = "RawForceDisconnect"))]
pub struct ForceDisconnect {
    /// The room.
    pub room: RoomId,
    /// Who.
    pub who: Who,
    /// For how long they may not return.
    pub block: Block,
    /// Why.
    pub reason: Option<Reason>,
    /// The caller's idempotency key.
    pub ref_: Option<Ref>,
}

#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "ForceDisconnect", extend("oneOf" = [
    { "required": ["participant"] },
    { "required": ["username"] },
])))]
/// Remove somebody: exactly one of `participant` and `username`.
struct RawForceDisconnect {
    /// The room.
    room: RoomId,
    /// Whom, by membership.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    participant: Option<ParticipantId>,
    /// Whom, by name: all their memberships.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    username: Option<Username>,
    /// For how long they may not return.
    #[serde(default, deserialize_with = "object")]
    block: Block,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<Reason>,
    /// The caller's idempotency key.
    #[serde(default, rename = "ref", skip_serializing_if = "Option::is_none")]
    ref_: Option<Ref>,
}

impl TryFrom<RawForceDisconnect> for ForceDisconnect {
    type Error = &'static str;
    fn try_from(raw: RawForceDisconnect) -> Result<Self, &'static str> {
        let who = match (raw.participant, raw.username) {
            (Some(participant), None) => Who::Participant(participant),
            (None, Some(username)) => Who::Username(username),
            (None, None) | (Some(_), Some(_)) => {
                return Err("exactly one of `participant` and `username` is needed");
            }
        };
        Ok(Self { room: raw.room, who, block: raw.block, reason: raw.reason, ref_: raw.ref_ })
    }
}

impl From<ForceDisconnect> for RawForceDisconnect {
    fn from(command: ForceDisconnect) -> Self {
        let (participant, username) = match command.who {
            Who::Participant(participant) => (Some(participant), None),
            Who::Username(username) => (None, Some(username)),
        };
        Self {
            room: command.room,
            participant,
            username,
            block: command.block,
            reason: command.reason,
            ref_: command.ref_,
        }
    }
}

/// Let a removed user return.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Unblock {
    /// The room.
    pub room: RoomId,
    /// The user.
    pub username: Username,
    /// The caller's idempotency key.
    #[serde(default, rename = "ref", skip_serializing_if = "Option::is_none")]
    pub ref_: Option<Ref>,
}

/// End somebody's stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ForceUnpublish {
    /// The stream.
    pub stream: StreamId,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// The caller's idempotency key.
    #[serde(default, rename = "ref", skip_serializing_if = "Option::is_none")]
    pub ref_: Option<Ref>,
}

/// What a mute is laid on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MuteTarget {
    /// One stream.
    Stream(StreamId),
    /// All streams of one participant or user in a room.
    Person {
        /// The room.
        room: RoomId,
        /// Who.
        who: Who,
    },
}

/// Mute, or lift a mute.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(try_from = "RawForceMute", into = "RawForceMute")]
#[cfg_attr(feature = "schema", schemars(with = "RawForceMute"))]
pub struct ForceMute {
    /// What it is laid on.
    pub target: MuteTarget,
    /// Whether the muted may not undo it.
    pub lock: bool,
    /// The caller's idempotency key.
    pub ref_: Option<Ref>,
}

#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "ForceMute", extend("oneOf" = [
    { "required": ["stream"] },
    { "required": ["room", "participant"] },
    { "required": ["room", "username"] },
])))]
/// Mute, or lift a mute: of one `stream`, or of one `participant` or `username` in a `room`.
struct RawForceMute {
    /// The stream to mute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stream: Option<StreamId>,
    /// The room, beside `participant` or `username`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    room: Option<RoomId>,
    /// Whose streams, by membership.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    participant: Option<ParticipantId>,
    /// Whose streams, by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    username: Option<Username>,
    /// Whether the muted may not undo it.
    #[serde(default)]
    lock: bool,
    /// The caller's idempotency key.
    #[serde(default, rename = "ref", skip_serializing_if = "Option::is_none")]
    ref_: Option<Ref>,
}

impl TryFrom<RawForceMute> for ForceMute {
    type Error = &'static str;
    fn try_from(raw: RawForceMute) -> Result<Self, &'static str> {
        let target = match (raw.stream, raw.room, raw.participant, raw.username) {
            (Some(stream), _, None, None) => MuteTarget::Stream(stream),
            (None, Some(room), Some(participant), None) => {
                MuteTarget::Person { room, who: Who::Participant(participant) }
            }
            (None, Some(room), None, Some(username)) => {
                MuteTarget::Person { room, who: Who::Username(username) }
            }
            (None, None, Some(_), None) | (None, None, None, Some(_)) => {
                return Err("`participant` and `username` need a `room`");
            }
            _ => return Err("exactly one of `stream`, `participant` and `username` is needed"),
        };
        Ok(Self { target, lock: raw.lock, ref_: raw.ref_ })
    }
}

impl From<ForceMute> for RawForceMute {
    fn from(command: ForceMute) -> Self {
        let (lock, ref_) = (command.lock, command.ref_);
        let (stream, room, participant, username) = match command.target {
            MuteTarget::Stream(stream) => (Some(stream), None, None, None),
            MuteTarget::Person { room, who: Who::Participant(participant) } => {
                (None, Some(room), Some(participant), None)
            }
            MuteTarget::Person { room, who: Who::Username(username) } => {
                (None, Some(room), None, Some(username))
            }
        };
        Self { stream, room, participant, username, lock, ref_ }
    }
}

/// Mute everybody at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ForceMuteAll {
    /// The room.
    pub room: RoomId,
    /// Streams that go on, at most 500.
    #[serde(default, deserialize_with = "exceptions", skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(extend("maxItems" = MAX_MUTE_EXCEPTIONS)))]
    pub except: Vec<StreamId>,
    /// Whether the muted may not undo it.
    #[serde(default)]
    pub lock: bool,
    /// The caller's idempotency key.
    #[serde(default, rename = "ref", skip_serializing_if = "Option::is_none")]
    pub ref_: Option<Ref>,
}

fn exceptions<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<StreamId>, D::Error> {
    let streams = Vec::deserialize(deserializer)?;
    if streams.len() > MAX_MUTE_EXCEPTIONS {
        return Err(de::Error::custom(InvalidText {
            kind: "except",
            rule: "a list of at most 500 streams",
        }));
    }
    Ok(streams)
}

/// A moderation command about a whole room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ModerateRoom {
    /// The room.
    pub room: RoomId,
    /// The caller's idempotency key.
    #[serde(default, rename = "ref", skip_serializing_if = "Option::is_none")]
    pub ref_: Option<Ref>,
}

/// Change a participant's role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SetRole {
    /// The room.
    pub room: RoomId,
    /// Whose.
    pub participant: ParticipantId,
    /// To what.
    pub role: Role,
    /// The caller's idempotency key.
    #[serde(default, rename = "ref", skip_serializing_if = "Option::is_none")]
    pub ref_: Option<Ref>,
}

/// Turn the session feed of a room on or off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SetSessionFeed {
    /// The room.
    pub room: RoomId,
    /// Whether the feed is on.
    pub enabled: bool,
}
