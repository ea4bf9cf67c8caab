//! Reads a configuration from its file and the environment, and reports the source of each value.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::Value;

use super::document::{self, Document};
use super::environment::Environment;
use super::spans::KeySpan;
use super::{Config, ConfigErrors};

/// The text of a configuration file, and the variables that override it.
#[derive(Clone, Debug)]
pub struct Source {
    path: PathBuf,
    text: String,
    environment: Environment,
}

/// An effective value and its source.
///
/// Shape: `{"key":"limits.requests_in_flight","value":8,"from":{"line":12}}`; `from` can also be `"default"` or
/// `{"variable":"…"}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Setting {
    /// The full path of the key: `apps[0].auth_webhook.url`.
    pub key: String,
    /// The value; of a secret only its length, and of a URL only scheme, host and port.
    pub value: Value,
    pub from: Origin,
}

/// The source of a value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    Default,
    /// A line of the file, from 1.
    Line(usize),
    /// An environment variable.
    Variable(String),
}

impl Source {
    /// Reads the file and the environment of the process.
    ///
    /// # Errors
    /// [`ConfigErrors`] when the file cannot be read or is not UTF-8.
    pub fn open(path: &Path) -> Result<Self, ConfigErrors> {
        let text = document::read(path)?;
        Ok(Self::new(path, text, std::env::vars_os()))
    }

    /// A configuration with the given text. Variables without [`super::PREFIX`] are ignored.
    pub fn new(
        path: &Path,
        text: String,
        variables: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Self {
        let environment = Environment::new(variables, text.len());
        Self { path: path.to_owned(), text, environment }
    }

    /// Parses and validates the configuration. Relative paths are resolved against the directory of the file.
    ///
    /// # Errors
    /// [`ConfigErrors`]: every mistake, with the line or variable, the key, what was found and what is allowed.
    pub fn config(&self) -> Result<Config, ConfigErrors> {
        let document = self.document();
        let (config, mut mistakes) = document.deserialize::<Config>();
        for violation in config.iter().flat_map(Config::violations) {
            document.explain(violation, &mut mistakes);
        }
        match (mistakes.into_errors(), config) {
            (Some(errors), _) => Err(errors),
            (None, Some(config)) => Ok(config),
            (None, None) => unreachable!("without a mistake there is a configuration"),
        }
    }

    /// Every value of `config`, which was read from this source, and the source of each.
    #[must_use]
    pub fn settings(&self, config: &Config) -> Vec<Setting> {
        let document = self.document();
        let spans: BTreeMap<String, KeySpan> =
            document.spans().into_iter().map(|span| (span.key.clone(), span)).collect();
        let variable_at = |place: &KeySpan| self.environment.variable_at(place.value.start);
        let from = |key: &str| {
            let Some(place) = span_of(key, &spans) else { return Origin::Default };
            // A variable can set one entry of a list, or the file of a secret.
            let parts = spans.range(key.to_owned()..).take_while(|(at, _)| at.starts_with(key));
            let mut parts = parts.filter(|(at, _)| at[key.len()..].starts_with(['[', '.']));
            let variable =
                variable_at(place).or_else(|| parts.find_map(|(_, part)| variable_at(part)));
            match variable {
                Some(variable) => Origin::Variable(variable.to_owned()),
                None => Origin::Line(document.line(place.name.start)),
            }
        };
        let values = values(config).into_iter();
        values.map(|(key, value)| Setting { from: from(&key), key, value }).collect()
    }

    fn document(&self) -> Document<'_> {
        Document { path: &self.path, text: &self.text, environment: &self.environment }
    }
}

impl Config {
    /// Reads and validates a configuration file and the environment variables that override it.
    ///
    /// # Errors
    /// As [`Source::config`].
    pub fn load(path: &Path) -> Result<Self, ConfigErrors> {
        Source::open(path)?.config()
    }

    /// Validates the text of a configuration file at `path`, without environment variables.
    ///
    /// # Errors
    /// As [`Source::config`].
    pub fn parse(path: &Path, text: &str) -> Result<Self, ConfigErrors> {
        Source::new(path, text.to_owned(), []).config()
    }
}

/// The span of `key`, or of the value that contains it.
fn span_of<'a>(key: &str, spans: &'a BTreeMap<String, KeySpan>) -> Option<&'a KeySpan> {
    let mut there = key;
    loop {
        match spans.get(there) {
            Some(place) if there == key || !matches!(place.kind, "table" | "array") => {
                return Some(place);
            }
            _ => there = &there[..there.rfind(['.', '['])?],
        }
    }
}

/// Every value of a configuration that is set, by key.
pub(super) fn values(config: &Config) -> Vec<(String, Value)> {
    let mut values = Vec::new();
    let all = serde_json::to_value(config).expect("a configuration can be serialized");
    collect(String::new(), all, &mut values);
    values
}

/// Collects the values below `value`, whose key is `key`. A list of single values counts as one value.
pub(super) fn collect(key: String, value: Value, values: &mut Vec<(String, Value)>) {
    match value {
        Value::Null => {}
        Value::Object(table) if !table.is_empty() => {
            let dot = if key.is_empty() { "" } else { "." };
            for (name, value) in table {
                collect(format!("{key}{dot}{name}"), value, values);
            }
        }
        Value::Array(list) if list.iter().any(Value::is_object) => {
            for (index, value) in list.into_iter().enumerate() {
                collect(format!("{key}[{index}]"), value, values);
            }
        }
        value => values.push((key, value)),
    }
}
