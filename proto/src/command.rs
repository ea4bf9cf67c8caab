//! The commands of a client.
//!
//! Defines the list of commands. Their bodies are in `session` (the session itself), `room` (participants) and
//! `moderation`. A command with alternative target fields takes exactly one of them.
//! Not here: which scope a command needs (`docs/protocol.md`, "Commands").

mod moderation;
mod room;
mod session;

pub use moderation::*;
pub use room::*;
pub use session::*;

use serde::{Deserialize, Serialize};

use CommandClass::{Moderation, Opening, Release, Room, Session};

/// Groups of commands that are allowed in the same session states.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CommandClass {
    /// Opens a session; only as the first message of a connection.
    Opening,
    /// Renews or ends the session, or checks its connection.
    Session,
    /// Releases something in a room, or only turns audio or video off.
    Release,
    /// Joins a room or uses it as a participant.
    Room,
    /// Moderates a room, or sets its session feed.
    Moderation,
}

impl CommandClass {
    /// Whether the command is allowed while the session's token is expired. An [`Opening`] does not depend on it.
    #[must_use]
    pub const fn is_allowed_while_expired(self) -> bool {
        match self {
            Opening | Session | Release => true,
            Room | Moderation => false,
        }
    }
}

macro_rules! commands {
    ($($(#[$doc:meta])* $name:ident($command:tt: $body:ty) = $text:literal, $class:expr;)*) => {
        /// A command. On the wire its name is the key next to `id`.
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

            /// The group of the command, which decides when it is allowed.
            #[must_use]
            pub const fn class(&self) -> CommandClass {
                match self { $(Self::$name($command) => $class,)* }
            }
        }
    };
}

commands! {
    /// Start a session. Only as the first frame.
    Start(_: Box<Start>) = "start", Opening;
    /// Resume a session after a lost connection. Only as the first frame.
    Resume(_: Resume) = "resume", Opening;
    /// Check the connection. Answered at once, without a `seq`.
    Ping(_: Ping) = "ping", Session;
    /// Renew the access token.
    Renew(_: Renew) = "renew", Session;
    /// Postpone the renewal, because no auth token is available now.
    PostponeRenewal(_: PostponeRenewal) = "postpone_renewal", Session;
    /// End the session.
    End(_: End) = "end", Session;
    /// Join a room, or renew its membership.
    Join(_: Join) = "join", Room;
    /// Leave a room.
    Leave(_: InRoom) = "leave", Release;
    /// List the participants of a room by page.
    Roster(_: Roster) = "roster", Room;
    /// Publish a stream.
    Publish(_: Publish) = "publish", Room;
    /// Update a stream of this session.
    UpdateStream(update: UpdateStream) = "update_stream", if update.only_turns_off() { Release } else { Room };
    /// Unpublish a stream.
    Unpublish(_: OnStream) = "unpublish", Release;
    /// Subscribe to a stream.
    Subscribe(_: OnStream) = "subscribe", Room;
    /// Unsubscribe from a stream.
    Unsubscribe(_: OnStream) = "unsubscribe", Room;
    /// Negotiate media with the other end of a subscription.
    Relay(_: Relay) = "relay", Room;
    /// Send an application message.
    Signal(_: SendSignal) = "signal", Room;
    /// Remove a participant or a user from a room, or a user from the app.
    ForceDisconnect(_: ForceDisconnect) = "force_disconnect", Moderation;
    /// Unblock a removed user.
    Unblock(_: Unblock) = "unblock", Moderation;
    /// End another participant's stream.
    ForceUnpublish(_: ForceUnpublish) = "force_unpublish", Moderation;
    /// Mute a stream, a participant or a user.
    ForceMute(_: ForceMute) = "force_mute", Moderation;
    /// Lift a mute; never turns audio on.
    LiftMute(_: ForceMute) = "lift_mute", Moderation;
    /// Mute a whole room.
    ForceMuteAll(_: ForceMuteAll) = "force_mute_all", Moderation;
    /// End the room's mute; muted streams stay muted.
    DisableForceMute(_: ModerateRoom) = "disable_force_mute", Moderation;
    /// Request the owner of a stream to unmute it.
    RequestUnmute(_: OnStream) = "request_unmute", Moderation;
    /// Change a participant's role.
    SetRole(_: SetRole) = "set_role", Moderation;
    /// Reject new participants.
    LockRoom(_: ModerateRoom) = "lock_room", Moderation;
    /// Accept new participants again.
    UnlockRoom(_: ModerateRoom) = "unlock_room", Moderation;
    /// End a room for all participants.
    EndRoom(_: ModerateRoom) = "end_room", Moderation;
    /// Turn the session feed of a room on or off.
    SetSessionFeed(_: SetSessionFeed) = "set_session_feed", Moderation;
}
