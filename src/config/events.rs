//! The events that endpoints can be told of, by name, and which of them one wants.

use serde::de::{self, Deserializer};
use serde::{Deserialize, Serialize, Serializer};
use stagedoor_proto::Verb;

/// What sort of thing happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventType {
    /// A session was let in.
    SessionStarted,
    /// A session is over.
    SessionEnded,
    /// An operator banned a user.
    UserBanned,
    /// Somebody entered a room in which nobody was.
    RoomOpened,
    /// The last participant left, or a moderator ended the room.
    RoomEnded,
    /// Somebody entered a room.
    ParticipantJoined,
    /// Somebody left a room, for whatever reason.
    ParticipantLeft,
    /// A stream began.
    StreamPublished,
    /// A stream is over.
    StreamUnpublished,
    /// A moderation verb was carried out.
    Moderation(Verb),
}

impl EventType {
    /// Every type there is.
    pub const ALL: [Self; 21] = [
        Self::SessionStarted,
        Self::SessionEnded,
        Self::UserBanned,
        Self::RoomOpened,
        Self::RoomEnded,
        Self::ParticipantJoined,
        Self::ParticipantLeft,
        Self::StreamPublished,
        Self::StreamUnpublished,
        Self::Moderation(Verb::ForceDisconnect),
        Self::Moderation(Verb::Unblock),
        Self::Moderation(Verb::ForceUnpublish),
        Self::Moderation(Verb::ForceMute),
        Self::Moderation(Verb::LiftMute),
        Self::Moderation(Verb::ForceMuteAll),
        Self::Moderation(Verb::DisableForceMute),
        Self::Moderation(Verb::AskUnmute),
        Self::Moderation(Verb::SetRole),
        Self::Moderation(Verb::LockRoom),
        Self::Moderation(Verb::UnlockRoom),
        Self::Moderation(Verb::EndRoom),
    ];

    /// Its name, such as `room.opened`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SessionStarted => "session.started",
            Self::SessionEnded => "session.ended",
            Self::UserBanned => "user.banned",
            Self::RoomOpened => "room.opened",
            Self::RoomEnded => "room.ended",
            Self::ParticipantJoined => "participant.joined",
            Self::ParticipantLeft => "participant.left",
            Self::StreamPublished => "stream.published",
            Self::StreamUnpublished => "stream.unpublished",
            Self::Moderation(Verb::ForceDisconnect) => "moderation.force_disconnect",
            Self::Moderation(Verb::Unblock) => "moderation.unblock",
            Self::Moderation(Verb::ForceUnpublish) => "moderation.force_unpublish",
            Self::Moderation(Verb::ForceMute) => "moderation.force_mute",
            Self::Moderation(Verb::LiftMute) => "moderation.lift_mute",
            Self::Moderation(Verb::ForceMuteAll) => "moderation.force_mute_all",
            Self::Moderation(Verb::DisableForceMute) => "moderation.disable_force_mute",
            Self::Moderation(Verb::AskUnmute) => "moderation.ask_unmute",
            Self::Moderation(Verb::SetRole) => "moderation.set_role",
            Self::Moderation(Verb::LockRoom) => "moderation.lock_room",
            Self::Moderation(Verb::UnlockRoom) => "moderation.unlock_room",
            Self::Moderation(Verb::EndRoom) => "moderation.end_room",
        }
    }

    /// Whether `pattern` is of it: its name, its group as in `room.*`, or `*`.
    fn is_of(self, pattern: &str) -> bool {
        let name = self.as_str();
        match pattern.strip_suffix('*') {
            Some("") => true,
            Some(group) => group.ends_with('.') && name.starts_with(group),
            None => name == pattern,
        }
    }
}

impl Serialize for EventType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// The types of events that are wanted; the default is all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventFilter(Vec<EventType>);

impl EventFilter {
    /// Whether this type is wanted.
    #[must_use]
    pub fn wants(&self, kind: EventType) -> bool {
        self.0.contains(&kind)
    }

    /// The types that are wanted.
    #[must_use]
    pub fn types(&self) -> &[EventType] {
        &self.0
    }

    /// The types that patterns such as `room.*` name; where one names none, that one.
    ///
    /// # Errors
    /// The pattern that names no type.
    pub fn of<'a>(patterns: &[&'a str]) -> Result<Self, &'a str> {
        let names_none =
            |pattern: &&&str| !EventType::ALL.into_iter().any(|kind| kind.is_of(pattern));
        if let Some(pattern) = patterns.iter().find(names_none) {
            return Err(pattern);
        }
        let is_wanted = |kind: &EventType| patterns.iter().any(|pattern| kind.is_of(pattern));
        Ok(Self(EventType::ALL.into_iter().filter(is_wanted).collect()))
    }
}

impl Default for EventFilter {
    fn default() -> Self {
        Self(EventType::ALL.to_vec())
    }
}

impl Serialize for EventFilter {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(&self.0)
    }
}

impl<'de> Deserialize<'de> for EventFilter {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let patterns = Vec::<String>::deserialize(deserializer)?;
        let patterns: Vec<&str> = patterns.iter().map(String::as_str).collect();
        if patterns.is_empty() {
            return Err(de::Error::custom("no event, expected at least one, or no such key"));
        }
        Self::of(&patterns).map_err(|pattern| {
            let names: Vec<_> =
                EventType::ALL.iter().map(|kind| format!("`{}`", kind.as_str())).collect();
            de::Error::custom(format_args!(
                "{pattern:?}, expected `*`, a group such as `room.*`, or one of {}",
                names.join(", ")
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_name_types_groups_or_all() {
        for (pattern, expected) in [
            ("*", 21),
            ("session.*", 2),
            ("moderation.*", 12),
            ("user.banned", 1),
            ("session", 0),
            ("sess*", 0),
            ("session.start", 0),
            ("", 0),
            ("*.*", 0),
        ] {
            let found = EventFilter::of(&[pattern]).map_or(0, |filter| filter.types().len());
            assert_eq!(found, expected, "{pattern:?}");
        }
        let both = EventFilter::of(&["room.opened", "room.*"]).unwrap();
        assert_eq!(both.types(), [EventType::RoomOpened, EventType::RoomEnded]);
    }

    #[test]
    fn a_verb_has_the_name_it_has_on_the_wire() {
        for kind in EventType::ALL {
            if let EventType::Moderation(verb) = kind {
                assert_eq!(kind.as_str(), format!("moderation.{}", verb.as_str()));
            }
        }
    }
}
