//! Removes invalid values from a TOML table, so that the rest can be checked.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::spans::KeySpan;

/// Values of the keys without a default, for a file that lacks them.
const REQUIRED: &str =
    "apps = [{ id = \"app\", guests = true }]\nstore = { sqlite = { path = \"store.db\" } }\n";

/// Removes the value at `place` from `table`, and returns whether it was there.
pub(super) fn remove(table: &mut DeTable<'_>, place: &KeySpan) -> bool {
    // Variables can give a table and its only key one span: the innermost is meant.
    if table.iter_mut().any(|(_, value)| remove_below(value, place)) {
        return true;
    }
    let found = table.iter().find(|(name, value)| {
        name.span() == place.name
            && value.span() == place.value
            && place.key.ends_with(&**name.get_ref())
    });
    let Some(name) = found.map(|(name, _)| name.get_ref().to_string()) else { return false };
    table.remove(name.as_str()).is_some()
}

fn remove_below(value: &mut Spanned<DeValue<'_>>, place: &KeySpan) -> bool {
    match value.get_mut() {
        DeValue::Table(table) => remove(table, place),
        DeValue::Array(entries) => {
            if entries.iter_mut().any(|entry| remove_below(entry, place)) {
                return true;
            }
            let is_there = |entry: &Spanned<DeValue<'_>>| {
                place.key.ends_with(']') && entry.span() == place.value
            };
            let Some(index) = entries.iter().position(is_there) else { return false };
            let kept = entries.iter().enumerate().filter(|(at, _)| *at != index);
            *entries = kept.map(|(_, entry)| entry.clone()).collect();
            true
        }
        _ => false,
    }
}

/// Sets the top-level `key` to a valid value, and returns whether there is one.
pub(super) fn set_required(table: &mut DeTable<'_>, key: &str) -> bool {
    let valid = DeTable::parse(REQUIRED).expect("it is TOML").into_inner();
    let entry = valid.into_iter().find(|(name, _)| **name.get_ref() == *key);
    entry.is_some_and(|(name, value)| table.insert(name, value).is_none())
}

#[cfg(test)]
mod tests {
    use super::super::Config;
    use super::*;

    #[test]
    fn each_required_key_has_a_valid_value() {
        let schema = Config::schema().to_value();
        let mut table = DeTable::new();
        for key in schema["required"].as_array().unwrap() {
            assert!(set_required(&mut table, key.as_str().unwrap()), "{key}");
        }
        assert!(!set_required(&mut table, "listen"));
    }
}
