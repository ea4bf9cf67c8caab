//! Commands of a moderator.
//!
//! Invariant: a command has one target. The wire offers alternatives (`participant` or `username`, `stream` or a
//! participant in a room); a command with none or two of them is malformed, so that no gateway has to choose.

use serde::{Deserialize, Deserializer, Serialize, de};

use crate::variant::object;
use crate::{
    InvalidText, MAX_MUTE_EXCEPTIONS, MuteException, ParticipantId, Reason, Ref, Role, RoomId,
    StreamId, Timestamp, Username,
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

impl BlockScope {
    /// Whether it is the room, the default.
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
    fn is_room(&self) -> bool {
        *self == Self::Room
    }
}

/// Who set a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum BlockSource {
    /// A moderator; `unblock` lifts it.
    Moderator,
    /// The app's backend or an operator, through the server API.
    Operator,
}

/// A block that is in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ActiveBlock {
    /// Who set it.
    pub set_by: BlockSource,
    /// Its end; absent if it is permanent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until_ms: Option<Timestamp>,
}

/// How long a removed user is blocked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Block {
    /// Milliseconds. 0: the participant is removed and the user may return. Absent: the app's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub for_ms: Option<u64>,
    /// Whether the block is of the room or of the app.
    #[serde(default)]
    pub scope: BlockScope,
}

/// A participant or a user in a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    /// One participant.
    Participant(ParticipantId),
    /// All participants of a user.
    Username(Username),
}

/// Remove a user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(try_from = "RawForceDisconnect", into = "RawForceDisconnect")]
#[cfg_attr(feature = "schema", schemars(with = "RawForceDisconnect"))]
pub struct ForceDisconnect {
    /// The id of the room.
    pub room: RoomId,
    /// The participant or the user.
    pub who: Who,
    /// How long the user is blocked.
    pub block: Block,
    /// The reason, shown to the user.
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
/// Remove a user: exactly one of `participant` and `username`.
struct RawForceDisconnect {
    /// The id of the room.
    room: RoomId,
    /// The target, one participant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    participant: Option<ParticipantId>,
    /// The target, all participants of a user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    username: Option<Username>,
    /// How long the user is blocked.
    #[serde(default, deserialize_with = "object")]
    block: Block,
    /// The reason, shown to the user.
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

/// Unblock a removed user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Unblock {
    /// The id of the room.
    pub room: RoomId,
    /// The blocked user.
    pub username: Username,
    /// Whether the block of the room or of the app is lifted.
    #[serde(default, skip_serializing_if = "BlockScope::is_room")]
    pub scope: BlockScope,
    /// The caller's idempotency key.
    #[serde(default, rename = "ref", skip_serializing_if = "Option::is_none")]
    pub ref_: Option<Ref>,
}

/// End another participant's stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ForceUnpublish {
    /// The id of the stream.
    pub stream: StreamId,
    /// The reason, shown to the user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// The caller's idempotency key.
    #[serde(default, rename = "ref", skip_serializing_if = "Option::is_none")]
    pub ref_: Option<Ref>,
}

/// The target of a mute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MuteTarget {
    /// One stream.
    Stream(StreamId),
    /// All streams of one participant or user in a room.
    Person {
        /// The id of the room.
        room: RoomId,
        /// The participant or the user.
        who: Who,
    },
}

/// Mute, or lift a mute.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(try_from = "RawForceMute", into = "RawForceMute")]
#[cfg_attr(feature = "schema", schemars(with = "RawForceMute"))]
pub struct ForceMute {
    /// The streams to mute.
    pub target: MuteTarget,
    /// Whether the owner is kept from undoing the mute.
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
    /// The room, with `participant` or `username`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    room: Option<RoomId>,
    /// The owner of the streams, as one participant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    participant: Option<ParticipantId>,
    /// The owner of the streams, as a user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    username: Option<Username>,
    /// Whether the owner is kept from undoing the mute.
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

/// Mute a whole room. The acting moderator is exempt, unless `include_self` is true.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ForceMuteAll {
    /// The id of the room.
    pub room: RoomId,
    /// Exempt participants, by their ids or by those of their streams, at most 500.
    #[serde(default, deserialize_with = "exceptions", skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(extend("maxItems" = MAX_MUTE_EXCEPTIONS)))]
    pub except: Vec<MuteException>,
    /// Whether the acting moderator is muted too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub include_self: bool,
    /// Whether the owner is kept from undoing the mute.
    #[serde(default)]
    pub lock: bool,
    /// The caller's idempotency key.
    #[serde(default, rename = "ref", skip_serializing_if = "Option::is_none")]
    pub ref_: Option<Ref>,
}

fn exceptions<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<MuteException>, D::Error> {
    let exempt = Vec::deserialize(deserializer)?;
    if exempt.len() > MAX_MUTE_EXCEPTIONS {
        return Err(de::Error::custom(InvalidText {
            kind: "except",
            rule: "a list of at most 500 ids",
        }));
    }
    Ok(exempt)
}

/// A moderation command about a whole room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ModerateRoom {
    /// The id of the room.
    pub room: RoomId,
    /// The caller's idempotency key.
    #[serde(default, rename = "ref", skip_serializing_if = "Option::is_none")]
    pub ref_: Option<Ref>,
}

/// Change a participant's role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SetRole {
    /// The id of the room.
    pub room: RoomId,
    /// The participant.
    pub participant: ParticipantId,
    /// The new role.
    pub role: Role,
    /// The caller's idempotency key.
    #[serde(default, rename = "ref", skip_serializing_if = "Option::is_none")]
    pub ref_: Option<Ref>,
}

/// Turn the session feed of a room on or off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SetSessionFeed {
    /// The id of the room.
    pub room: RoomId,
    /// Whether the feed is on.
    pub enabled: bool,
}
