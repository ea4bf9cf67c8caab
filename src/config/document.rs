//! A configuration file as text: reading it, and turning whatever is wrong into a place, a finding and a remedy.
//!
//! `serde` and `toml` tell what is wrong and at which bytes. The key is found by looking the bytes up in the document,
//! and the line of a key the other way round, so that no type of the configuration carries places.

use std::ops::Range;
use std::path::Path;

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::DeTable;

use super::environment::Environment;
use super::flaw::Flaw;
use super::hidden::is_secret;
use super::nearest::{quoted, with_nearest};
use super::places::{Place, anchor_table, line_of, places_of};
use super::{ConfigError, url};

/// Longest part of a value that an error shows, in characters.
const MAX_SHOWN_CHARS: usize = 60;

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

/// A configuration file as text, and the variables that are laid over it.
pub(super) struct Document<'a> {
    pub(super) path: &'a Path,
    pub(super) text: &'a str,
    pub(super) environment: &'a Environment,
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
        let table = DeTable::parse(self.text).map_err(|error| ConfigError::Syntax {
            file: self.path.to_owned(),
            line: self.line(error.span().map_or(0, |span| span.start)),
            reason: error.message().to_owned(),
        })?;
        self.environment.lay_over(table)
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
        if let Some(variable) = self.environment.variable_at(at) {
            let variable = variable.to_owned();
            return ConfigError::Variable { variable, key, found, allowed };
        }
        ConfigError::Value { file: self.path.to_owned(), line: self.line(at), key, found, allowed }
    }

    /// A value as it stands in the text, unless it is a secret's or a whole table; of a URL, as much as is no secret.
    fn shown(&self, place: &Place) -> String {
        let value = self.environment.text_at(&place.value);
        let value = value.or_else(|| self.text.get(place.value.clone())).unwrap_or_default();
        let of_type = || format!("a value of type {}", place.kind);
        if is_secret(&place.key)
            || value.contains('\n')
            || place.kind == "table"
            || place.kind == "array"
        {
            return of_type();
        }
        if place.key.rsplit('.').next() == Some("url") {
            let shown = url::shown(value.trim_matches(['"', '\'']));
            return shown.map_or_else(of_type, |shown| format!("{shown:?}"));
        }
        let shown: String = value.chars().take(MAX_SHOWN_CHARS).collect();
        if shown.len() < value.len() { format!("{shown}…") } else { shown }
    }

    pub(super) fn line(&self, at: usize) -> usize {
        line_of(self.text.as_bytes(), at)
    }

    /// Where each key stands; none, when it cannot be read.
    pub(super) fn places(&self) -> Vec<Place> {
        self.table().map(|table| places_of(table.get_ref())).unwrap_or_default()
    }
}
