//! The spans of the keys of a TOML text, and the keys whose values are paths.

use std::ops::Range;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Keys whose values are paths, relative to the directory of the file.
const PATH_KEYS: [&str; 4] = ["file", "path", "cert", "key"];
/// The table whose keys are room patterns.
const ROOMS_KEY: &str = "default_rooms";

/// A key, and the spans of its name and value.
pub(super) struct KeySpan {
    pub(super) key: String,
    pub(super) name: Range<usize>,
    pub(super) value: Range<usize>,
    pub(super) kind: &'static str,
}

/// Every key of `table`, at any depth.
pub(super) fn spans_of(table: &DeTable<'_>) -> Vec<KeySpan> {
    let mut spans = Vec::new();
    collect_table(table, "", &mut spans);
    spans
}

/// The line, from 1, that the byte at `at` is on.
pub(super) fn line_of(text: &[u8], at: usize) -> usize {
    text[..at.min(text.len())].split(|byte| *byte == b'\n').count()
}

fn collect_table(table: &DeTable<'_>, parent: &str, spans: &mut Vec<KeySpan>) {
    for (name, value) in table {
        let dot = if parent.is_empty() { "" } else { "." };
        collect(value, format!("{parent}{dot}{}", name.get_ref()), name.span(), spans);
    }
}

fn collect(
    value: &Spanned<DeValue<'_>>,
    key: String,
    name: Range<usize>,
    spans: &mut Vec<KeySpan>,
) {
    let kind = value.get_ref().type_str();
    match value.get_ref() {
        DeValue::Table(table) => collect_table(table, &key, spans),
        DeValue::Array(values) => {
            for (index, value) in values.iter().enumerate() {
                collect(value, format!("{key}[{index}]"), value.span(), spans);
            }
        }
        _ => {}
    }
    spans.push(KeySpan { key, name, value: value.span(), kind });
}

/// Makes the paths in `table` relative to `directory`.
pub(super) fn anchor_table(table: &mut DeTable<'_>, directory: &Path) {
    for (name, value) in table.iter_mut() {
        match value.get_mut() {
            DeValue::String(path) if PATH_KEYS.contains(&&**name.get_ref()) => {
                *path = directory.join(&**path).to_string_lossy().into_owned().into();
            }
            // Its keys are room patterns, even if one is called `path`.
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
