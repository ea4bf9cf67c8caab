//! A copy of a store's file, made while a gateway runs on it or not.
//!
//! The copy is of one moment, and holds up nobody: the gateway writes on to its log meanwhile. It is of a file, and so no
//! call of the store: a database server has tools of its own for that. Not here: putting a copy back, which is putting
//! the file where the store was, while no gateway runs.

use std::fs::File;
use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use super::{open, private_file};
use crate::store::StoreError;

/// Copies the store at `store` to a new file at `to`, for its owner alone, and reads the copy once to see that it is
/// whole; how large it is, in bytes. Blocks.
///
/// # Errors
/// [`StoreError::Unavailable`] when there is no store there, or the copy cannot be written, or there is a file already;
/// [`StoreError::SchemaTooNew`] when a newer gateway wrote it. There is no copy then.
pub fn backup(store: &Path, to: &Path) -> Result<u64, StoreError> {
    let db = open::without_lock(store, &store.display().to_string())?;
    let failed =
        |reason: String| StoreError::Unavailable { store: to.display().to_string(), reason };
    private_file::create_new(to).map_err(|error| failed(error.to_string()))?;
    let copied = copy(&db, to);
    if copied.is_err() {
        // What is there is of no use; if it stays, the next attempt says so.
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

/// What is wrong with a copy, if anything is.
fn check(copy: &Path) -> rusqlite::Result<Option<String>> {
    let db = Connection::open_with_flags(copy, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let found: String = db.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    Ok((found != "ok").then_some(found))
}
