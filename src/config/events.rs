//! The events that an endpoint subscribes to, by patterns of their names.

use serde::de::{self, Deserializer};
use serde::{Deserialize, Serialize, Serializer};

use crate::event_type::EventType;

/// The event types that an endpoint receives; by default all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventFilter(Vec<EventType>);

impl EventFilter {
    #[must_use]
    pub fn includes(&self, kind: EventType) -> bool {
        self.0.contains(&kind)
    }

    #[must_use]
    pub fn types(&self) -> &[EventType] {
        &self.0
    }

    /// The types that match patterns such as `room.*`.
    ///
    /// # Errors
    /// The first pattern that matches no type.
    pub fn of<'a>(patterns: &[&'a str]) -> Result<Self, &'a str> {
        let matches_none = |pattern: &&&str| !EventType::all().any(|kind| kind.matches(pattern));
        if let Some(pattern) = patterns.iter().find(matches_none) {
            return Err(pattern);
        }
        let is_included = |kind: &EventType| patterns.iter().any(|pattern| kind.matches(pattern));
        Ok(Self(EventType::all().filter(is_included).collect()))
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
            return Err(de::Error::custom(
                "an empty list, expected at least one event, or no `events` key",
            ));
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
