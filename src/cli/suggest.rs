//! An error about an unknown name, with a suggestion and the existing names.

use std::fmt;

/// Names listed in the message.
const MAX_REPORTED: usize = 10;
/// Names searched for a suggestion.
pub(super) const MAX_SEARCHED: usize = 1_000;

#[derive(Debug)]
pub(super) struct UnknownName {
    /// The noun, and the state of those that exist.
    pub(super) words: (&'static str, &'static str),
    pub(super) name: String,
    /// The existing names.
    pub(super) known: Vec<String>,
}

impl std::error::Error for UnknownName {}

impl fmt::Display for UnknownName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { words: (what, are), name, known } = self;
        write!(f, "no {what} named {name:?}")?;
        match nearest(name, known) {
            Some(nearest) => write!(f, ", did you mean {nearest:?}? ")?,
            None => write!(f, "; ")?,
        }
        let listed = known[..known.len().min(MAX_REPORTED)].iter().map(|name| name.escape_debug());
        let listed = listed.map(|name| name.to_string()).collect::<Vec<_>>().join(", ");
        match known.len() {
            0 => write!(f, "none is {are}"),
            1 => write!(f, "1 is {are}: {listed}"),
            // The list was cut at MAX_SEARCHED.
            MAX_SEARCHED.. => write!(f, "more than {} are {are}: {listed}, …", MAX_SEARCHED - 1),
            count if count > MAX_REPORTED => write!(f, "{count} are {are}: {listed}, …"),
            count => write!(f, "{count} are {are}: {listed}"),
        }
    }
}

/// The name of `known` with the smallest edit distance to `name`, if it is small enough.
fn nearest<'a>(name: &str, known: &'a [String]) -> Option<&'a String> {
    let steps = known.iter().map(|other| (strsim::damerau_levenshtein(name, other), other));
    let most = 1 + name.chars().count() / 4;
    steps.filter(|(steps, _)| *steps <= most).min().map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOM: (&str, &str) = ("room", "open");
    const USER: (&str, &str) = ("user", "known");
    const PARTICIPANT: (&str, &str) = ("participant", "in the room");

    fn message(words: (&'static str, &'static str), name: &str, known: &[&str]) -> String {
        let known = known.iter().map(|&name| name.to_owned()).collect();
        UnknownName { words, name: name.to_owned(), known }.to_string()
    }

    #[test]
    fn unknown_name_error_suggests_similar_names() {
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
            assert_eq!(message(ROOM, name, &rooms), expected);
        }
        assert_eq!(message(ROOM, "a", &[]), "no room named \"a\"; none is open");
        assert_eq!(
            message(PARTICIPANT, "adda", &["ada", "bob"]),
            "no participant named \"adda\", did you mean \"ada\"? 2 are in the room: ada, bob"
        );
        assert_eq!(message(USER, "a", &["bcd\n"]), "no user named \"a\"; 1 is known: bcd\\n");
    }

    #[test]
    fn a_long_list_is_cut() {
        let names: Vec<String> = (100..200).map(|n| n.to_string()).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let text = message(ROOM, "nowhere", &names);
        assert!(text.contains("; 100 are open: 100, 101, ") && text.ends_with("109, …"), "{text}");
    }
}
