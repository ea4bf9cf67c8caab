//! Online backup of a store's file.
//!
//! The copy is a consistent snapshot and blocks no writer: a running gateway continues in its write-ahead log. It
//! copies a file, so it is no call of the store; a database server has its own tools.
//! Not here: restoring a copy, which means replacing the store's file while no gateway runs.

use std::fs::File;
use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use super::{open, private_file};
use crate::store::StoreError;

/// Copies the store at `store` to a new private file at `to`, and verifies the copy. Returns its size in bytes. Blocks.
///
/// # Errors
/// [`StoreError::Unavailable`] when there is no store, the copy cannot be written, or `to` exists;
/// [`StoreError::SchemaTooNew`] when a newer gateway wrote the store. No copy is left then.
pub fn backup(store: &Path, to: &Path) -> Result<u64, StoreError> {
    let db = open::without_lock(store, &store.display().to_string())?;
    let failed =
        |reason: String| StoreError::Unavailable { store: to.display().to_string(), reason };
    private_file::create_new(to).map_err(|error| failed(open::creation_error(to, &error)))?;
    let copied = copy(&db, to);
    if copied.is_err() {
        // An incomplete copy is useless. If removing it fails, the next attempt reports the existing file.
        let _ = std::fs::remove_file(to);
    }
    copied.map_err(failed)
}

fn copy(db: &Connection, to: &Path) -> Result<u64, String> {
    let name = to.to_str().ok_or("its name is not UTF-8")?;
    db.execute("VACUUM INTO ?1", [name]).map_err(|error| error.to_string())?;
    check(to).map_err(|error| format!("the copy cannot be read: {error}"))?.map_or(Ok(()), Err)?;
    let file = File::open(to).and_then(|file| file.sync_all().map(|()| file));
    let size = file.and_then(|file| file.metadata()).map(|data| data.len());
    size.map_err(|error| error.to_string())
}

/// The first defect of a copy, if any.
fn check(copy: &Path) -> rusqlite::Result<Option<String>> {
    let db = Connection::open_with_flags(copy, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let found: String = db.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    Ok((found != "ok").then_some(found))
}
