//! The table of webhook event types.
//!
//! `config` reads which types an endpoint receives, `hub` creates events, `webhook` delivers them. A new type is a row
//! here and in `docs/webhooks.md`. Every moderation command has its own type, named after it.

use std::fmt;

use serde::{Serialize, Serializer};
use stagedoor_proto::ModerationCommand;

/// The share of an app's outbox that the messages of a type use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutboxShare {
    /// Half of the outbox, for moderation and bans.
    Reserved,
    /// The rest.
    Common,
}

macro_rules! event_types {
    ($($(#[$doc:meta])* $name:ident = $group:literal, $event:literal, $share:ident;)*) => {
        /// The type of a webhook event.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum EventType {
            $($(#[$doc])* $name,)*
            /// A moderation command was executed.
            Moderation(ModerationCommand),
        }

        impl EventType {
            const UNMODERATED: &[Self] = &[$(Self::$name,)*];

            /// The group and the event in its name.
            const fn parts(self) -> (&'static str, &'static str) {
                match self {
                    $(Self::$name => ($group, $event),)*
                    Self::Moderation(command) => ("moderation", command.as_str()),
                }
            }

            /// The share of the outbox for messages of this type.
            #[must_use]
            pub const fn outbox_share(self) -> OutboxShare {
                match self {
                    $(Self::$name => OutboxShare::$share,)*
                    Self::Moderation(_) => OutboxShare::Reserved,
                }
            }
        }
    };
}

event_types! {
    /// A session was established.
    SessionStarted = "session", "started", Common;
    /// A session ended.
    SessionEnded = "session", "ended", Common;
    /// An operator banned a user.
    UserBanned = "user", "banned", Reserved;
    /// The first participant joined an empty room.
    RoomOpened = "room", "opened", Common;
    /// The last participant left, or a moderator ended the room.
    RoomEnded = "room", "ended", Common;
    /// A participant joined a room.
    ParticipantJoined = "participant", "joined", Common;
    /// A participant left a room, for any reason.
    ParticipantLeft = "participant", "left", Common;
    /// A stream was published.
    StreamPublished = "stream", "published", Common;
    /// A stream ended.
    StreamUnpublished = "stream", "unpublished", Common;
}

impl EventType {
    /// Every type, in the order of the table, followed by those of moderation.
    pub fn all() -> impl Iterator<Item = Self> {
        let moderation = ModerationCommand::ALL.iter().map(|command| Self::Moderation(*command));
        Self::UNMODERATED.iter().copied().chain(moderation)
    }

    /// Whether `pattern` is this type's name, its group such as `room.*`, or `*`.
    #[must_use]
    pub fn matches(self, pattern: &str) -> bool {
        pattern == "*"
            || pattern.split_once('.').is_some_and(|(group, event)| {
                let (own_group, own_event) = self.parts();
                group == own_group && (event == own_event || event == "*")
            })
    }
}

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (group, event) = self.parts();
        write!(f, "{group}.{event}")
    }
}

impl Serialize for EventType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_has_its_row_in_the_docs() {
        let document = include_str!("../docs/webhooks.md");
        let table =
            document.lines().skip_while(|line| !line.starts_with("| type | when |")).skip(2);
        let rows: Vec<&str> =
            table.map_while(|line| line.strip_prefix("| `")?.split('`').next()).collect();
        let mut expected: Vec<String> =
            EventType::UNMODERATED.iter().map(ToString::to_string).collect();
        expected.push("moderation.".into());
        assert_eq!(rows, expected);
    }
}
