//! What the gateway tells a session unasked.
//!
//! Owns the list of pushes; their bodies are in `room` (the session, its rooms and their streams) and `moderation`.
//! Invariant: a push about a change of a room carries the room's `version` with that change.

mod moderation;
mod room;

pub use moderation::*;
pub use room::*;

use serde::{Deserialize, Serialize};

use Delivery::{Own, Room, Urgent};

/// How a push is delivered to a session that cannot be sent everything: one whose token is expired, or that reads too
/// slowly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Delivery {
    /// In any case: it is about the session itself or one of its memberships, and no snapshot of a room repeats it.
    Own,
    /// While the token is expired too; a session that reads too slowly gets a new snapshot of the room instead.
    Urgent,
    /// While the token is valid; afterwards, or after reading too slowly, a new snapshot of the room replaces it.
    Room,
}

macro_rules! pushes {
    ($($(#[$doc:meta])* $name:ident($push:tt: $body:ty) = $text:literal, $delivery:expr;)*) => {
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

            /// How this push is delivered.
            #[must_use]
            pub const fn delivery(&self) -> Delivery {
                match self { $(Self::$name($push) => $delivery,)* }
            }
        }
    };
}

pushes! {
    /// The session's state changed.
    SessionState(_: SessionStateChange) = "session_state", Own;
    /// A token is about to run out.
    TokenExpiring(push: TokenExpiring) = "token_expiring", if push.room.is_some() { Room } else { Own };
    /// Somebody entered a room.
    ParticipantJoined(_: ParticipantJoined) = "participant_joined", Room;
    /// Somebody left a room for good.
    ParticipantLeft(_: ParticipantLeft) = "participant_left", Room;
    /// A participant's connection was lost, or is back.
    ParticipantLink(_: ParticipantLink) = "participant_link", Room;
    /// A participant's role changed.
    RoleChanged(push: RoleChanged) = "role_changed", if push.capabilities.is_some() { Own } else { Urgent };
    /// How many are in a large room.
    Counts(_: RoomCounts) = "counts", Room;
    /// A stream began.
    StreamPublished(_: StreamChange) = "stream_published", Room;
    /// A stream changed.
    StreamUpdated(_: StreamChange) = "stream_updated", Room;
    /// A stream ended.
    StreamUnpublished(_: StreamUnpublished) = "stream_unpublished", Room;
    /// Somebody subscribed to one's own stream.
    StreamSubscribed(_: StreamSubscription) = "stream_subscribed", Room;
    /// Somebody stopped subscribing to one's own stream.
    StreamUnsubscribed(_: StreamSubscription) = "stream_unsubscribed", Room;
    /// Media negotiation.
    Relay(_: Relayed) = "relay", Room;
    /// An application message.
    Signal(_: Signal) = "signal", Room;
    /// A mute was laid on, or lifted.
    MuteForced(_: MuteForced) = "mute_forced", Urgent;
    /// One was removed from a room.
    Removed(_: Removed) = "removed", Own;
    /// A moderator asks one to unmute.
    UnmuteRequested(_: UnmuteRequested) = "unmute_requested", Room;
    /// A room's own settings changed.
    RoomState(_: RoomStateChange) = "room_state", Room;
    /// What was known of a room is void; here it is anew.
    RoomReset(_: RoomReset) = "room_reset", Room;
    /// A room has ended.
    RoomEnded(_: RoomEnded) = "room_ended", Own;
    /// What became of moderation commands.
    Moderation(_: ModerationReport) = "moderation", Room;
    /// The sessions of a room, for moderators who watch.
    SessionFeed(_: SessionFeed) = "session_feed", Room;
    /// The cluster is out of reach, or back.
    Degraded(_: Degraded) = "degraded", Own;
}
