//! Where a configuration is written: its file and the environment; and which of them each value is from.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::Value;

use super::document::{self, Document};
use super::environment::Environment;
use super::places::Place;
use super::{Config, ConfigError, apps};

/// A configuration as it is written.
#[derive(Clone, Debug)]
pub struct Source {
    path: PathBuf,
    text: String,
    environment: Environment,
}

/// One value that is in force.
///
/// Shape: `{"key":"limits.requests_in_flight","value":8,"from":{"line":12}}`; `from` is `"default"` or `{"variable":"…"}` else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Setting {
    /// Its key, from the top: `apps[0].auth_webhook.url`.
    pub key: String,
    /// Itself, as JSON; of a secret, how long it is, and of a URL, where it leads.
    pub value: Value,
    /// Who says so.
    pub from: Origin,
}

/// Who says what a value is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// Nobody: it is what is assumed.
    Default,
    /// The file, on this line, from 1.
    Line(usize),
    /// This variable of the environment.
    Variable(String),
}

impl Source {
    /// Reads the file, and the environment of the process.
    ///
    /// # Errors
    /// [`ConfigError`] when one of them is no text.
    pub fn open(path: &Path) -> Result<Self, ConfigError> {
        let text = document::read(path)?;
        Self::new(path, text, std::env::vars_os())
    }

    /// A file's text, and variables, of which those count that begin with [`super::PREFIX`].
    ///
    /// # Errors
    /// [`ConfigError`] when a variable is no text, or no TOML where it looks like it.
    pub fn new(
        path: &Path,
        text: String,
        variables: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<Self, ConfigError> {
        let environment = Environment::new(variables, text.len())?;
        Ok(Self { path: path.to_owned(), text, environment })
    }

    /// What it says, checked; paths in it are relative to the file's directory.
    ///
    /// # Errors
    /// [`ConfigError`], which names file and line, or variable; key, what was found there and what is allowed.
    pub fn config(&self) -> Result<Config, ConfigError> {
        let document = self.document();
        let config: Config = document.deserialize()?;
        apps::check(&config.apps).map_err(|flaw| document.explain(flaw))?;
        Ok(config)
    }

    /// Every value of `config`, which was read from here, and where it is from.
    #[must_use]
    pub fn settings(&self, config: &Config) -> Vec<Setting> {
        let document = self.document();
        let places: BTreeMap<String, Place> =
            document.places().into_iter().map(|place| (place.key.clone(), place)).collect();
        let variable_at = |place: &Place| self.environment.variable_at(place.value.start);
        let from = |key: &str| {
            let Some(place) = place_of(key, &places) else { return Origin::Default };
            // A variable may say one entry of a list, or the file of a secret.
            let parts = places.range(key.to_owned()..).take_while(|(at, _)| at.starts_with(key));
            let mut parts = parts.filter(|(at, _)| at[key.len()..].starts_with(['[', '.']));
            let said = variable_at(place).or_else(|| parts.find_map(|(_, part)| variable_at(part)));
            match said {
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
    /// Reads and checks a configuration file, and the environment that is laid over it.
    ///
    /// # Errors
    /// As [`Source::config`].
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        Source::open(path)?.config()
    }

    /// Checks the text of a configuration file that stands at `path`, whatever the environment says.
    ///
    /// # Errors
    /// As [`Source::config`].
    pub fn parse(path: &Path, text: &str) -> Result<Self, ConfigError> {
        Source::new(path, text.to_owned(), [])?.config()
    }
}

/// Where `key` is set: at its own place, or as part of a value that was told as a whole.
fn place_of<'a>(key: &str, places: &'a BTreeMap<String, Place>) -> Option<&'a Place> {
    let mut there = key;
    loop {
        match places.get(there) {
            Some(place) if there == key || !matches!(place.kind, "table" | "array") => {
                return Some(place);
            }
            _ => there = &there[..there.rfind(['.', '['])?],
        }
    }
}

/// Every value of a configuration by its key; what is not set is left out.
pub(super) fn values(config: &Config) -> Vec<(String, Value)> {
    let mut values = Vec::new();
    let all = serde_json::to_value(config).expect("a configuration has a JSON form");
    collect(String::new(), all, &mut values);
    values
}

/// The values in `value`, whose key is `key`. A list of single values is one itself.
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
