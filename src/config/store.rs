//! `[store]`: where durable facts are kept.

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The file that holds the facts in a data directory.
const FILE_NAME: &str = "stagedoor.db";

/// Where durable facts are kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Store {
    /// An embedded database.
    Sqlite {
        /// Its file; made, with mode 0600, where there is none.
        path: PathBuf,
    },
    /// The process's memory: development mode only, so no file can ask for it.
    #[serde(skip_deserializing)]
    Memory,
}

impl Store {
    /// The embedded database of a data directory.
    #[must_use]
    pub fn in_directory(directory: &Path) -> Self {
        Self::Sqlite { path: Self::file_in(directory) }
    }

    /// The file of the embedded database of a data directory.
    #[must_use]
    pub fn file_in(directory: &Path) -> PathBuf {
        directory.join(FILE_NAME)
    }
}
