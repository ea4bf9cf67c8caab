//! What the gateway tells a session unasked.
//!
//! Owns the list of pushes; their bodies are in `room` (the session, its rooms and their streams) and `moderation`.
//! Invariant: a push about a change of a room carries the room's `version` with that change.

mod moderation;
mod room;

pub use moderation::*;
pub use room::*;

use serde::{Deserialize, Serialize};

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
