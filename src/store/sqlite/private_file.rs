//! Files that only their owner can read (mode 0600).

use std::fs::OpenOptions;
use std::io;
use std::path::Path;

/// Creates an empty private file; fails if one exists. `SQLite` gives its write-ahead log the same mode.
pub(super) fn create_new(path: &Path) -> io::Result<()> {
    private_open_options().create_new(true).open(path).map(drop)
}

pub(super) fn private_open_options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}
