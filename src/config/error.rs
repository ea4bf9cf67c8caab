//! Errors of a configuration.

use std::fmt;
use std::path::PathBuf;

/// A mistake in a configuration: the line, what was found, and what is allowed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{}: cannot be read: {reason}; expected a readable TOML file", .file.display())]
    Unreadable { file: PathBuf, reason: String },
    #[error("{}:{line}: found bytes that are not UTF-8; expected a TOML file", .file.display())]
    NotText {
        file: PathBuf,
        /// The line of the first invalid byte, from 1.
        line: usize,
    },
    #[error("{}:{line}: invalid TOML: {reason}", .file.display())]
    Syntax {
        file: PathBuf,
        /// From 1.
        line: usize,
        reason: String,
    },
    /// A value is missing, unknown, or not allowed.
    #[error("{}:{line}: {key}: found {found}; expected {allowed}", .file.display())]
    Value {
        file: PathBuf,
        /// From 1.
        line: usize,
        /// The full path of the key: `apps[0].auth_webhook.url`.
        key: String,
        /// The value; of a secret only its type, and of a URL only scheme, host and port.
        found: String,
        allowed: String,
    },
    /// An environment variable sets an unknown key or an invalid value.
    #[error("{variable}: {}found {found}; expected {allowed}", prefix(.key))]
    Variable {
        variable: String,
        /// The full path of the key.
        key: String,
        /// As in [`ConfigError::Value`].
        found: String,
        allowed: String,
    },
}

impl ConfigError {
    /// The line of the file, from 1; `None` for a variable.
    const fn line(&self) -> Option<usize> {
        match self {
            Self::Unreadable { .. } => Some(0),
            Self::NotText { line, .. } | Self::Syntax { line, .. } | Self::Value { line, .. } => {
                Some(*line)
            }
            Self::Variable { .. } => None,
        }
    }
}

/// All mistakes of a configuration: at least one. As text one per line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigErrors(Vec<ConfigError>);

impl ConfigErrors {
    /// The mistakes of the file in its order, then those of variables. `None` without a mistake.
    pub(super) fn new(mut errors: Vec<ConfigError>) -> Option<Self> {
        errors.sort_by_key(|error| error.line().unwrap_or(usize::MAX));
        (!errors.is_empty()).then_some(Self(errors))
    }

    pub fn iter(&self) -> impl Iterator<Item = &ConfigError> {
        self.0.iter()
    }

    #[must_use]
    pub fn first(&self) -> &ConfigError {
        &self.0[0]
    }
}

impl From<ConfigError> for ConfigErrors {
    fn from(error: ConfigError) -> Self {
        Self(vec![error])
    }
}

impl std::error::Error for ConfigErrors {}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            error.fmt(f)?;
        }
        Ok(())
    }
}

fn prefix(key: &str) -> String {
    if key.is_empty() { String::new() } else { format!("{key}: ") }
}
