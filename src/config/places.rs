//! Where the keys of a TOML text stand, and which of their values are paths.

use std::ops::Range;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Keys whose values are paths, relative to the directory of the file they stand in.
const PATH_KEYS: [&str; 4] = ["file", "path", "cert", "key"];
/// The table whose keys are not the configuration's.
const ROOMS_KEY: &str = "default_rooms";

/// One key and where its value stands.
pub(super) struct Place {
    pub(super) key: String,
    pub(super) name: Range<usize>,
    pub(super) value: Range<usize>,
    pub(super) kind: &'static str,
}

/// Every key of `table`, at any depth.
pub(super) fn places_of(table: &DeTable<'_>) -> Vec<Place> {
    let mut places = Vec::new();
    collect_table(table, "", &mut places);
    places
}

/// The line, from 1, that the byte at `at` is on.
pub(super) fn line_of(text: &[u8], at: usize) -> usize {
    text[..at.min(text.len())].split(|byte| *byte == b'\n').count()
}

fn collect_table(table: &DeTable<'_>, parent: &str, places: &mut Vec<Place>) {
    for (name, value) in table {
        let dot = if parent.is_empty() { "" } else { "." };
        collect(value, format!("{parent}{dot}{}", name.get_ref()), name.span(), places);
    }
}

fn collect(value: &Spanned<DeValue<'_>>, key: String, name: Range<usize>, places: &mut Vec<Place>) {
    let kind = value.get_ref().type_str();
    match value.get_ref() {
        DeValue::Table(table) => collect_table(table, &key, places),
        DeValue::Array(values) => {
            for (index, value) in values.iter().enumerate() {
                collect(value, format!("{key}[{index}]"), value.span(), places);
            }
        }
        _ => {}
    }
    places.push(Place { key, name, value: value.span(), kind });
}

/// Makes the paths in `table` relative to `directory`.
pub(super) fn anchor_table(table: &mut DeTable<'_>, directory: &Path) {
    for (name, value) in table.iter_mut() {
        match value.get_mut() {
            DeValue::String(path) if PATH_KEYS.contains(&&**name.get_ref()) => {
                *path = directory.join(&**path).to_string_lossy().into_owned().into();
            }
            // Its keys are names of rooms, whatever they read like.
            _ if **name.get_ref() == *ROOMS_KEY => {}
            value => anchor(value, directory),
        }
    }
}

fn anchor(value: &mut DeValue<'_>, directory: &Path) {
    match value {
        DeValue::Table(table) => anchor_table(table, directory),
        DeValue::Array(values) => {
            for value in values.iter_mut() {
                anchor(value.get_mut(), directory);
            }
        }
        _ => {}
    }
}
