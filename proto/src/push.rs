//! What the gateway sends without a request.
//!
//! Defines the list of pushes. Their bodies are in `room` (the session, its rooms and their streams) and `moderation`.
//! Invariant: a push about a change of a room has the version of the room with that change.

mod moderation;
mod room;

pub use moderation::*;
pub use room::*;

use serde::{Deserialize, Serialize};

use Delivery::{Own, Room, Urgent};

/// How the gateway delivers a push to a session that does not receive all pushes, because its token is expired or the
/// client reads too slowly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Delivery {
    /// Always: the push is about the session itself or one of its memberships, and no room snapshot repeats it.
    Own,
    /// Also while the token is expired. A session that reads too slowly receives a room snapshot instead.
    Urgent,
    /// While the token is valid. After a renewal, or after reading too slowly, a room snapshot replaces the push.
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
    /// A token is about to expire.
    TokenExpiring(push: TokenExpiring) = "token_expiring", if push.room.is_some() { Room } else { Own };
    /// A participant joined a room.
    ParticipantJoined(_: ParticipantJoined) = "participant_joined", Room;
    /// A participant left a room.
    ParticipantLeft(_: ParticipantLeft) = "participant_left", Room;
    /// A participant's connection was lost or resumed.
    ParticipantLink(_: ParticipantLink) = "participant_link", Room;
    /// A participant's role changed.
    RoleChanged(push: RoleChanged) = "role_changed", if push.capabilities.is_some() { Own } else { Urgent };
    /// The counts of a large room changed.
    Counts(_: RoomCounts) = "counts", Room;
    /// A stream was published.
    StreamPublished(_: StreamChange) = "stream_published", Room;
    /// A stream was updated.
    StreamUpdated(_: StreamChange) = "stream_updated", Room;
    /// A stream ended.
    StreamUnpublished(_: StreamUnpublished) = "stream_unpublished", Room;
    /// A participant subscribed to a stream of this session.
    StreamSubscribed(_: StreamSubscription) = "stream_subscribed", Room;
    /// A participant unsubscribed from a stream of this session.
    StreamUnsubscribed(_: StreamSubscription) = "stream_unsubscribed", Room;
    /// Media negotiation.
    Relay(_: Relayed) = "relay", Room;
    /// An application message.
    Signal(_: Signal) = "signal", Room;
    /// A mute was set or lifted.
    MuteForced(_: MuteForced) = "mute_forced", Urgent;
    /// The session was removed from a room.
    Removed(_: Removed) = "removed", Own;
    /// A moderator requests to unmute a stream.
    UnmuteRequested(_: UnmuteRequested) = "unmute_requested", Room;
    /// The mute or the lock of a room changed.
    RoomState(_: RoomStateChange) = "room_state", Room;
    /// The current state of a room, which replaces the state that the client knows.
    RoomReset(_: RoomReset) = "room_reset", Room;
    /// A room has ended.
    RoomEnded(_: RoomEnded) = "room_ended", Own;
    /// The receipt of a moderation command.
    Moderation(_: ModerationReport) = "moderation", Room;
    /// The sessions of a room, for moderators with the session feed.
    SessionFeed(_: SessionFeed) = "session_feed", Room;
    /// The cluster became unreachable or reachable.
    Degraded(_: Degraded) = "degraded", Own;
}
