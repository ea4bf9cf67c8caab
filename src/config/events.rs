//! Which events an endpoint wants, by patterns of their names.

use serde::de::{self, Deserializer};
use serde::{Deserialize, Serialize, Serializer};

use crate::event_type::EventType;

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
        let names_none = |pattern: &&&str| !EventType::all().any(|kind| kind.matches(pattern));
        if let Some(pattern) = patterns.iter().find(names_none) {
            return Err(pattern);
        }
        let is_wanted = |kind: &EventType| patterns.iter().any(|pattern| kind.matches(pattern));
        Ok(Self(EventType::all().filter(is_wanted).collect()))
    }
}

impl Default for EventFilter {
    fn default() -> Self {
        Self(EventType::all().collect())
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
            let names: Vec<_> = EventType::all().map(|kind| format!("`{kind}`")).collect();
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
}
