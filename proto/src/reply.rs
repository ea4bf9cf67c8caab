//! What requests are answered with when they succeed.
//!
//! Each command has one reply. All moderation commands share [`Accepted`]; their effects come as `moderation` pushes.
//! Not here: refusals ([`crate::Error`]).

use serde::{Deserialize, Serialize};

use crate::{
    Capabilities, Heartbeat, Participant, ParticipantId, Role, RoomSnapshot, Secret, ServerInfo,
    SessionInfo,
};
use crate::{SessionLimits, SessionState, Stream, Timestamp};

macro_rules! replies {
    ($($(#[$doc:meta])* $name:ident $body:tt = $text:literal;)*) => {
        /// The `ok` of a reply, named after what happened.
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
    /// To every moderation command: taken into the room's log. What became of it at each target comes as `moderation`.
    Accepted(Accepted) = "accepted";
    /// To `set_session_feed`.
    SessionFeedSet(SessionFeedSet) = "session_feed_set";
}

/// A session began.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Started {
    /// The session.
    pub session: SessionInfo,
    /// Starts the same session again, later, without asking the auth hook.
    pub access_token: Secret,
    /// What `resume` needs.
    pub resume: ResumeTicket,
    /// How life is checked.
    pub heartbeat: Heartbeat,
    /// The bounds the session is held to.
    pub limits: SessionLimits,
    /// Who answered.
    pub server: ServerInfo,
}

/// What a client keeps to resume its session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ResumeTicket {
    /// Proves that the session is one's own; a new one comes with each connection.
    pub secret: Secret,
    /// How long a lost connection is waited for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window_ms: Option<u64>,
}

/// A session was taken up again; the missed frames follow.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Resumed {
    /// How many missed frames follow.
    pub replayed_count: u32,
    /// Requests that are still being worked on; their replies will come.
    pub pending: Vec<u32>,
    /// Where the session stands.
    pub state: SessionState,
    /// When its access token runs out.
    pub expires_at_ms: Timestamp,
    /// The new secret.
    pub resume: ResumeTicket,
    /// The new access token, when `auth_token` renewed in the same step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_token: Option<Secret>,
}

/// A session lives longer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Renewed {
    /// Takes the place of the former one.
    pub access_token: Secret,
    /// When it runs out.
    pub expires_at_ms: Timestamp,
}

/// Nothing will be asked for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Postponed {
    /// When `token_expiring` comes again.
    pub next_prompt_ms: Timestamp,
}

/// A room was entered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Joined {
    /// The new membership.
    pub participant: Participant,
    /// What it may do.
    pub capabilities: Capabilities,
    /// The room it entered.
    pub room: RoomSnapshot,
}

/// A page of everybody in a room.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RosterPage {
    /// The room's version when the page was made.
    pub version: u64,
    /// The page.
    pub participants: Vec<Participant>,
    /// Their streams, as far as the receiver may know of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub streams: Vec<Stream>,
    /// What `after` takes for the next page; absent on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A stream was published.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Published {
    /// The stream, muted already where a mute stands.
    pub stream: Stream,
}

/// A stream was changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Updated {
    /// The stream as it is now.
    pub stream: Stream,
}

/// A signal was handed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Sent {
    /// To how many sessions.
    pub recipients: u32,
    /// Its place among the room's signals.
    pub order: u64,
}

/// A moderation command was taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Accepted {
    /// Its place in the room's log.
    pub version: u64,
    /// Number of targets of the command.
    pub target_count: u32,
    /// The participant whose role was set, by `set_role`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub participant: Option<ParticipantId>,
    /// Its new role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
}

/// The session feed was turned on or off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SessionFeedSet {
    /// Whether the feed is on.
    pub enabled: bool,
}
