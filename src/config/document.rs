//! A configuration file as text: reading it, and turning whatever is wrong into a place, a finding and a remedy.
//!
//! `serde` and `toml` tell what is wrong and at which bytes. The key is found by looking the bytes up in the document,
//! and the line of a key the other way round, so that no type of the configuration carries places.

use std::ops::Range;
use std::path::Path;

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::ConfigError;

/// Keys whose values are paths, relative to the directory of the file they stand in.
const PATH_KEYS: [&str; 2] = ["file", "path"];
/// Keys whose values no error may show.
const SECRET_KEYS: [&str; 4] = ["hs256_secrets", "server_keys", "api_token", "secret"];
/// Longest part of a value that an error shows, in characters.
const MAX_SHOWN_CHARS: usize = 60;

/// A rule between values that does not hold.
#[derive(Debug)]
pub(super) struct Flaw {
    key: String,
    found: String,
    allowed: String,
}

impl Flaw {
    pub(super) fn new(
        key: impl Into<String>,
        found: impl Into<String>,
        allowed: impl Into<String>,
    ) -> Self {
        Self { key: key.into(), found: found.into(), allowed: allowed.into() }
    }
}

/// The text of `path`.
pub(super) fn read(path: &Path) -> Result<String, ConfigError> {
    let bytes = std::fs::read(path).map_err(|error| ConfigError::Unreadable {
        file: path.to_owned(),
        reason: error.to_string(),
    })?;
    String::from_utf8(bytes).map_err(|error| {
        let readable = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = line_of(readable, readable.len());
        ConfigError::NotText { file: path.to_owned(), line }
    })
}

/// A configuration file as text.
pub(super) struct Document<'a> {
    pub(super) path: &'a Path,
    pub(super) text: &'a str,
}

/// One key and where its value stands.
struct Place {
    key: String,
    name: Range<usize>,
    value: Range<usize>,
    kind: &'static str,
}

impl Document<'_> {
    pub(super) fn deserialize<T: DeserializeOwned>(&self) -> Result<T, ConfigError> {
        let mut table = self.table()?;
        if let Some(directory) = self.path.parent() {
            anchor_table(table.get_mut(), directory);
        }
        T::deserialize(toml::de::Deserializer::from(table)).map_err(|error| self.locate(&error))
    }

    /// The error for a rule between values that does not hold.
    pub(super) fn explain(&self, flaw: Flaw) -> ConfigError {
        let Flaw { key, found, allowed } = flaw;
        let places = self.places();
        // A key that is not there is told at the table it is missing from.
        let mut there = key.as_str();
        let at = loop {
            match places.iter().find(|place| place.key == there) {
                Some(place) => break place.name.start,
                None => match there.rfind(['.', '[']) {
                    Some(end) => there = &there[..end],
                    None => break 0,
                },
            }
        };
        self.value_error(at, key, found, allowed)
    }

    fn table(&self) -> Result<Spanned<DeTable<'_>>, ConfigError> {
        DeTable::parse(self.text).map_err(|error| ConfigError::Syntax {
            file: self.path.to_owned(),
            line: self.line(error.span().map_or(0, |span| span.start)),
            reason: error.message().to_owned(),
        })
    }

    /// Turns what `serde` found wrong into an error with its place.
    fn locate(&self, error: &toml::de::Error) -> ConfigError {
        // What is missing from the whole file has no bytes of its own, and is in no place.
        let span = error.span().unwrap_or_default();
        let places = if span.is_empty() { Vec::new() } else { self.places() };
        let around = |place: &&Place| {
            let contains =
                |range: &Range<usize>| range.start <= span.start && span.end <= range.end;
            contains(&place.value) || contains(&place.name)
        };
        // Of nested places the innermost has the longest key.
        let place = places.iter().filter(around).max_by_key(|place| place.key.len());
        let key = place.map_or("", |place| place.key.as_str());
        let message = error.message();
        let (found, allowed) =
            message.split_once(", expected ").unwrap_or((message, "a valid value"));
        if let Some(field) = quoted(found, "unknown field ") {
            let allowed = with_nearest(field, allowed);
            return self.value_error(
                span.start,
                key.to_owned(),
                "an unknown key".to_owned(),
                allowed,
            );
        }
        if let Some(field) = quoted(found, "missing field ") {
            let dot = if key.is_empty() { "" } else { "." };
            let key = format!("{key}{dot}{field}");
            return self.value_error(
                span.start,
                key,
                "nothing".to_owned(),
                "it to be set".to_owned(),
            );
        }
        let is_serdes =
            ["invalid ", "unknown variant "].iter().any(|start| found.starts_with(start));
        let found = match place {
            Some(place) if is_serdes => self.shown(place),
            Some(_) | None => found.to_owned(),
        };
        let allowed = match quoted(message, "unknown variant ") {
            Some(variant) => with_nearest(variant, allowed),
            None => allowed.to_owned(),
        };
        self.value_error(span.start, key.to_owned(), found, allowed)
    }

    fn value_error(&self, at: usize, key: String, found: String, allowed: String) -> ConfigError {
        ConfigError::Value { file: self.path.to_owned(), line: self.line(at), key, found, allowed }
    }

    /// A value as it stands in the text, unless it is a secret's or a whole table.
    fn shown(&self, place: &Place) -> String {
        let is_secret = SECRET_KEYS.iter().any(|secret| place.key.contains(secret));
        let value = &self.text[place.value.clone()];
        if is_secret || value.contains('\n') || place.kind == "table" || place.kind == "array" {
            return format!("a value of type {}", place.kind);
        }
        let shown: String = value.chars().take(MAX_SHOWN_CHARS).collect();
        if shown.len() < value.len() { format!("{shown}…") } else { shown }
    }

    fn line(&self, at: usize) -> usize {
        line_of(self.text.as_bytes(), at)
    }

    fn places(&self) -> Vec<Place> {
        let mut places = Vec::new();
        if let Ok(table) = DeTable::parse(self.text) {
            collect_table(table.get_ref(), "", &mut places);
        }
        places
    }
}

/// The line, from 1, that the byte at `at` is on.
fn line_of(text: &[u8], at: usize) -> usize {
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
fn anchor_table(table: &mut DeTable<'_>, directory: &Path) {
    for (name, value) in table.iter_mut() {
        match value.get_mut() {
            DeValue::String(path) if PATH_KEYS.contains(&&**name.get_ref()) => {
                *path = directory.join(&**path).to_string_lossy().into_owned().into();
            }
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

/// What stands in backquotes behind `start`.
fn quoted<'a>(message: &'a str, start: &str) -> Option<&'a str> {
    message.strip_prefix(start)?.strip_prefix('`')?.split('`').next()
}

/// `allowed`, and which of the names in it was probably meant.
fn with_nearest(found: &str, allowed: &str) -> String {
    let names = allowed.split('`').skip(1).step_by(2);
    let nearest = names.map(|name| (distance(found, name), name)).min();
    match nearest {
        Some((steps, name)) if steps <= 1 + found.len() / 4 => format!("`{name}`? ({allowed})"),
        Some(_) | None => allowed.to_owned(),
    }
}

/// How many characters must be put in, taken out or replaced to get from `a` to `b`.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.chars().enumerate() {
            let replaced = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[row.len() - 1]
}
