//! What a client asks for.

use serde::{Deserialize, Deserializer, Serialize, de};

use crate::{
    Data, InstanceId, InvalidText, LayoutClasses, MAX_CLIENT_FIELD_BYTES, MAX_MUTE_EXCEPTIONS,
    ParticipantId,
};
use crate::{
    Reason, Ref, Role, RoomId, Secret, SessionId, SignalType, StreamId, StreamKind, StreamName,
    Username,
};

macro_rules! commands {
    ($($(#[$doc:meta])* $name:ident($body:ty) = $text:literal;)*) => {
        /// A command, named on the wire by its one key beside `id`.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[serde(rename_all = "snake_case")]
        pub enum Command { $($(#[$doc])* $name($body),)* }

        impl Command {
            /// Every command's name on the wire.
            pub const NAMES: &[&str] = &[$($text,)*];

            /// This command's name on the wire.
            #[must_use]
            pub const fn name(&self) -> &'static str {
                match self { $(Self::$name(_) => $text,)* }
            }
        }
    };
}

commands! {
    /// Begin a session. Only as the first frame.
    Start(Box<Start>) = "start";
    /// Take up a session after a lost connection. Only as the first frame.
    Resume(Resume) = "resume";
    /// Prolong the session.
    Renew(Renew) = "renew";
    /// There is no auth token to be had now; ask again later.
    PostponeRenewal(PostponeRenewal) = "postpone_renewal";
    /// End the session.
    End(End) = "end";
    /// Enter a room, or renew one's membership of it.
    Join(Join) = "join";
    /// Leave a room.
    Leave(InRoom) = "leave";
    /// Page through everybody in a room.
    Roster(Roster) = "roster";
    /// Publish a stream.
    Publish(Publish) = "publish";
    /// Change one's own stream.
    UpdateStream(UpdateStream) = "update_stream";
    /// End one's own stream.
    Unpublish(OnStream) = "unpublish";
    /// Watch a stream.
    Subscribe(OnStream) = "subscribe";
    /// Stop watching a stream.
    Unsubscribe(OnStream) = "unsubscribe";
    /// Negotiate media with the other end of a subscription.
    Relay(Relay) = "relay";
    /// Send an application message.
    Signal(SendSignal) = "signal";
    /// Remove a participant or a user from a room, or a user from the app.
    ForceDisconnect(ForceDisconnect) = "force_disconnect";
    /// Let a removed user return.
    Unblock(Unblock) = "unblock";
    /// End somebody's stream.
    ForceUnpublish(ForceUnpublish) = "force_unpublish";
    /// Mute a stream, a participant or a user.
    ForceMute(ForceMute) = "force_mute";
    /// Lift a mute; never turns audio on.
    LiftMute(ForceMute) = "lift_mute";
    /// Mute everybody at once.
    ForceMuteAll(ForceMuteAll) = "force_mute_all";
    /// End the room's standing mute; muted streams stay muted.
    DisableForceMute(ModerateRoom) = "disable_force_mute";
    /// Ask a stream's owner to turn its audio on.
    AskUnmute(OnStream) = "ask_unmute";
    /// Change a participant's role.
    SetRole(SetRole) = "set_role";
    /// Let nobody new in.
    LockRoom(ModerateRoom) = "lock_room";
    /// Let people in again.
    UnlockRoom(ModerateRoom) = "unlock_room";
    /// End a room for everybody.
    EndRoom(ModerateRoom) = "end_room";
    /// Turn the session feed of a room on or off.
    Watch(Watch) = "watch";
}

/// Begin a session.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Start {
    /// The app's id.
    pub app: String,
    /// Who is coming; may be absent where a token names them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<Username>,
    /// Which running copy of the client.
    pub instance: InstanceId,
    /// What lets them in.
    pub credentials: Credentials,
    /// What software is coming.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<ClientInfo>,
    /// A session this one continues: proved, it ends, and its mutes, roles and blocks are carried over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Previous>,
}

/// What lets a user in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Credentials {
    /// Nothing but the name.
    Guest {},
    /// Whatever the app's hook wants, handed to it untouched.
    Params(Data),
    /// A session token or an access token.
    Token(Secret),
}

/// What software a client is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ClientInfo {
    /// Its name, at most 64 bytes.
    #[serde(deserialize_with = "client_field")]
    pub name: String,
    /// Its version, at most 64 bytes.
    #[serde(deserialize_with = "client_field")]
    pub version: String,
}

fn client_field<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.len() <= MAX_CLIENT_FIELD_BYTES && !text.chars().any(char::is_control) {
        Ok(text)
    } else {
        let rule = "at most 64 bytes without control characters";
        Err(de::Error::custom(InvalidText { kind: "client name or version", rule }))
    }
}

/// A session that a new one continues.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Previous {
    /// Its id.
    pub session: SessionId,
    /// Its resume secret.
    pub secret: Secret,
}

/// Take up a session after a lost connection.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Resume {
    /// The session's id.
    pub session: SessionId,
    /// The newest resume secret one has.
    pub secret: Secret,
    /// The highest `seq` one has seen; 0 for none.
    pub last_seq: u64,
    /// Renews in the same step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_token: Option<Secret>,
}

/// Prolong the session.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Renew {
    /// A new auth token; without it the gateway renews on its own word, where the app allows that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_token: Option<Secret>,
}

/// There is no auth token to be had now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PostponeRenewal {}

/// End the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct End {
    /// Whether the access token dies too.
    #[serde(default = "yes")]
    pub revoke: bool,
}

const fn yes() -> bool {
    true
}

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

/// A command about a stream and nothing else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OnStream {
    /// The stream.
    pub stream: StreamId,
    /// The caller's idempotency key, where the command is a moderation verb.
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
#[cfg_attr(feature = "schema", schemars(rename = "ForceDisconnect"))]
struct RawForceDisconnect {
    room: RoomId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    participant: Option<ParticipantId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    username: Option<Username>,
    #[serde(default)]
    block: Block,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<Reason>,
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
    fn from(verb: ForceDisconnect) -> Self {
        let (participant, username) = match verb.who {
            Who::Participant(participant) => (Some(participant), None),
            Who::Username(username) => (None, Some(username)),
        };
        Self {
            room: verb.room,
            participant,
            username,
            block: verb.block,
            reason: verb.reason,
            ref_: verb.ref_,
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
#[cfg_attr(feature = "schema", schemars(rename = "ForceMute"))]
struct RawForceMute {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stream: Option<StreamId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    room: Option<RoomId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    participant: Option<ParticipantId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    username: Option<Username>,
    #[serde(default)]
    lock: bool,
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
    fn from(verb: ForceMute) -> Self {
        let (lock, ref_) = (verb.lock, verb.ref_);
        let (stream, room, participant, username) = match verb.target {
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

/// A moderation verb about a whole room.
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
pub struct Watch {
    /// The room.
    pub room: RoomId,
    /// Whether it is to be on.
    pub on: bool,
}
