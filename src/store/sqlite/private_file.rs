//! Files that only their owner may read.

use std::fs::OpenOptions;
use std::io;
use std::path::Path;

/// Creates an empty file that only its owner may read, unless there is one. `SQLite` gives its log the same mode.
pub(super) fn create(path: &Path) -> io::Result<()> {
    match create_new(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        created => created,
    }
}

/// Creates an empty file that only its owner may read, where there is none.
pub(super) fn create_new(path: &Path) -> io::Result<()> {
    private_open_options().create_new(true).open(path).map(drop)
}

/// For writing files that, once made, only their owner may read.
pub(super) fn private_open_options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}
