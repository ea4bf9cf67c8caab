//! A name that nobody has: which one was probably meant, and which there are.

use std::fmt;

use serde_json::Value;

use super::api::{Api, Call};
use super::failure::Failure;

/// How many names are told at most.
const MAX_TOLD: usize = 10;
/// How many names are looked at.
const MAX_LOOKED_AT: usize = 1_000;

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

/// A name that nobody has.
#[derive(Debug)]
pub(super) struct Unknown {
    /// What it would be called, and what is said of those there are.
    words: (&'static str, &'static str),
    name: String,
    /// The names there are.
    known: Vec<String>,
}

impl Unknown {
    /// `name`, which nobody has, with the names there are.
    pub(super) fn look(api: &Api, kind: Kind<'_>, name: &str) -> Result<Self, Failure> {
        Ok(Self { words: kind.words(), name: name.to_owned(), known: kind.known(api)? })
    }
}

impl std::error::Error for Unknown {}

impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { words: (what, are), name, known } = self;
        write!(f, "no {what} named {name:?}")?;
        match nearest(name, known) {
            Some(nearest) => write!(f, ", did you mean {nearest:?}? ")?,
            None => write!(f, "; ")?,
        }
        let told = known[..known.len().min(MAX_TOLD)].iter().map(|name| name.escape_debug());
        let told = told.map(|name| name.to_string()).collect::<Vec<_>>().join(", ");
        match known.len() {
            0 => write!(f, "none is {are}"),
            1 => write!(f, "1 is {are}: {told}"),
            // There are more than were looked at.
            MAX_LOOKED_AT.. => write!(f, "more than {} are {are}: {told}, …", MAX_LOOKED_AT - 1),
            count if count > MAX_TOLD => write!(f, "{count} are {are}: {told}, …"),
            count => write!(f, "{count} are {are}: {told}"),
        }
    }
}

/// The name of `known` that `name` was probably meant to be.
fn nearest<'a>(name: &str, known: &'a [String]) -> Option<&'a String> {
    let steps = known.iter().map(|other| (strsim::damerau_levenshtein(name, other), other));
    let most = 1 + name.chars().count() / 4;
    steps.filter(|(steps, _)| *steps <= most).min().map(|(_, name)| name)
}

/// What `failure` means where the call was about `name`: with the names there are, when it is that there is no such one.
pub(super) fn explain(api: &Api, kind: Kind<'_>, name: &str, failure: Failure) -> Failure {
    if !matches!(&failure, Failure::Refused(refusal) if refusal.code == kind.code()) {
        return failure;
    }
    match Unknown::look(api, kind, name) {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn told(kind: Kind<'_>, name: &str, known: &[&str]) -> String {
        let known = known.iter().map(|&name| name.to_owned()).collect();
        Unknown { words: kind.words(), name: name.to_owned(), known }.to_string()
    }

    #[test]
    fn what_was_probably_meant_is_told_with_what_there_is() {
        let rooms = ["lobby", "quiet", "stage"];
        for (name, expected) in [
            (
                "lobyy",
                "no room named \"lobyy\", did you mean \"lobby\"? 3 are open: lobby, quiet, stage",
            ),
            (
                "satge",
                "no room named \"satge\", did you mean \"stage\"? 3 are open: lobby, quiet, stage",
            ),
            ("kitchen", "no room named \"kitchen\"; 3 are open: lobby, quiet, stage"),
        ] {
            assert_eq!(told(Kind::Room, name, &rooms), expected);
        }
        assert_eq!(told(Kind::Room, "a", &[]), "no room named \"a\"; none is open");
        assert_eq!(
            told(Kind::In("lobby"), "adda", &["ada", "bob"]),
            "no participant named \"adda\", did you mean \"ada\"? 2 are in the room: ada, bob"
        );
        assert_eq!(told(Kind::User, "a", &["bcd\n"]), "no user named \"a\"; 1 is known: bcd\\n");
    }

    #[test]
    fn a_long_list_is_cut() {
        let names: Vec<String> = (100..200).map(|n| n.to_string()).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let text = told(Kind::Room, "nowhere", &names);
        assert!(text.contains("; 100 are open: 100, 101, ") && text.ends_with("109, …"), "{text}");
    }
}
