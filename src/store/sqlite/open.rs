//! Opens a store's file: creates it as a private file, locks it, and migrates its schema.
//!
//! Invariant: only `SQLite` opens and closes an existing file. Closing any other handle of it would drop all locks of
//! the process on it, those of another open store included.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};

use super::lock::Lock;
use super::private_file;
use crate::config::file_problem;
use crate::store::StoreError;

/// The newest schema version.
pub(super) const VERSION: u32 = 19;

/// The migrations in order. A file's `user_version` is the number of those applied.
const MIGRATIONS: [&str; VERSION as usize] = [
    include_str!("../migrations/sqlite/0001_users_blocks_keys.sql"),
    include_str!("../migrations/sqlite/0002_rooms_audit.sql"),
    include_str!("../migrations/sqlite/0003_hand_over.sql"),
    include_str!("../migrations/sqlite/0004_sessions_rooms.sql"),
    include_str!("../migrations/sqlite/0005_outbox.sql"),
    include_str!("../migrations/sqlite/0006_sessions_by_state.sql"),
    include_str!("../migrations/sqlite/0007_outbox_backlog.sql"),
    include_str!("../migrations/sqlite/0008_durability.sql"),
    include_str!("../migrations/sqlite/0009_guests.sql"),
    include_str!("../migrations/sqlite/0010_block_slots.sql"),
    include_str!("../migrations/sqlite/0011_outbox_shares.sql"),
    include_str!("../migrations/sqlite/0012_families.sql"),
    include_str!("../migrations/sqlite/0013_audit_retention.sql"),
    include_str!("../migrations/sqlite/0014_key_rotation.sql"),
    include_str!("../migrations/sqlite/0015_guest_names.sql"),
    include_str!("../migrations/sqlite/0016_instances.sql"),
    include_str!("../migrations/sqlite/0017_app_revocations.sql"),
    include_str!("../migrations/sqlite/0018_bounds.sql"),
    include_str!("../migrations/sqlite/0019_reserved_names.sql"),
];

/// Identifies a file as a store ("Stgd"), so that another program's database is rejected.
const APPLICATION_ID: u32 = 0x5374_6764;

/// How long to wait for another process: a gateway from before the lock file, or a starting backup.
const BUSY_TIMEOUT: Duration = Duration::from_secs(1);

/// Prepared statements cached; more than there are.
const MAX_PREPARED_STATEMENTS: usize = 96;

/// One thread uses a connection, so `SQLite` needs no mutexes.
const FLAGS: OpenFlags = OpenFlags::SQLITE_OPEN_READ_WRITE.union(OpenFlags::SQLITE_OPEN_NO_MUTEX);

const IN_USE: &str = "another gateway has it open";

/// Page cache in kibibytes; negative, because `SQLite` reads a positive number as pages.
const CACHE_KIB: i32 = -16 * 1024;

/// Opens or creates the file at `path`; `label` names it in errors. Hold the lock as long as the connection.
pub(super) fn file(path: &Path, label: &str) -> Result<(Connection, Lock), StoreError> {
    let unavailable = |reason: String| StoreError::Unavailable { store: label.to_owned(), reason };
    if let Some(problem) = file_problem(path) {
        return Err(unavailable(problem));
    }
    if path.exists() {
        reject_empty(path).map_err(unavailable)?;
    } else {
        create(path).map_err(unavailable)?;
    }
    let lock = lock(path, label)?.ok_or_else(|| unavailable(IN_USE.to_owned()))?;
    let mut db = connect(path).map_err(|e| unavailable(reason(&e)))?;
    // SQLite silently opens a write-protected file read-only.
    if db.is_readonly("main").map_err(|e| unavailable(reason(&e)))? {
        return Err(unavailable("file is not writable".to_owned()));
    }
    set_up(&db).map_err(|e| unavailable(reason(&e)))?;
    let mode: String = db
        .pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))
        .map_err(|e| unavailable(reason(&e)))?;
    if mode != "wal" {
        return Err(unavailable(format!(
            "write-ahead log is not supported there (journal mode {mode})"
        )));
    }
    migrate(&mut db, label)?;
    Ok((db, lock))
}

/// Opens the file at `path` read-only, for its audit logs.
///
/// Takes the lock: a log that a gateway writes cannot be verified.
pub(super) fn for_reading(path: &Path, label: &str) -> Result<(Connection, Lock), StoreError> {
    let unavailable = |reason: String| StoreError::Unavailable { store: label.to_owned(), reason };
    let db = without_lock(path, label)?;
    let lock = lock(path, label)?;
    let lock = lock.ok_or_else(|| unavailable(format!("{IN_USE}: stop that one first")))?;
    match version_found(&db).map_err(|e| unavailable(reason(&e)))? {
        Some(found) if found < VERSION => Err(unavailable(format!(
            "schema version {found}, expected {VERSION}; start the gateway once to migrate it"
        ))),
        _ => Ok((db, lock)),
    }
}

/// Opens the file at `path` for reading, with or without a running gateway.
pub(super) fn without_lock(path: &Path, label: &str) -> Result<Connection, StoreError> {
    let unavailable = |reason: String| StoreError::Unavailable { store: label.to_owned(), reason };
    if !path.is_file() {
        return Err(unavailable("there is no such file".to_owned()));
    }
    reject_empty(path).map_err(unavailable)?;
    // To read the write-ahead log of a killed gateway, SQLite needs write access.
    let db = connect(path).map_err(|e| unavailable(reason(&e)))?;
    set_up(&db).map_err(|e| unavailable(reason(&e)))?;
    match version_found(&db).map_err(|e| unavailable(reason(&e)))? {
        Some(found) if found > VERSION => {
            Err(StoreError::SchemaTooNew { store: label.to_owned(), found, known: VERSION })
        }
        Some(1..) => Ok(db),
        Some(0) | None => Err(unavailable("file is another program's database".to_owned())),
    }
}

/// An in-memory database.
pub(super) fn memory(label: &str) -> Result<Connection, StoreError> {
    let unavailable = |e: rusqlite::Error| StoreError::Unavailable {
        store: label.to_owned(),
        reason: reason(&e),
    };
    let mut db = Connection::open_in_memory_with_flags(FLAGS).map_err(unavailable)?;
    set_up(&db).map_err(unavailable)?;
    migrate(&mut db, label)?;
    Ok(db)
}

/// Creates a new store's file at `path`, complete: a gateway that is killed meanwhile leaves no empty file.
fn create(path: &Path) -> Result<(), String> {
    let failed = |error: &io::Error| creation_error(path, error);
    let mut name = path.as_os_str().to_owned();
    name.push(format!("-new-{}", std::process::id()));
    let new = PathBuf::from(name);
    private_file::create_new(&new).map_err(|error| failed(&error))?;
    let marked = connect(&new).and_then(|db| {
        db.pragma_update(None, "application_id", APPLICATION_ID)?;
        db.close().map_err(|(_, error)| error)
    });
    // Unlike a rename, it never replaces the file of a gateway that was faster.
    let linked = marked.map_err(|error| reason(&error)).and_then(|()| {
        match std::fs::hard_link(&new, path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            linked => linked.map_err(|error| failed(&error)),
        }
    });
    // A left file is never read; an error of its removal says nothing about the store.
    let _ = std::fs::remove_file(&new);
    linked
}

/// Why no file can be created at `path`, and what to do.
pub(super) fn creation_error(path: &Path, error: &io::Error) -> String {
    match file_problem(path) {
        _ if error.kind() == io::ErrorKind::AlreadyExists => {
            "file exists; name a new one".to_owned()
        }
        Some(problem) => problem,
        None => format!("cannot create the file: {error}"),
    }
}

/// Rejects a file without content: something was cut off, or another program made it.
fn reject_empty(path: &Path) -> Result<(), String> {
    match std::fs::metadata(path) {
        Ok(data) if data.is_file() && data.len() == 0 => {
            Err("file is empty; restore a backup, or delete the file to begin with a new store"
                .to_owned())
        }
        _ => Ok(()),
    }
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    Connection::open_with_flags(path, FLAGS)
}

fn lock(path: &Path, label: &str) -> Result<Option<Lock>, StoreError> {
    Lock::take(path).map_err(|error| StoreError::Unavailable {
        store: label.to_owned(),
        reason: format!("cannot lock it: {error}"),
    })
}

/// Writes the schema version. It is the cheapest write, and so the readiness check.
pub(super) fn write_version(db: &Connection) -> rusqlite::Result<()> {
    db.pragma_update(None, "user_version", VERSION)
}

fn set_up(db: &Connection) -> rusqlite::Result<()> {
    db.set_prepared_statement_cache_capacity(MAX_PREPARED_STATEMENTS);
    // Without it, SQLite re-prepares some statements at every execution.
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    db.busy_timeout(BUSY_TIMEOUT)?;
    db.pragma_update(None, "synchronous", "FULL")?;
    db.pragma_update(None, "foreign_keys", "ON")?;
    db.pragma_update(None, "cache_size", CACHE_KIB)
}

fn migrate(db: &mut Connection, label: &str) -> Result<(), StoreError> {
    let unavailable = |reason: String| StoreError::Unavailable { store: label.to_owned(), reason };
    let found = version_found(db).map_err(|e| unavailable(reason(&e)))?;
    let Some(found) = found else {
        return Err(unavailable("file is another program's database".to_owned()));
    };
    if found > VERSION {
        return Err(StoreError::SchemaTooNew { store: label.to_owned(), found, known: VERSION });
    }
    for (step, to) in MIGRATIONS.iter().zip(1_u32..).skip(found as usize) {
        apply(db, step, to).map_err(|e| unavailable(format!("schema version {to}: {e}")))?;
    }
    Ok(())
}

/// The schema version; 0 for a new file; `None` if the file is not a store.
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

/// Describes an error for operators.
fn reason(error: &rusqlite::Error) -> String {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => IN_USE.to_owned(),
        Some(ErrorCode::NotADatabase) => "file is not a database".to_owned(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn migration_counts_existing_messages() {
        let mut db = Connection::open_in_memory().unwrap();
        for (step, to) in MIGRATIONS.iter().zip(1..=6) {
            apply(&mut db, step, to).unwrap();
        }
        let rows = [
            ("app", "1", "room.opened"),
            ("app", "NULL", "room.opened"),
            ("app", "NULL", "session.started"),
            ("other", "NULL", "user.banned"),
            ("third", "1", "moderation.unblock"),
        ];
        for (app, due, kind) in rows {
            db.execute_batch(&format!(
                "INSERT INTO outbox (app, endpoint, event, kind, body, at_ms, since_ms, due_ms) \
                 VALUES ('{app}', 'crm', x'00', '{kind}', '{{}}', 1, 1, {due})",
            ))
            .unwrap();
        }
        migrate(&mut db, "label").unwrap();
        let mut sizes =
            db.prepare("SELECT app, size, dead, reserved FROM outbox_sizes ORDER BY app").unwrap();
        let sizes = sizes
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))
            .unwrap();
        let sizes: Vec<(String, u32, u32, u32)> = sizes.collect::<Result<_, _>>().unwrap();
        let expected = [("app", 3, 2, 0), ("other", 1, 1, 1), ("third", 1, 0, 1)];
        assert_eq!(sizes, expected.map(|(app, size, dead, of)| (app.to_owned(), size, dead, of)));
    }
}
