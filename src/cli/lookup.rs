//! Looks up the existing names after a call failed because of an unknown one.

use serde_json::Value;

use super::api::{Api, Call};
use super::failure::Failure;
use super::suggest::{MAX_SEARCHED, UnknownName};

#[derive(Clone, Copy, Debug)]
pub(super) enum NameKind<'a> {
    Room,
    User,
    /// A participant of this room.
    In(&'a str),
}

impl NameKind<'_> {
    /// The noun, and the state of those that exist.
    const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Room => ("room", "open"),
            Self::User => ("user", "known"),
            Self::In(_) => ("participant", "in the room"),
        }
    }

    /// The problem code for an unknown name.
    const fn code(self) -> &'static str {
        match self {
            Self::Room => "room_not_found",
            Self::User => "not_found",
            Self::In(_) => "participant_not_found",
        }
    }

    /// The existing names, sorted and unique.
    fn known(self, api: &Api) -> Result<Vec<String>, Failure> {
        let (items, _) = api.list(MAX_SEARCHED, || match self {
            Self::Room => Call::get(&["rooms"]),
            Self::User => Call::get(&["users"]),
            Self::In(room) => Call::get(&["rooms", room, "participants"]),
        })?;
        let named = items.iter().filter_map(|item| match self {
            Self::Room if item["open"] == true => item["room"].as_str(),
            Self::Room => None,
            Self::User => item["username"].as_str(),
            Self::In(_) => item["participant"]["username"].as_str(),
        });
        let mut known: Vec<_> = named.map(str::to_owned).collect();
        known.sort_unstable();
        known.dedup();
        Ok(known)
    }
}

/// An error that lists the existing names for the unknown `name`.
pub(super) fn find_similar(
    api: &Api,
    kind: NameKind<'_>,
    name: &str,
) -> Result<UnknownName, Failure> {
    Ok(UnknownName { words: kind.words(), name: name.to_owned(), known: kind.known(api)? })
}

/// Replaces a `not found` failure about `name` with one that lists the existing names.
pub(super) fn explain(api: &Api, kind: NameKind<'_>, name: &str, failure: Failure) -> Failure {
    if !matches!(&failure, Failure::Rejected(rejection) if rejection.code == kind.code()) {
        return failure;
    }
    match find_similar(api, kind, name) {
        // The name exists: the call was rejected for another reason, such as a user deleted earlier.
        Ok(unknown) if unknown.known.iter().any(|known| known == name) => failure,
        Ok(unknown) => Failure::Unknown(unknown),
        // The names are not available: report the original failure.
        Err(_) => failure,
    }
}

/// Explains the failure of a call about `room`.
pub(super) fn explain_room(
    api: &Api,
    room: &str,
    answer: Result<Value, Failure>,
) -> Result<Value, Failure> {
    answer.map_err(|failure| explain(api, NameKind::Room, room, failure))
}
