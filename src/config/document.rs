//! Reads a configuration file, and converts errors to a line, a key, what was found and what is allowed.
//!
//! Errors of `serde` and `toml` have a byte range. The key is looked up by that range, and the line by the key, so that
//! the types of the configuration do not carry spans.

use std::ops::Range;
use std::path::Path;

use serde::de::DeserializeOwned;
use stagedoor_proto::type_in_words;
use toml::Spanned;
use toml::de::DeTable;

use super::environment::Environment;
use super::mistakes::Mistakes;
use super::removal::{remove, set_required};
use super::schema::{expected_at, is_secret, required_beside};
use super::spans::{KeySpan, anchor_table, line_of, spans_of};
use super::suggest::{one_of, quoted, with_suggestion};
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

/// An error of `serde`, located.
struct Located<'a> {
    /// The innermost value around it; `None` at the top level.
    place: Option<&'a KeySpan>,
    fault: Fault,
}

enum Fault {
    UnknownKey {
        allowed: String,
    },
    /// A key without a default is not set.
    Missing {
        field: String,
    },
    Value {
        found: String,
        allowed: String,
    },
}

impl Document<'_> {
    /// Reads the document without its mistakes, and returns them too. `None` if the rest cannot be read.
    ///
    /// `serde` stops at an error, so the value with the error is removed, and the rest is read again.
    pub(super) fn deserialize<T: DeserializeOwned>(&self) -> (Option<T>, Mistakes) {
        let mut mistakes = Mistakes::default();
        let Some(mut table) = self.table(&mut mistakes) else { return (None, mistakes) };
        let spans = spans_of(table.get_ref());
        if let Some(directory) = self.path.parent() {
            anchor_table(table.get_mut(), directory);
        }
        let mut top_level = None;
        loop {
            let error = match T::deserialize(toml::de::Deserializer::from(table.clone())) {
                Ok(read) => return (Some(read), mistakes),
                Err(error) => error,
            };
            let Located { place, fault } = self.locate(&error, &spans);
            let at = error.span().unwrap_or_default().start;
            self.report(at, place, &fault, &spans, &mut mistakes);
            let is_removed = match (place, fault) {
                (Some(place), _) => {
                    mistakes.mark_removed(&place.key);
                    top_level = place.key.split(['.', '[']).next();
                    remove(table.get_mut(), place)
                }
                (None, Fault::Missing { field }) => set_required(table.get_mut(), &field),
                (None, _) => false,
            };
            // A table that is left empty has no place of its own: the whole that it is in is removed.
            let is_removed = is_removed
                || top_level.take().is_some_and(|key| table.get_mut().remove(key).is_some());
            if !is_removed || mistakes.are_too_many() {
                return (None, mistakes);
            }
        }
    }

    /// Adds a violated rule to the mistakes, unless it follows from one of them.
    pub(super) fn explain(&self, violation: RuleViolation, mistakes: &mut Mistakes) {
        let RuleViolation { key, found, allowed, inputs } = violation;
        let key = mistakes.key_in_file(&key);
        if inputs.iter().any(|input| mistakes.concern(&mistakes.key_in_file(input))) {
            return;
        }
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
        mistakes.add_violation(self.value_error(at, key, found, allowed));
    }

    /// The document with the variables applied; `None` if it is not TOML.
    fn table(&self, mistakes: &mut Mistakes) -> Option<Spanned<DeTable<'_>>> {
        let (table, errors) = DeTable::parse_recoverable(self.text);
        for error in &errors {
            let line = self.line(error.span().map_or(0, |span| span.start));
            let reason = error.message().trim_end().replace('\n', "; ");
            let error = ConfigError::Syntax { file: self.path.to_owned(), line, reason };
            // Of errors in one line, the later ones follow from the first.
            mistakes.add(&format!("line {line}"), error);
        }
        for (key, error) in self.environment.unreadable() {
            mistakes.add(&key, error.clone());
        }
        if !errors.is_empty() {
            return None;
        }
        let (table, errors) = self.environment.overlay(table);
        for (key, error) in errors {
            mistakes.add(&key, error);
        }
        Some(table)
    }

    /// Locates an error of `serde`.
    fn locate<'a>(&self, error: &toml::de::Error, spans: &'a [KeySpan]) -> Located<'a> {
        // A key that is missing at the top level has no byte range.
        let span = error.span().unwrap_or_default();
        let around = |place: &&KeySpan| {
            let contains =
                |range: &Range<usize>| range.start <= span.start && span.end <= range.end;
            !span.is_empty() && (contains(&place.value) || contains(&place.name))
        };
        // Of nested spans, the innermost has the longest key.
        let place = spans.iter().filter(around).max_by_key(|place| place.key.len());
        let message = error.message();
        let (found, allowed) =
            message.split_once(", expected ").unwrap_or((message, "a valid value"));
        if let Some(field) = quoted(found, "unknown field ") {
            let fault = Fault::UnknownKey { allowed: with_suggestion(field, allowed) };
            return Located { place, fault };
        }
        // What is said of the table of an enum's variant.
        let unexpected = found.strip_prefix("unexpected keys in table: ");
        if let Some((fields, keys)) =
            unexpected.and_then(|rest| rest.split_once(", available keys: "))
        {
            let field = fields.split(", ").next().unwrap_or_default();
            let keys = one_of(&keys.split(", ").collect::<Vec<_>>());
            let fault = Fault::UnknownKey { allowed: with_suggestion(field, &keys) };
            return Located { place, fault };
        }
        if let Some(field) = quoted(found, "missing field ") {
            return Located { place, fault: Fault::Missing { field: field.to_owned() } };
        }
        // What is said of the value of an enum, and of the value of its variant.
        let said = [("wanted ", "a string or a table"), ("expected ", "a table")];
        let said = said.iter().find(|(start, _)| message.starts_with(start));
        if let (Some(place), Some((_, any))) = (place, said) {
            let allowed = expected_at(&place.key).unwrap_or_else(|| (*any).to_owned());
            let fault = Fault::Value { found: self.shown(place), allowed };
            return Located { place: Some(place), fault };
        }
        let is_type_error =
            ["invalid ", "unknown variant "].iter().any(|start| found.starts_with(start));
        let found = match place {
            Some(place) if is_type_error => self.shown(place),
            Some(_) | None => found.to_owned(),
        };
        let allowed = match quoted(message, "unknown variant ") {
            Some(variant) => with_suggestion(variant, allowed),
            None => in_words(allowed).to_owned(),
        };
        Located { place, fault: Fault::Value { found, allowed } }
    }

    /// Adds a located error to the mistakes. Of a missing key also the others that its table lacks.
    fn report(
        &self,
        at: usize,
        place: Option<&KeySpan>,
        fault: &Fault,
        spans: &[KeySpan],
        mistakes: &mut Mistakes,
    ) {
        let key = place.map_or("", |place| place.key.as_str());
        match fault {
            Fault::UnknownKey { allowed } => {
                let found = "an unknown key".to_owned();
                let error = self.value_error(at, key.to_owned(), found, allowed.clone());
                mistakes.add(key, error);
                mistakes.add_unknown_key_in(key.rsplit_once('.').map_or("", |(table, _)| table));
            }
            Fault::Missing { field } => {
                let dot = if key.is_empty() { "" } else { "." };
                for field in required_beside(key, field) {
                    let missing = format!("{key}{dot}{field}");
                    if spans.iter().any(|span| span.key == missing) {
                        continue; // It is set, and was removed because of a mistake.
                    }
                    let (found, allowed) = ("nothing".to_owned(), "it to be set".to_owned());
                    mistakes.add(&missing, self.value_error(at, missing.clone(), found, allowed));
                }
            }
            Fault::Value { found, allowed } => {
                let error = self.value_error(at, key.to_owned(), found.clone(), allowed.clone());
                mistakes.add(key, error);
            }
        }
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
        let table = self.table(&mut Mistakes::default());
        table.map(|table| spans_of(table.get_ref())).unwrap_or_default()
    }
}

/// serde's name of a type, in words of the file.
fn in_words(allowed: &str) -> &str {
    match type_in_words(allowed) {
        "an object" | "a map" => "a table",
        "path string" => "a string",
        words => words,
    }
}
