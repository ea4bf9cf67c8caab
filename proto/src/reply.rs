//! The replies to successful requests.
//!
//! Each command has one reply. All moderation commands share [`Accepted`]; their effects come as `moderation` pushes.
//! Not here: errors ([`crate::Error`]).

use serde::{Deserialize, Serialize};

use crate::{
    ActiveBlock, Capabilities, Heartbeat, OwnParticipant, Participant, ParticipantId, Role,
    RoomSnapshot, Secret, ServerInfo, SessionInfo, SessionLimits, SessionState, Stream, Timestamp,
};

macro_rules! replies {
    ($($(#[$doc:meta])* $name:ident $body:tt = $text:literal;)*) => {
        /// The `ok` of a reply, named after the result.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[serde(rename_all = "snake_case")]
        pub enum Reply { $($(#[$doc])* $name $body,)* }

        impl Reply {
            /// Every reply's name on the wire.
            pub const NAMES: &[&str] = &[$($text,)*];

            /// This reply's name on the wire.
            #[must_use]
            pub const fn name(&self) -> &'static str {
                match self { $(Self::$name { .. } => $text,)* }
            }
        }
    };
}

replies! {
    /// To `start`.
    Started(Box<Started>) = "started";
    /// To `resume`.
    Resumed(Resumed) = "resumed";
    /// To `ping`; the only reply of a session without a `seq`.
    Pong(Ponged) = "pong";
    /// To `renew`.
    Renewed(Renewed) = "renewed";
    /// To `postpone_renewal`.
    Postponed(Postponed) = "postponed";
    /// To `end`.
    Ended {} = "ended";
    /// To `join`.
    Joined(Box<Joined>) = "joined";
    /// To `leave`.
    Left {} = "left";
    /// To `roster`.
    Roster(RosterPage) = "roster";
    /// To `publish`.
    Published(Published) = "published";
    /// To `update_stream`.
    Updated(Updated) = "updated";
    /// To `unpublish`.
    Unpublished {} = "unpublished";
    /// To `subscribe`.
    Subscribed {} = "subscribed";
    /// To `unsubscribe`.
    Unsubscribed {} = "unsubscribed";
    /// To `relay`.
    Relayed {} = "relayed";
    /// To `signal`.
    Sent(Sent) = "sent";
    /// To every moderation command, once it is in the room's log. Receipts follow as `moderation`.
    Accepted(Accepted) = "accepted";
    /// To `set_session_feed`.
    SessionFeedSet(SessionFeedSet) = "session_feed_set";
}

/// A session was started.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Started {
    /// The session.
    pub session: SessionInfo,
    /// Starts a session of the same user later without the auth hook.
    pub access_token: Secret,
    /// The granted scopes: those of the gateway, and those that the application defines.
    pub scopes: Vec<String>,
    /// The arguments of a later `resume`.
    pub resume: ResumeTicket,
    /// The intervals of liveness checks.
    pub heartbeat: Heartbeat,
    /// The limits of the session.
    pub limits: SessionLimits,
    /// The gateway.
    pub server: ServerInfo,
}

/// The resume secret of a session and its window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ResumeTicket {
    /// The secret for `resume`; each connection has a new one.
    pub secret: Secret,
    /// Milliseconds after a lost connection in which the session can be resumed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window_ms: Option<u64>,
}

/// A session was resumed; the missed frames follow.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Resumed {
    /// Number of missed frames that follow.
    pub replayed_count: u32,
    /// The ids of unfinished requests; their replies follow.
    pub pending: Vec<u32>,
    /// The state of the session.
    pub state: SessionState,
    /// When the access token expires.
    pub expires_at_ms: Timestamp,
    /// The new resume secret.
    pub resume: ResumeTicket,
    /// The new access token, if the session was renewed in the same step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_token: Option<Secret>,
    /// The granted scopes: those of the gateway, and those that the application defines.
    pub scopes: Vec<String>,
    /// The rooms of the session. Frames that follow may repeat changes which the list contains.
    pub rooms: Vec<OwnParticipant>,
}

/// The gateway answered a ping of the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Ponged {
    /// The clock of the gateway.
    pub time_ms: Timestamp,
}

/// The access token was renewed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Renewed {
    /// The new access token, which replaces the previous one.
    pub access_token: Secret,
    /// When the access token expires.
    pub expires_at_ms: Timestamp,
    /// The granted scopes: those of the gateway, and those that the application defines.
    pub scopes: Vec<String>,
}

/// The renewal was postponed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Postponed {
    /// When the gateway sends `token_expiring` again.
    pub next_prompt_ms: Timestamp,
}

/// A room was joined.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Joined {
    /// The new participant.
    pub participant: Participant,
    /// The capabilities of the participant.
    pub capabilities: Capabilities,
    /// The state of the room.
    pub room: RoomSnapshot,
}

/// A page of the participants of a room.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RosterPage {
    /// The version of the room that the page reflects.
    pub version: u64,
    /// The participants on this page.
    pub participants: Vec<Participant>,
    /// Their streams that are visible to the receiver.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub streams: Vec<Stream>,
    /// The `after` cursor of the next page; absent on the last page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A stream was published.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Published {
    /// The stream, muted if a mute is active.
    pub stream: Stream,
}

/// A stream was updated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Updated {
    /// The current state of the stream.
    pub stream: Stream,
}

/// A signal was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Sent {
    /// Number of receiving sessions.
    pub recipients: u32,
    /// The position among the signals of the room.
    pub order: u64,
}

/// A moderation command was accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Accepted {
    /// The version of the room with the command.
    pub version: u64,
    /// Number of targets of the command.
    pub target_count: u32,
    /// The participant with the new role, for `set_role`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub participant: Option<ParticipantId>,
    /// The new role, for `set_role`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// What still blocks the user, for `unblock`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub block: Option<ActiveBlock>,
    /// Room tokens issued from this time on are accepted, for `end_room`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted_from_ms: Option<Timestamp>,
}

/// The session feed was turned on or off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SessionFeedSet {
    /// Whether the feed is on.
    pub enabled: bool,
}
