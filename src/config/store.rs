//! `[store]`: the database of durable state.

use std::fmt;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use rustix::fs::Access;
use rustix::io::Errno;
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

    /// Why the store cannot be opened or created, as far as the file system says.
    #[must_use]
    pub fn problem(&self) -> Option<String> {
        match self {
            Self::Sqlite { path } => file_problem(path),
            Self::Memory => None,
        }
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

/// Why a file cannot be opened or created for writing at `path`, as far as the file system says, and what to do.
#[must_use]
pub fn file_problem(path: &Path) -> Option<String> {
    // A relative path without a directory is in the current one.
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let directory = parent.unwrap_or(Path::new("."));
    let shown = directory.display();
    match directory.metadata() {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            Some(format!("the directory {shown} does not exist; create it, or name another one"))
        }
        Err(error) if error.kind() == ErrorKind::NotADirectory => {
            Some(format!("{shown} is not a directory; name another one"))
        }
        Err(error) => Some(format!("cannot read the directory {shown}: {error}")),
        Ok(found) if !found.is_dir() => {
            Some(format!("{shown} is not a directory; name another one"))
        }
        Ok(_) if path.is_dir() => {
            Some(format!("{} is a directory; name a file in it", path.display()))
        }
        Ok(_) => {
            let file = Some(path).filter(|path| path.exists());
            [Some(directory), file].into_iter().flatten().find_map(write_problem)
        }
    }
}

/// Why this process cannot write to an existing file or directory.
fn write_problem(path: &Path) -> Option<String> {
    let shown = path.display();
    match rustix::fs::access(path, Access::WRITE_OK).err()? {
        Errno::ROFS => Some(format!("{shown} is on a read-only file system; name another one")),
        Errno::ACCESS | Errno::PERM => {
            Some(format!("this user cannot write to {shown}; change its owner or its mode"))
        }
        error => Some(format!("cannot write to {shown}: {error}")),
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
