//! What the gateway tells a session unasked.

use serde::{Deserialize, Serialize};

use crate::{
    Capabilities, CloseCode, Counts, Data, Link, Participant, ParticipantId, Reason, Ref, Role,
    RoomId,
};
use crate::{
    RoomMute, RoomSnapshot, SessionState, SignalType, Stream, StreamId, Timestamp, Username,
};

macro_rules! pushes {
    ($($(#[$doc:meta])* $name:ident($body:ty) = $text:literal;)*) => {
        /// A push, named after what happened.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[serde(rename_all = "snake_case")]
        pub enum Push { $($(#[$doc])* $name($body),)* }

        impl Push {
            /// Every push's name on the wire.
            pub const NAMES: &[&str] = &[$($text,)*];

            /// This push's name on the wire.
            #[must_use]
            pub const fn name(&self) -> &'static str {
                match self { $(Self::$name(_) => $text,)* }
            }
        }
    };
}

pushes! {
    /// The session's state changed.
    SessionState(SessionStateChange) = "session_state";
    /// A token is about to run out.
    TokenExpiring(TokenExpiring) = "token_expiring";
    /// Somebody entered a room.
    ParticipantJoined(ParticipantJoined) = "participant_joined";
    /// Somebody left a room for good.
    ParticipantLeft(ParticipantLeft) = "participant_left";
    /// A participant's connection was lost, or is back.
    ParticipantLink(ParticipantLink) = "participant_link";
    /// A participant's role changed.
    RoleChanged(RoleChanged) = "role_changed";
    /// How many are in a large room.
    Counts(RoomCounts) = "counts";
    /// A stream began.
    StreamPublished(StreamChange) = "stream_published";
    /// A stream changed.
    StreamUpdated(StreamChange) = "stream_updated";
    /// A stream ended.
    StreamUnpublished(StreamUnpublished) = "stream_unpublished";
    /// Somebody subscribed to one's own stream.
    StreamSubscribed(StreamSubscription) = "stream_subscribed";
    /// Somebody stopped subscribing to one's own stream.
    StreamUnsubscribed(StreamSubscription) = "stream_unsubscribed";
    /// Media negotiation.
    Relay(Relayed) = "relay";
    /// An application message.
    Signal(Signal) = "signal";
    /// A mute was laid on, or lifted.
    MuteForced(MuteForced) = "mute_forced";
    /// One was removed from a room.
    Removed(Removed) = "removed";
    /// A moderator asks one to unmute.
    UnmuteAsked(UnmuteAsked) = "unmute_asked";
    /// A room's own settings changed.
    RoomState(RoomStateChange) = "room_state";
    /// What was known of a room is void; here it is anew.
    RoomReset(RoomReset) = "room_reset";
    /// A room has ended.
    RoomEnded(RoomEnded) = "room_ended";
    /// What became of moderation verbs.
    Moderation(ModerationReport) = "moderation";
    /// The sessions of a room, for moderators who watch.
    SessionFeed(SessionFeed) = "session_feed";
    /// The cluster is out of reach, or back.
    Degraded(Degraded) = "degraded";
}

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

/// Why a participant is no longer in a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum LeaveReason {
    /// It left.
    Left,
    /// Its session ended.
    Ended,
    /// A moderator removed it.
    ForceDisconnected,
    /// Its user was banned.
    Banned,
    /// A newer session took its place.
    Replaced,
    /// Its connection did not come back in time.
    NetworkLost,
    /// Its token ran out.
    TokenExpired,
    /// The room ended.
    RoomEnded,
    /// The gateway stopped.
    ServerShutdown,
}

/// Why a stream ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum StreamEndReason {
    /// Its owner ended it.
    Unpublished,
    /// A moderator ended it, or its owner ignored a mute.
    ForceUnpublished,
    /// Its owner left.
    Left,
    /// Its owner's session ended.
    Ended,
    /// A moderator removed its owner.
    ForceDisconnected,
    /// Its owner's user was banned.
    Banned,
    /// A newer session took its owner's place.
    Replaced,
    /// Its owner's connection did not come back in time.
    NetworkLost,
    /// Its owner's token ran out.
    TokenExpired,
    /// The room ended.
    RoomEnded,
    /// The gateway stopped.
    ServerShutdown,
}

impl From<LeaveReason> for StreamEndReason {
    fn from(reason: LeaveReason) -> Self {
        match reason {
            LeaveReason::Left => Self::Left,
            LeaveReason::Ended => Self::Ended,
            LeaveReason::ForceDisconnected => Self::ForceDisconnected,
            LeaveReason::Banned => Self::Banned,
            LeaveReason::Replaced => Self::Replaced,
            LeaveReason::NetworkLost => Self::NetworkLost,
            LeaveReason::TokenExpired => Self::TokenExpired,
            LeaveReason::RoomEnded => Self::RoomEnded,
            LeaveReason::ServerShutdown => Self::ServerShutdown,
        }
    }
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

/// Who acted: a participant, or the server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Actor {
    /// A moderator of the room.
    Participant(ParticipantId),
    /// The server API, or the gateway itself.
    Server {},
}

/// A mute was laid on, or lifted. It never turns audio on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MuteForced {
    /// The room.
    pub room: RoomId,
    /// The room's version with this change.
    pub version: u64,
    /// The stream, when it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<StreamId>,
    /// Whose audio, when it is about all of one participant's. Without it and a stream it is the room's standing mute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub participant: Option<ParticipantId>,
    /// The streams that a mute of the room leaves alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub except: Vec<StreamId>,
    /// Whether the mute stands: the streams concerned are muted and their audio is off.
    pub active: bool,
    /// Whether it may not be undone by the muted.
    pub lock: bool,
    /// Who did it.
    pub by: Actor,
}

/// One was removed from a room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Removed {
    /// The room.
    pub room: RoomId,
    /// Who did it.
    pub by: Actor,
    /// Why, in their words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// Until when returning is refused; null when one may return.
    pub until_ms: Option<Timestamp>,
}

/// A moderator asks one to unmute; one decides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct UnmuteAsked {
    /// The room.
    pub room: RoomId,
    /// The stream.
    pub stream: StreamId,
    /// Who asks.
    pub by: Actor,
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

/// The moderation verbs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "named after the commands, which are documented")]
pub enum Verb {
    ForceDisconnect,
    Unblock,
    ForceUnpublish,
    ForceMute,
    LiftMute,
    ForceMuteAll,
    DisableForceMute,
    AskUnmute,
    SetRole,
    LockRoom,
    UnlockRoom,
    EndRoom,
}

/// What became of a moderation verb at one target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Done by the gateway, or acknowledged by the target.
    Enforced,
    /// The target was told.
    Pending,
    /// The target is suspended and will be told when it is back.
    Offline,
    /// The target was told and did nothing; its stream was unpublished.
    Ignored,
}

/// Whom a verb concerned; nobody in particular when it is about the room.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Target {
    /// The participant, where it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub participant: Option<ParticipantId>,
    /// The stream, where it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<StreamId>,
    /// The user, where it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<Username>,
}

/// The receipt of one verb at one target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Receipt {
    /// Whom it concerned.
    pub target: Target,
    /// What became of it.
    pub outcome: Outcome,
    /// From the verb's place in the log until this outcome.
    pub elapsed_ms: u64,
}

/// How many targets had each outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OutcomeCounts {
    /// Done or acknowledged.
    pub enforced: u32,
    /// Told.
    pub pending: u32,
    /// To be told.
    pub offline: u32,
    /// Told and silent.
    pub ignored: u32,
}

/// What became of one moderation verb; may come several times as outcomes change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ModerationReport {
    /// The room.
    pub room: RoomId,
    /// The verb's place in the room's log.
    pub version: u64,
    /// The caller's idempotency key.
    #[serde(default, rename = "ref", skip_serializing_if = "Option::is_none")]
    pub ref_: Option<Ref>,
    /// Which verb.
    pub verb: Verb,
    /// Who acted.
    pub by: Actor,
    /// All targets, counted by outcome.
    pub counts: OutcomeCounts,
    /// Each target of a verb on one; of more, up to 100 that are not enforced.
    pub targets: Vec<Receipt>,
    /// From the verb until this report.
    pub elapsed_ms: u64,
}

/// One session of a room, as a moderator sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FeedEntry {
    /// The participant.
    pub participant: ParticipantId,
    /// Its user.
    pub username: Username,
    /// The session's state; absent when it is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<SessionState>,
    /// Whether it is connected.
    pub link: Link,
    /// Its role.
    pub role: Role,
    /// Whether a moderator's lock keeps its audio off.
    pub mute_locked: bool,
}

/// The sessions of a room, for moderators who watch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SessionFeed {
    /// The room.
    pub room: RoomId,
    /// The room's version up to which this tells.
    pub version: u64,
    /// Whether `changes` is everybody; otherwise it is what changed.
    pub snapshot: bool,
    /// The entries.
    pub changes: Vec<FeedEntry>,
}

/// The cluster is out of reach, or back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Degraded {
    /// Whether what needs the cluster is refused now.
    pub active: bool,
}
