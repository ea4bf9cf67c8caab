//! A lock file next to the store, which admits one gateway at a time.
//!
//! The operating system releases the lock when the process ends. A backup only reads and needs no lock.
//! Invariant: the file is never removed, because a second gateway could then lock a new one.

use std::fs::{File, TryLockError};
use std::io;
use std::path::Path;
use std::time::Duration;

use super::private_file::private_open_options;

/// A stopping gateway may hold the lock for another second.
const MAX_LOCK_ATTEMPTS: u32 = 50;
const LOCK_RETRY_INTERVAL: Duration = Duration::from_millis(20);

/// Released when dropped.
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Locks the store at `path`, which must exist. `None`: another gateway holds the lock. Blocks for up to a second.
    pub(super) fn take(path: &Path) -> io::Result<Option<Self>> {
        // Two paths to one store must give one lock.
        let mut name = path.canonicalize()?.into_os_string();
        name.push("-lock");
        let file = private_open_options().create(true).truncate(false).open(name)?;
        for left in (0..MAX_LOCK_ATTEMPTS).rev() {
            match file.try_lock() {
                Ok(()) => return Ok(Some(Self { _file: file })),
                Err(TryLockError::Error(error)) => return Err(error),
                Err(TryLockError::WouldBlock) if left > 0 => {
                    std::thread::sleep(LOCK_RETRY_INTERVAL);
                }
                Err(TryLockError::WouldBlock) => {}
            }
        }
        Ok(None)
    }
}
