//! What can be wrong with a configuration.

use std::path::PathBuf;

/// A configuration that cannot be run: where, what was found, and what is allowed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{}: cannot be read: {reason}; expected a readable TOML file", .file.display())]
    Unreadable {
        /// Which one.
        file: PathBuf,
        /// Why.
        reason: String,
    },
    /// The file is no text.
    #[error("{}:{line}: found bytes that are not UTF-8; expected a TOML file", .file.display())]
    NotText {
        /// Which one.
        file: PathBuf,
        /// The line the first wrong byte is on, from 1.
        line: usize,
    },
    /// The text is no TOML.
    #[error("{}:{line}: not TOML: {reason}", .file.display())]
    Syntax {
        /// Which file.
        file: PathBuf,
        /// Its line, from 1.
        line: usize,
        /// What the parser said.
        reason: String,
    },
    /// A value is missing, unknown, or not allowed.
    #[error("{}:{line}: {key}: found {found}; expected {allowed}", .file.display())]
    Value {
        /// Which file.
        file: PathBuf,
        /// Its line, from 1.
        line: usize,
        /// The key, from the top: `apps[0].auth_webhook.url`.
        key: String,
        /// What stands there; of a secret, only its type, and of a URL, where it leads.
        found: String,
        /// What may stand there.
        allowed: String,
    },
    /// A variable of the environment sets what there is not, or what is not allowed.
    #[error("{variable}: {}found {found}; expected {allowed}", prefix(.key))]
    Variable {
        /// Its name.
        variable: String,
        /// The key it sets, from the top.
        key: String,
        /// What it says; of a secret, only its type, and of a URL, where it leads.
        found: String,
        /// What it may say.
        allowed: String,
    },
}

fn prefix(key: &str) -> String {
    if key.is_empty() { String::new() } else { format!("{key}: ") }
}
