//! `[store]`: the database of durable state.

use std::fmt;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The name of the database file in a data directory.
const FILE_NAME: &str = "stagedoor.db";

/// The database of durable state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Store {
    /// The embedded database.
    Sqlite {
        /// Database file. Created with mode 0600 if it does not exist.
        path: PathBuf,
    },
    /// The memory of the process. Development mode only, so a file cannot select it.
    #[serde(skip_deserializing)]
    Memory,
}

impl Store {
    /// The embedded database in a data directory.
    #[must_use]
    pub fn in_directory(directory: &Path) -> Self {
        Self::Sqlite { path: Self::file_in(directory) }
    }

    /// The path of the embedded database in a data directory.
    #[must_use]
    pub fn file_in(directory: &Path) -> PathBuf {
        directory.join(FILE_NAME)
    }

    /// Whether the store outlives the process, so that the next process can restore sessions.
    #[must_use]
    pub const fn is_durable(&self) -> bool {
        match self {
            Self::Sqlite { .. } => true,
            Self::Memory => false,
        }
    }
}

impl fmt::Display for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite { path } => path.display().fmt(f),
            Self::Memory => f.write_str("memory"),
        }
    }
}
