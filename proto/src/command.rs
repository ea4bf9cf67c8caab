//! What a client asks for.
//!
//! Owns the list of commands; their bodies are in `session` (one's own session), `room` (what participants do) and
//! `moderation`. A command that names one person or one target does so by exactly one of its alternatives.
//! Not here: which scope a command needs (`docs/protocol.md`, "Commands").

mod moderation;
mod room;
mod session;

pub use moderation::*;
pub use room::*;
pub use session::*;

use serde::{Deserialize, Serialize};

use CommandClass::{Moderation, Opening, Release, Room, Session};

/// Commands by when they are allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CommandClass {
    /// Opens a session; the first message of a connection and no other.
    Opening,
    /// Renews or ends the session.
    Session,
    /// Gives up something in a room, or describes a stream anew without turning anything on.
    Release,
    /// Enters a room or uses it as a participant.
    Room,
    /// Moderates a room, or watches its sessions.
    Moderation,
}

impl CommandClass {
    /// Whether it is allowed while the session's token is expired. Of an [`Opening`] the token decides nothing.
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

            /// What kind of command it is, which says when it is allowed.
            #[must_use]
            pub const fn class(&self) -> CommandClass {
                match self { $(Self::$name($command) => $class,)* }
            }
        }
    };
}

commands! {
    /// Begin a session. Only as the first frame.
    Start(_: Box<Start>) = "start", Opening;
    /// Take up a session after a lost connection. Only as the first frame.
    Resume(_: Resume) = "resume", Opening;
    /// Prolong the session.
    Renew(_: Renew) = "renew", Session;
    /// There is no auth token to be had now; ask again later.
    PostponeRenewal(_: PostponeRenewal) = "postpone_renewal", Session;
    /// End the session.
    End(_: End) = "end", Session;
    /// Enter a room, or renew one's membership of it.
    Join(_: Join) = "join", Room;
    /// Leave a room.
    Leave(_: InRoom) = "leave", Release;
    /// Page through everybody in a room.
    Roster(_: Roster) = "roster", Room;
    /// Publish a stream.
    Publish(_: Publish) = "publish", Room;
    /// Change one's own stream.
    UpdateStream(update: UpdateStream) = "update_stream", if update.turns_on() { Room } else { Release };
    /// End one's own stream.
    Unpublish(_: OnStream) = "unpublish", Release;
    /// Watch a stream.
    Subscribe(_: OnStream) = "subscribe", Room;
    /// Stop watching a stream.
    Unsubscribe(_: OnStream) = "unsubscribe", Room;
    /// Negotiate media with the other end of a subscription.
    Relay(_: Relay) = "relay", Room;
    /// Send an application message.
    Signal(_: SendSignal) = "signal", Room;
    /// Remove a participant or a user from a room, or a user from the app.
    ForceDisconnect(_: ForceDisconnect) = "force_disconnect", Moderation;
    /// Let a removed user return.
    Unblock(_: Unblock) = "unblock", Moderation;
    /// End somebody's stream.
    ForceUnpublish(_: ForceUnpublish) = "force_unpublish", Moderation;
    /// Mute a stream, a participant or a user.
    ForceMute(_: ForceMute) = "force_mute", Moderation;
    /// Lift a mute; never turns audio on.
    LiftMute(_: ForceMute) = "lift_mute", Moderation;
    /// Mute everybody at once.
    ForceMuteAll(_: ForceMuteAll) = "force_mute_all", Moderation;
    /// End the room's standing mute; muted streams stay muted.
    DisableForceMute(_: ModerateRoom) = "disable_force_mute", Moderation;
    /// Ask a stream's owner to turn its audio on.
    RequestUnmute(_: OnStream) = "request_unmute", Moderation;
    /// Change a participant's role.
    SetRole(_: SetRole) = "set_role", Moderation;
    /// Let nobody new in.
    LockRoom(_: ModerateRoom) = "lock_room", Moderation;
    /// Let people in again.
    UnlockRoom(_: ModerateRoom) = "unlock_room", Moderation;
    /// End a room for everybody.
    EndRoom(_: ModerateRoom) = "end_room", Moderation;
    /// Turn the session feed of a room on or off.
    SetSessionFeed(_: SetSessionFeed) = "set_session_feed", Moderation;
}
