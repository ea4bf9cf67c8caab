//! The tables of the audit log.
//!
//! Invariant: rows and head change in one transaction.
//! Not here: the hash chain and its verification (`store::audit`).

use std::sync::Arc;
use std::time::Duration;

use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use stagedoor_proto::Timestamp;

use super::value::Number;
use crate::store::audit::{AuditHash, AuditKey, ChainHead, FoundRow};
use crate::store::{AuditEvent, AuditRow};

/// Number of rows of which a call of [`prune`] removes those that are old.
const PRUNE_BATCH: usize = 200;
/// Maximum number of rows that it reads, if the first ones have no credible time.
const PRUNE_SCAN: usize = 10_000;
/// No event is older than this version: 2026.
const FIRST_TIME: Timestamp = Timestamp::from_secs(1_767_225_600);

/// Sets the audit key of a store that has none.
pub(super) fn make_key(db: &Connection, secret: &[u8; 32]) -> rusqlite::Result<()> {
    db.execute(
        "INSERT INTO audit_key (only, secret) SELECT 1, ?1 WHERE NOT EXISTS (SELECT 1 FROM audit_key)",
        [secret],
    )?;
    Ok(())
}

pub(super) fn key(db: &Connection) -> rusqlite::Result<AuditKey> {
    let mut statement = db.prepare_cached("SELECT secret FROM audit_key")?;
    statement.query_row([], |row| row.get(0)).map(|secret| AuditKey::new(&secret))
}

/// The audit row of a call, written in its transaction.
pub(super) struct NewRow {
    app: Arc<str>,
    /// At most one event, serialized.
    event: Vec<String>,
}

impl NewRow {
    /// Serializes on the caller's thread, because there is only one writer thread.
    pub(super) fn of(event: Option<&AuditEvent>, app: &Arc<str>) -> Self {
        Self { app: Arc::clone(app), event: event.into_iter().map(text_of).collect() }
    }

    pub(super) fn append(&self, db: &Connection) -> rusqlite::Result<()> {
        append(db, &self.app, &self.event)
    }

    /// Appends the row if the call changed something. Returns `was_done`.
    pub(super) fn append_if(&self, db: &Connection, was_done: bool) -> rusqlite::Result<bool> {
        if was_done {
            self.append(db)?;
        }
        Ok(was_done)
    }
}

/// The event in the form that is hashed and stored.
pub(super) fn text_of(event: &AuditEvent) -> String {
    serde_json::to_string(event).expect("an event has a JSON form")
}

/// Appends events to an app's log in order.
pub(super) fn append(db: &Connection, app: &str, events: &[String]) -> rusqlite::Result<()> {
    if events.is_empty() {
        return Ok(());
    }
    let key = key(db)?;
    let mut last = head(db, app)?.unwrap_or_else(|| key.start(app));
    let mut insert = db.prepare_cached(
        "INSERT INTO audit_log (app, number, event, hash) VALUES (?1, ?2, ?3, ?4)",
    )?;
    for event in events {
        last = key.next(&last, event.as_bytes());
        insert.execute(params![app, Number(last.number), event, last.hash.as_bytes()])?;
    }
    db.prepare_cached(
        "INSERT INTO audit_heads (app, number, hash) VALUES (?1, ?2, ?3) \
         ON CONFLICT DO UPDATE SET number = excluded.number, hash = excluded.hash",
    )?
    .execute(params![app, Number(last.number), last.hash.as_bytes()])?;
    Ok(())
}

/// The head of an app's log, if it has one.
pub(super) fn head(db: &Connection, app: &str) -> rusqlite::Result<Option<ChainHead>> {
    let mut statement = db.prepare_cached("SELECT number, hash FROM audit_heads WHERE app = ?1")?;
    let head = |row: &Row<'_>| Ok(ChainHead { number: number(row, 0)?, hash: hash(row, 1)? });
    statement.query_row([app], head).optional()
}

/// The last pruned row of an app's log, if any was pruned.
pub(super) fn base(db: &Connection, app: &str) -> rusqlite::Result<Option<ChainHead>> {
    let mut statement = db.prepare_cached("SELECT number, hash FROM audit_bases WHERE app = ?1")?;
    let base = |row: &Row<'_>| Ok(ChainHead { number: number(row, 0)?, hash: hash(row, 1)? });
    statement.query_row([app], base).optional()
}

/// Removes the oldest rows, of events that are older than `retention`; about [`PRUNE_BATCH`] at most, because other
/// calls wait for the transaction. Returns whether there may be more.
///
/// Rows are removed in their order, up to the first that is too new. The wall clock may have been wrong: a time in the
/// future, or before [`FIRST_TIME`], says nothing, and its row goes with the next one that is old.
pub(super) fn prune(
    db: &Connection,
    app: &str,
    now: Timestamp,
    retention: Duration,
) -> rusqlite::Result<bool> {
    let mut statement = db.prepare_cached(
        "SELECT number, event, hash FROM audit_log WHERE app = ?1 ORDER BY number LIMIT ?2",
    )?;
    let rows = statement.query_map(params![app, Number(PRUNE_SCAN as u64)], found)?;
    let mut last = None;
    for (index, row) in rows.enumerate() {
        if index >= PRUNE_BATCH && last.is_some() {
            break;
        }
        let FoundRow { number, event, hash } = row?;
        let event = serde_json::from_slice::<AuditEvent>(&event);
        let at = event.map_or(Timestamp::MAX, |event| event.at_ms);
        if !(FIRST_TIME..=now).contains(&at) {
            continue;
        }
        if at >= now - retention {
            break;
        }
        last = Some((number, hash));
    }
    let Some((number, hash)) = last else { return Ok(false) };
    db.prepare_cached("DELETE FROM audit_log WHERE app = ?1 AND number <= ?2")?
        .execute(params![app, Number(number)])?;
    db.prepare_cached(
        "INSERT INTO audit_bases (app, number, hash) VALUES (?1, ?2, ?3) \
         ON CONFLICT DO UPDATE SET number = excluded.number, hash = excluded.hash",
    )?
    .execute(params![app, Number(number), hash.as_bytes()])?;
    Ok(true)
}

/// At most `limit` rows after number `after`, oldest first.
pub(super) fn rows(
    db: &Connection,
    app: &str,
    after: u64,
    limit: usize,
) -> rusqlite::Result<Vec<AuditRow>> {
    let mut statement = db.prepare_cached(
        "SELECT number, event, hash FROM audit_log \
         WHERE app = ?1 AND number > ?2 ORDER BY number LIMIT ?3",
    )?;
    let which = params![app, Number(after), Number(limit as u64)];
    statement.query_map(which, |row| read(app, row))?.collect()
}

/// At most `limit` rows before number `before`, newest first.
pub(super) fn rows_before(
    db: &Connection,
    app: &str,
    before: u64,
    limit: usize,
) -> rusqlite::Result<Vec<AuditRow>> {
    let mut statement = db.prepare_cached(
        "SELECT number, event, hash FROM audit_log \
         WHERE app = ?1 AND number < ?2 ORDER BY number DESC LIMIT ?3",
    )?;
    let which = params![app, Number(before), Number(limit as u64)];
    statement.query_map(which, |row| read(app, row))?.collect()
}

/// The stored head of an app's log, and the number of its last row.
pub(super) fn ends(db: &Connection, app: &str) -> rusqlite::Result<(Option<ChainHead>, u64)> {
    let last = db
        .prepare_cached("SELECT max(number) FROM audit_log WHERE app = ?1")?
        .query_row([app], |row| row.get::<_, Option<Number>>(0))?;
    Ok((head(db, app)?, last.map_or(0, |Number(last)| last)))
}

/// At most `limit` unverified rows after number `after` and up to `end`. With `None` it starts at the lowest number,
/// which may be invalid.
pub(super) fn some_found(
    db: &Connection,
    app: &str,
    after: Option<u64>,
    end: u64,
    limit: usize,
) -> rusqlite::Result<Vec<FoundRow>> {
    let mut statement = db.prepare_cached(
        "SELECT number, event, hash FROM audit_log \
         WHERE app = ?1 AND number > ?2 AND number <= ?3 ORDER BY number LIMIT ?4",
    )?;
    let after = after.map_or(i64::MIN, |after| i64::try_from(after).unwrap_or(i64::MAX));
    let which = params![app, after, Number(end), Number(limit as u64)];
    statement.query_map(which, found)?.collect()
}

/// The apps that have or had a log.
pub(super) fn apps(db: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut statement =
        db.prepare("SELECT app FROM audit_heads UNION SELECT app FROM audit_log ORDER BY app")?;
    statement.query_map([], |row| row.get(0))?.collect()
}

fn read(app: &str, row: &Row<'_>) -> rusqlite::Result<AuditRow> {
    let FoundRow { number, event, hash } = found(row)?;
    let event = serde_json::from_slice(&event).map_err(|error| {
        let reason = format!("audit row {number} of {app} cannot be read: {error}");
        rusqlite::Error::FromSqlConversionFailure(1, Type::Text, reason.into())
    })?;
    Ok(AuditRow { number, event, hash: hash.to_string().into() })
}

fn found(row: &Row<'_>) -> rusqlite::Result<FoundRow> {
    let event = row.get_ref(1)?.as_bytes()?;
    Ok(FoundRow { number: number(row, 0)?, event: event.into(), hash: hash(row, 2)? })
}

fn number(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    row.get(column).map(|Number(number)| number)
}

fn hash(row: &Row<'_>, column: usize) -> rusqlite::Result<AuditHash> {
    row.get::<_, Vec<u8>>(column).map(|bytes| AuditHash::from_stored(&bytes))
}
