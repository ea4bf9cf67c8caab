//! Reads a configuration file, and converts errors to a line, a key, what was found and what is allowed.
//!
//! Errors of `serde` and `toml` have a byte range. The key is looked up by that range, and the line by the key, so that
//! the types of the configuration do not carry spans.

use std::ops::Range;
use std::path::Path;

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::DeTable;

use super::environment::Environment;
use super::hidden::is_secret;
use super::spans::{KeySpan, anchor_table, line_of, spans_of};
use super::suggest::{quoted, with_suggestion};
use super::violation::RuleViolation;
use super::{ConfigError, url};

/// Maximum number of characters of a value in an error.
const MAX_SHOWN_CHARS: usize = 60;

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

/// The text of a configuration file, and the variables that override it.
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

    /// Converts a violated rule to an error with a line.
    pub(super) fn explain(&self, violation: RuleViolation) -> ConfigError {
        let RuleViolation { key, found, allowed } = violation;
        let spans = self.spans();
        // A missing key is reported at the innermost table that is present.
        let mut there = key.as_str();
        let at = loop {
            match spans.iter().find(|span| span.key == there) {
                Some(span) => break span.name.start,
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
        self.environment.overlay(table)
    }

    /// Converts an error of `serde` to an error with a line and a key.
    fn locate(&self, error: &toml::de::Error) -> ConfigError {
        // A key that is missing at the top level has no byte range.
        let span = error.span().unwrap_or_default();
        let spans = if span.is_empty() { Vec::new() } else { self.spans() };
        let around = |place: &&KeySpan| {
            let contains =
                |range: &Range<usize>| range.start <= span.start && span.end <= range.end;
            contains(&place.value) || contains(&place.name)
        };
        // Of nested spans, the innermost has the longest key.
        let place = spans.iter().filter(around).max_by_key(|place| place.key.len());
        let key = place.map_or("", |place| place.key.as_str());
        let message = error.message();
        let (found, allowed) =
            message.split_once(", expected ").unwrap_or((message, "a valid value"));
        if let Some(field) = quoted(found, "unknown field ") {
            let allowed = with_suggestion(field, allowed);
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
        let is_type_error =
            ["invalid ", "unknown variant "].iter().any(|start| found.starts_with(start));
        let found = match place {
            Some(place) if is_type_error => self.shown(place),
            Some(_) | None => found.to_owned(),
        };
        let allowed = match quoted(message, "unknown variant ") {
            Some(variant) => with_suggestion(variant, allowed),
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

    /// A value as written; of secrets, tables and lists only the type, and of a URL only the public part.
    fn shown(&self, place: &KeySpan) -> String {
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

    /// The span of each key; empty if the text is not TOML.
    pub(super) fn spans(&self) -> Vec<KeySpan> {
        self.table().map(|table| spans_of(table.get_ref())).unwrap_or_default()
    }
}
