//! Which names there are, where a call named one that nobody has.

use serde_json::Value;

use super::api::{Api, Call};
use super::failure::Failure;
use super::suggest::{MAX_LOOKED_AT, UnknownName};

/// What has a name.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind<'a> {
    /// A room.
    Room,
    /// A user.
    User,
    /// Somebody in this room.
    In(&'a str),
}

impl Kind<'_> {
    /// What it is called, and what is said of those there are.
    const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Room => ("room", "open"),
            Self::User => ("user", "known"),
            Self::In(_) => ("participant", "in the room"),
        }
    }

    /// The code of the refusal that says that nobody has the name.
    const fn code(self) -> &'static str {
        match self {
            Self::Room => "room_not_found",
            Self::User => "not_found",
            Self::In(_) => "participant_not_found",
        }
    }

    /// The names there are, each once.
    fn known(self, api: &Api) -> Result<Vec<String>, Failure> {
        let (items, _) = api.list(MAX_LOOKED_AT, || match self {
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

/// `name`, which nobody has, with the names there are.
pub(super) fn find_similar(api: &Api, kind: Kind<'_>, name: &str) -> Result<UnknownName, Failure> {
    Ok(UnknownName { words: kind.words(), name: name.to_owned(), known: kind.known(api)? })
}

/// What `failure` means where the call was about `name`: with the names there are, when it is that there is no such one.
pub(super) fn explain(api: &Api, kind: Kind<'_>, name: &str, failure: Failure) -> Failure {
    if !matches!(&failure, Failure::Refused(refusal) if refusal.code == kind.code()) {
        return failure;
    }
    match find_similar(api, kind, name) {
        // It is listed, and was refused for another reason: a user who was deleted before.
        Ok(unknown) if unknown.known.iter().any(|known| known == name) => failure,
        Ok(unknown) => Failure::Unknown(unknown),
        // Without the names the refusal itself has to do.
        Err(_) => failure,
    }
}

/// Where a call named the room that `answer` is about.
pub(super) fn in_room(
    api: &Api,
    room: &str,
    answer: Result<Value, Failure>,
) -> Result<Value, Failure> {
    answer.map_err(|failure| explain(api, Kind::Room, room, failure))
}
