//! Opens a file: creates it for its owner alone, takes it for this process alone, brings its schema up to date.
//!
//! Invariant: an existing file is never opened and closed by anything but `SQLite`. Closing any handle of a file drops the
//! process's locks on it, those of a store that is open elsewhere in this process too.

use std::io;
use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};

use crate::store::StoreError;

/// The newest schema version known here.
pub(super) const VERSION: u32 = 6;

/// The schema, one step a file; the number of steps taken is the file's `user_version`.
const MIGRATIONS: [&str; VERSION as usize] = [
    include_str!("../migrations/sqlite/0001_users_blocks_keys.sql"),
    include_str!("../migrations/sqlite/0002_rooms_audit.sql"),
    include_str!("../migrations/sqlite/0003_hand_over.sql"),
    include_str!("../migrations/sqlite/0004_sessions_rooms.sql"),
    include_str!("../migrations/sqlite/0005_outbox.sql"),
];
    include_str!("../migrations/sqlite/0006_sessions_by_state.sql"),

/// Marks a file as a store ("Stgd"), so that no other program's database is taken for one.
const APPLICATION_ID: u32 = 0x5374_6764;

/// How long a gateway that is just stopping may still hold the file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(1);

/// Statements kept prepared: more than there are.
const MAX_PREPARED_STATEMENTS: usize = 96;

/// Pages kept in memory, in the unit `SQLite` asks for: kibibytes, negative.
const CACHE_KIB: i32 = -16 * 1024;

/// Opens the file at `path`, or creates it; `label` names it in errors.
pub(super) fn file(path: &Path, label: &str) -> Result<Connection, StoreError> {
    let unavailable = |reason: String| StoreError::Unavailable { path: label.to_owned(), reason };
    create(path).map_err(|error| unavailable(error.to_string()))?;
    if path.is_dir() {
        return Err(unavailable("it is a directory; name a file in it".to_owned()));
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut db = Connection::open_with_flags(path, flags).map_err(|e| unavailable(reason(&e)))?;
    // SQLite opens what it may not write for reading, and says so only here.
    if db.is_readonly("main").map_err(|e| unavailable(reason(&e)))? {
        return Err(unavailable("it cannot be written to".to_owned()));
    }
    take(&db).map_err(|e| unavailable(reason(&e)))?;
    let mode: String = db
        .pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))
        .map_err(|e| unavailable(reason(&e)))?;
    if mode != "wal" {
        return Err(unavailable(format!("it cannot keep a write-ahead log (journal mode {mode})")));
    }
    migrate(&mut db, label)?;
    Ok(db)
}

/// Opens the file at `path` to read what a gateway left in it, and changes nothing.
///
/// The file is taken for this process alone all the same: what a gateway is writing cannot be judged.
pub(super) fn for_reading(path: &Path, label: &str) -> Result<Connection, StoreError> {
    let unavailable = |reason: String| StoreError::Unavailable { path: label.to_owned(), reason };
    let failed = |error: rusqlite::Error| match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            unavailable("a gateway has it open: stop that one first".to_owned())
        }
        _ => unavailable(reason(&error)),
    };
    if !path.is_file() {
        return Err(unavailable("there is no such file".to_owned()));
    }
    // To read what a killed gateway left in the log beside it, SQLite has to be allowed to write.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags).map_err(failed)?;
    take(&db).map_err(failed)?;
    db.pragma_update(None, "query_only", "ON").map_err(failed)?;
    match version_found(&db).map_err(failed)? {
        Some(VERSION) => Ok(db),
        Some(found) if found > VERSION => {
            Err(StoreError::NewerVersion { path: label.to_owned(), found, known: VERSION })
        }
        Some(found) => Err(unavailable(format!(
            "it has schema version {found}, this program reads {VERSION}: start the gateway once, which brings it up to date"
        ))),
        None => Err(unavailable("it is another program's database".to_owned())),
    }
}

/// A database that is nowhere.
pub(super) fn memory(label: &str) -> Result<Connection, StoreError> {
    let unavailable =
        |e: rusqlite::Error| StoreError::Unavailable { path: label.to_owned(), reason: reason(&e) };
    // As for a file: one thread uses it, so that it needs no locks of its own.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut db = Connection::open_in_memory_with_flags(flags).map_err(unavailable)?;
    take(&db).map_err(unavailable)?;
    migrate(&mut db, label)?;
    Ok(db)
}

/// Writes the schema version, which is also the cheapest real write there is.
pub(super) fn write_version(db: &Connection) -> rusqlite::Result<()> {
    db.pragma_update(None, "user_version", VERSION)
}

/// Creates an empty file that only its owner may read, unless there is one. `SQLite` gives its log the same mode.
fn create(path: &Path) -> io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        created => created.map(drop),
    }
}

fn take(db: &Connection) -> rusqlite::Result<()> {
    db.set_prepared_statement_cache_capacity(MAX_PREPARED_STATEMENTS);
    // Without it, a statement whose plan might profit from knowing its arguments is prepared again at every run.
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    db.busy_timeout(BUSY_TIMEOUT)?;
    // Before the log is opened: its index then lives in this process's memory, and no other process gets in.
    db.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
    db.pragma_update(None, "synchronous", "FULL")?;
    db.pragma_update(None, "foreign_keys", "ON")?;
    db.pragma_update(None, "cache_size", CACHE_KIB)
}

fn migrate(db: &mut Connection, label: &str) -> Result<(), StoreError> {
    let unavailable = |reason: String| StoreError::Unavailable { path: label.to_owned(), reason };
    let found = version_found(db).map_err(|e| unavailable(reason(&e)))?;
    let Some(found) = found else {
        return Err(unavailable("it is another program's database".to_owned()));
    };
    if found > VERSION {
        return Err(StoreError::NewerVersion { path: label.to_owned(), found, known: VERSION });
    }
    for (step, to) in MIGRATIONS.iter().zip(1_u32..).skip(found as usize) {
        apply(db, step, to).map_err(|e| unavailable(format!("schema version {to}: {e}")))?;
    }
    Ok(())
}

/// The schema version; 0 for an empty file; `None` when the file is no store.
fn version_found(db: &Connection) -> rusqlite::Result<Option<u32>> {
    let version: u32 = db.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let application: u32 = db.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let tables: u32 = db.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    let is_empty = application == 0 && version == 0 && tables == 0;
    Ok((application == APPLICATION_ID || is_empty).then_some(version))
}

fn apply(db: &mut Connection, step: &str, to: u32) -> rusqlite::Result<()> {
    let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch(step)?;
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", to)?;
    transaction.commit()
}

/// What went wrong, in words an operator can act on.
fn reason(error: &rusqlite::Error) -> String {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            "another gateway has it open".to_owned()
        }
        Some(ErrorCode::NotADatabase) => "it is not a database".to_owned(),
        _ => error.to_string(),
    }
}
