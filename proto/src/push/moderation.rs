//! Pushes about moderation: effects for the targets; receipts and the session feed for moderators.

use serde::{Deserialize, Serialize};

use crate::{
    Link, ParticipantId, Reason, Ref, Role, RoomId, SessionState, StreamId, Timestamp, Username,
};

/// The actor: a participant, or the server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Actor {
    /// A moderator of the room.
    Participant(ParticipantId),
    /// The server API or the gateway.
    Server {},
}

/// A mute was set or lifted. It never turns audio on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MuteForced {
    /// The id of the room.
    pub room: RoomId,
    /// The room's version with this change.
    pub version: u64,
    /// The stream, for a mute of one stream.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<StreamId>,
    /// The participant, for a mute of all its audio. Without it and a stream, the push is about the room's mute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub participant: Option<ParticipantId>,
    /// The exempt participants of a mute of the room: of all their streams, also later ones, none is muted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub except: Vec<ParticipantId>,
    /// Whether the mute is active: the target streams are muted and their audio is off.
    pub active: bool,
    /// Whether the owner is kept from undoing the mute.
    pub lock: bool,
    /// The actor.
    pub by: Actor,
}

/// The session was removed from a room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Removed {
    /// The id of the room.
    pub room: RoomId,
    /// The actor.
    pub by: Actor,
    /// The reason that the moderator gave.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// Until when the user is blocked; null if the user may return.
    pub until_ms: Option<Timestamp>,
}

/// A moderator requests to unmute a stream; its owner decides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct UnmuteRequested {
    /// The id of the room.
    pub room: RoomId,
    /// The id of the stream.
    pub stream: StreamId,
    /// The moderator.
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

/// The outcome of a moderation command at one target, derived from the state of the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The target is silent, gone or changed now; after `request_unmute`, its audio is on.
    Enforced,
    /// The target was notified and has not answered yet.
    Pending,
    /// The target is suspended and will be notified on resume.
    Offline,
    /// The target answered otherwise: with audio on to a mute without a lock, with audio off to `request_unmute`.
    Declined,
    /// The target did not answer in time. The gateway unpublished the stream of an unanswered mute.
    Ignored,
}

/// The target of a command; empty for a command about the room.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Target {
    /// The target participant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub participant: Option<ParticipantId>,
    /// The target stream.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<StreamId>,
    /// The target user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<Username>,
}

/// The receipt of one command at one target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Receipt {
    /// The target.
    pub target: Target,
    /// The outcome at this target.
    pub outcome: Outcome,
    /// Milliseconds from the command until this outcome.
    pub elapsed_ms: u64,
}

/// How many targets had each outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(transform = require_declined))]
pub struct OutcomeCounts {
    /// Targets that are silent, gone or changed now.
    pub enforced: u32,
    /// Notified targets without an answer.
    pub pending: u32,
    /// Suspended targets that are not notified yet.
    pub offline: u32,
    /// Targets that answered otherwise.
    #[serde(default)]
    pub declined: u32,
    /// Targets that did not answer in time.
    pub ignored: u32,
}

/// Every message has `declined`; only audit rows of an earlier release lack it.
#[cfg(feature = "schema")]
fn require_declined(schema: &mut schemars::Schema) {
    if let Some(declined) = schema.pointer_mut("/properties/declined") {
        declined.as_object_mut().expect("a schema of a number").remove("default");
    }
    let required = schema.get_mut("required").and_then(|required| required.as_array_mut());
    let required = required.expect("the other fields are required");
    if !required.iter().any(|field| field == "declined") {
        required.push("declined".into());
    }
}

/// The receipt of one moderation command. The gateway sends it again when outcomes change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ModerationReport {
    /// The id of the room.
    pub room: RoomId,
    /// The version of the room with the command.
    pub version: u64,
    /// The caller's idempotency key.
    #[serde(default, rename = "ref", skip_serializing_if = "Option::is_none")]
    pub ref_: Option<Ref>,
    /// The name of the command.
    pub command: ModerationCommand,
    /// The actor.
    pub by: Actor,
    /// Number of targets by outcome.
    pub counts: OutcomeCounts,
    /// The target of a command with one target; otherwise up to 100 targets that are not `enforced`.
    pub targets: Vec<Receipt>,
    /// Milliseconds from the command until this receipt.
    pub elapsed_ms: u64,
    /// Whether the store has what the command changed, so that a restart keeps it. Once `true`, it stays so.
    pub durable: bool,
}

/// One session of a room, as a moderator sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FeedEntry {
    /// The id of the participant.
    pub participant: ParticipantId,
    /// The name of its user.
    pub username: Username,
    /// The state of the session; absent after it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<SessionState>,
    /// Whether the session is connected.
    pub link: Link,
    /// The role of the participant.
    pub role: Role,
    /// Whether a moderator locked the mute of its audio.
    pub mute_locked: bool,
    /// Whether a mute, with or without lock, applies to one of its streams.
    pub muted: bool,
}

/// The sessions of a room, for moderators with the session feed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SessionFeed {
    /// The id of the room.
    pub room: RoomId,
    /// The version of the room that the push reflects.
    pub version: u64,
    /// Whether `changes` has all participants; otherwise it has only changed ones.
    pub snapshot: bool,
    /// The sessions.
    pub changes: Vec<FeedEntry>,
}
