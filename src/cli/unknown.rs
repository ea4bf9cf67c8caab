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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A room.
    Room,
    /// A user.
    User,
}

/// A name that nobody has.
#[derive(Debug)]
pub(super) struct Unknown {
    kind: Kind,
    name: String,
    /// The names there are.
    known: Vec<String>,
}

impl std::error::Error for Unknown {}

impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, name, known } = self;
        let (what, are) = match kind {
            Kind::Room => ("room", "open"),
            Kind::User => ("user", "known"),
        };
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
pub(super) fn explain(api: &Api, kind: Kind, name: &str, failure: Failure) -> Failure {
    let (code, list) = match kind {
        Kind::Room => ("room_not_found", "rooms"),
        Kind::User => ("not_found", "users"),
    };
    if !matches!(&failure, Failure::Refused(refusal) if refusal.code == code) {
        return failure;
    }
    // Without a list the refusal itself has to do.
    let Ok((items, _)) = api.list(MAX_LOOKED_AT, || Call::get(&[list])) else { return failure };
    let named = items.iter().filter_map(|item| match kind {
        Kind::Room if item["open"] == true => item["room"].as_str(),
        Kind::Room => None,
        Kind::User => item["username"].as_str(),
    });
    Failure::Unknown(Unknown {
        kind,
        name: name.to_owned(),
        known: named.map(str::to_owned).collect(),
    })
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

    fn told(kind: Kind, name: &str, known: &[&str]) -> String {
        let known = known.iter().map(|&name| name.to_owned()).collect();
        Unknown { kind, name: name.to_owned(), known }.to_string()
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
