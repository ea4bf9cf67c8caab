//! What a client asks for.
//!
//! Owns the list of commands; their bodies are in `session` (one's own session), `room` (what participants do) and
//! `moderation`. A command that names one person or one target does so by exactly one of its alternatives.
//! Not here: who may send which command, and when (`docs/protocol.md`, "Commands").

mod moderation;
mod room;
mod session;

pub use moderation::*;
pub use room::*;
pub use session::*;

use serde::{Deserialize, Serialize};

macro_rules! commands {
    ($($(#[$doc:meta])* $name:ident($body:ty) = $text:literal;)*) => {
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
        }
    };
}

commands! {
    /// Begin a session. Only as the first frame.
    Start(Box<Start>) = "start";
    /// Take up a session after a lost connection. Only as the first frame.
    Resume(Resume) = "resume";
    /// Prolong the session.
    Renew(Renew) = "renew";
    /// There is no auth token to be had now; ask again later.
    PostponeRenewal(PostponeRenewal) = "postpone_renewal";
    /// End the session.
    End(End) = "end";
    /// Enter a room, or renew one's membership of it.
    Join(Join) = "join";
    /// Leave a room.
    Leave(InRoom) = "leave";
    /// Page through everybody in a room.
    Roster(Roster) = "roster";
    /// Publish a stream.
    Publish(Publish) = "publish";
    /// Change one's own stream.
    UpdateStream(UpdateStream) = "update_stream";
    /// End one's own stream.
    Unpublish(OnStream) = "unpublish";
    /// Watch a stream.
    Subscribe(OnStream) = "subscribe";
    /// Stop watching a stream.
    Unsubscribe(OnStream) = "unsubscribe";
    /// Negotiate media with the other end of a subscription.
    Relay(Relay) = "relay";
    /// Send an application message.
    Signal(SendSignal) = "signal";
    /// Remove a participant or a user from a room, or a user from the app.
    ForceDisconnect(ForceDisconnect) = "force_disconnect";
    /// Let a removed user return.
    Unblock(Unblock) = "unblock";
    /// End somebody's stream.
    ForceUnpublish(ForceUnpublish) = "force_unpublish";
    /// Mute a stream, a participant or a user.
    ForceMute(ForceMute) = "force_mute";
    /// Lift a mute; never turns audio on.
    LiftMute(ForceMute) = "lift_mute";
    /// Mute everybody at once.
    ForceMuteAll(ForceMuteAll) = "force_mute_all";
    /// End the room's standing mute; muted streams stay muted.
    DisableForceMute(ModerateRoom) = "disable_force_mute";
    /// Ask a stream's owner to turn its audio on.
    AskUnmute(OnStream) = "ask_unmute";
    /// Change a participant's role.
    SetRole(SetRole) = "set_role";
    /// Let nobody new in.
    LockRoom(ModerateRoom) = "lock_room";
    /// Let people in again.
    UnlockRoom(ModerateRoom) = "unlock_room";
    /// End a room for everybody.
    EndRoom(ModerateRoom) = "end_room";
    /// Turn the session feed of a room on or off.
    Watch(Watch) = "watch";
}
