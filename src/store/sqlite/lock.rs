//! One gateway at a time on a store: a lock on a file beside it.
//!
//! The system lifts it when its process ends, however that ends. Who only reads needs none: a backup is made beside a
//! gateway that runs. Invariant: the file stays, for whoever removed it would let a second gateway in.

use std::fs::{File, TryLockError};
use std::io;
use std::path::Path;
use std::time::Duration;

use super::private_file::private_open_options;

/// How often, and how long apart, it is asked for: a gateway that is just stopping may still hold it.
const MAX_LOCK_ATTEMPTS: u32 = 50;
const LOCK_RETRY_INTERVAL: Duration = Duration::from_millis(20);

/// Held until it is dropped.
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock of the store at `path`, which exists; `None` when another gateway has it. Blocks for a second
    /// before it says so.
    pub(super) fn take(path: &Path) -> io::Result<Option<Self>> {
        // A store that is reached by two names is one store.
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
