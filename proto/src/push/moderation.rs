//! Pushes about moderation: to those it concerns, and receipts and the session feed to those who moderate.

use serde::{Deserialize, Serialize};

use crate::{
    Link, ParticipantId, Reason, Ref, Role, RoomId, SessionState, StreamId, Timestamp, Username,
};

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
pub struct UnmuteRequested {
    /// The room.
    pub room: RoomId,
    /// The stream.
    pub stream: StreamId,
    /// Who asks.
    pub by: Actor,
}

macro_rules! commands {
    ($($name:ident = $text:literal;)*) => {
        /// The moderation commands.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[serde(rename_all = "snake_case")]
        #[expect(missing_docs, reason = "named after the commands, which are documented")]
        pub enum ModerationCommand { $($name,)* }

        impl ModerationCommand {
            /// Every command.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The command's name on the wire.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

commands! {
    ForceDisconnect = "force_disconnect";
    Unblock = "unblock";
    ForceUnpublish = "force_unpublish";
    ForceMute = "force_mute";
    LiftMute = "lift_mute";
    ForceMuteAll = "force_mute_all";
    DisableForceMute = "disable_force_mute";
    RequestUnmute = "request_unmute";
    SetRole = "set_role";
    LockRoom = "lock_room";
    UnlockRoom = "unlock_room";
    EndRoom = "end_room";
}

/// What became of a moderation command at one target.
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

/// Whom a command concerned; nobody in particular when it is about the room.
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

/// The receipt of one command at one target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Receipt {
    /// Whom it concerned.
    pub target: Target,
    /// What became of it.
    pub outcome: Outcome,
    /// From the command's place in the log until this outcome.
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

/// What became of one moderation command; may come several times as outcomes change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ModerationReport {
    /// The room.
    pub room: RoomId,
    /// The command's place in the room's log.
    pub version: u64,
    /// The caller's idempotency key.
    #[serde(default, rename = "ref", skip_serializing_if = "Option::is_none")]
    pub ref_: Option<Ref>,
    /// Which command.
    pub command: ModerationCommand,
    /// Who acted.
    pub by: Actor,
    /// All targets, counted by outcome.
    pub counts: OutcomeCounts,
    /// Each target of a command on one; of more, up to 100 that are not enforced.
    pub targets: Vec<Receipt>,
    /// From the command until this report.
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
