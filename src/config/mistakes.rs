//! The mistakes of a configuration, and which of them only follow from others.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::error::{ConfigError, ConfigErrors};

/// Maximum number of reported mistakes, so that any text is read in bounded time.
const MAX_REPORTED: usize = 50;

/// The mistakes found so far. Their keys have the indices of the file, also after list entries were removed.
#[derive(Debug, Default)]
pub(super) struct Mistakes {
    errors: Vec<ConfigError>,
    /// The keys with a mistake.
    keys: BTreeSet<String>,
    /// List entries that were removed because of a mistake: the key of the list, and the index.
    removed: BTreeSet<(String, usize)>,
}

impl Mistakes {
    /// Adds the mistake at `key`, unless another one is at that key, below it, or above it.
    pub(super) fn add(&mut self, key: &str, error: ConfigError) {
        if !self.concern(key) {
            self.keys.insert(key.to_owned());
            self.errors.push(error);
        }
    }

    /// Adds the violation of a rule between values, which are valid each.
    pub(super) fn add_violation(&mut self, error: ConfigError) {
        self.errors.push(error);
    }

    /// Marks that `table` has an unknown key, which may stand for any of its keys.
    pub(super) fn add_unknown_key_in(&mut self, table: &str) {
        self.keys.insert(any_key_of(table));
    }

    /// Whether a mistake is at `key`, below it, or above it.
    pub(super) fn concern(&self, key: &str) -> bool {
        self.keys.iter().any(|wrong| contains(wrong, key) || contains(key, wrong))
    }

    pub(super) fn are_too_many(&self) -> bool {
        self.errors.len() >= MAX_REPORTED
    }

    /// Marks that the value at `key` was removed before the configuration is read again.
    pub(super) fn mark_removed(&mut self, key: &str) {
        let entry = key.strip_suffix(']').and_then(|key| key.rsplit_once('['));
        if let Some((list, index)) = entry
            && let Ok(index) = index.parse()
        {
            self.removed.insert((list.to_owned(), index));
        }
    }

    /// The key in the file of the value at `key` of what was read, where list entries may be missing.
    pub(super) fn key_in_file(&self, key: &str) -> String {
        let mut in_file = String::new();
        let mut rest = key;
        while let Some((name, after)) = rest.split_once('[') {
            let Some((index, after)) = after.split_once(']') else { break };
            in_file.push_str(name);
            let Ok(mut index) = index.parse::<usize>() else { break };
            // In ascending order.
            for (list, removed) in &self.removed {
                if *list == in_file && *removed <= index {
                    index += 1;
                }
            }
            write!(in_file, "[{index}]").expect("a string takes every text");
            rest = after;
        }
        in_file + rest
    }

    /// All mistakes, those of the file in its order; `None` if there is none.
    pub(super) fn into_errors(self) -> Option<ConfigErrors> {
        ConfigErrors::new(self.errors)
    }
}

/// Stands for any key of `table` in the inputs of a rule.
pub(super) fn any_key_of(table: &str) -> String {
    let dot = if table.is_empty() { "" } else { "." };
    format!("{table}{dot}*")
}

/// Whether the value at `inner` is that at `outer` or inside it.
fn contains(outer: &str, inner: &str) -> bool {
    inner
        .strip_prefix(outer)
        .is_some_and(|rest| outer.is_empty() || rest.is_empty() || rest.starts_with(['.', '[']))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(key: &str) -> ConfigError {
        let (variable, key) = ("V".to_owned(), key.to_owned());
        ConfigError::Variable { variable, key, found: String::new(), allowed: String::new() }
    }

    #[test]
    fn mistakes_above_and_below_others_are_consequences() {
        let mut mistakes = Mistakes::default();
        mistakes.add("apps[0].jwks.url", error("first"));
        for consequence in
            ["apps", "apps[0]", "apps[0].jwks", "apps[0].jwks.url", "apps[0].jwks.url.x"]
        {
            mistakes.add(consequence, error("consequence"));
        }
        for other in ["apps[1]", "apps[0].jwks.urls", "apps[0].id", "listen"] {
            mistakes.add(other, error(other));
        }
        assert_eq!(mistakes.errors.len(), 5, "{mistakes:?}");
    }

    #[test]
    fn indices_are_those_of_the_file() {
        let mut mistakes = Mistakes::default();
        for key in ["apps[0]", "apps[2]", "apps[3].keys[1]", "listen.tls", "apps[3].x[0]"] {
            mistakes.mark_removed(key);
        }
        for (key, expected) in [
            ("listen.tls", "listen.tls"),
            ("apps", "apps"),
            ("apps[0].id", "apps[1].id"),
            ("apps[1].keys[0]", "apps[3].keys[0]"),
            ("apps[1].keys[1].kid", "apps[3].keys[2].kid"),
            ("apps[2]", "apps[4]"),
            ("odd[", "odd["),
        ] {
            assert_eq!(mistakes.key_in_file(key), expected);
        }
    }
}
