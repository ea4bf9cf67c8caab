//! Errors of a configuration.

use std::path::PathBuf;

/// An invalid configuration: the line, what was found, and what is allowed.
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

fn prefix(key: &str) -> String {
    if key.is_empty() { String::new() } else { format!("{key}: ") }
}
