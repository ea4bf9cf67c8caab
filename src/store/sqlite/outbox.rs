//! The outbox table.
//!
//! Invariant, kept by triggers: `outbox_sizes` has the number of each app's rows and dead letters.
//! Calls that may change many rows work in batches, so that queued starts wait no longer than for a commit.

use std::time::Duration;

use rusqlite::types::{FromSql, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use stagedoor_proto::Timestamp;

use super::value::{Ms, Number};
use crate::event_type::OutboxShare;
use crate::store::outbox::{
    Backlog, DeadLetters, DeliveryResult, DueMessages, Evicted, Message, NewMessage, OutboxCount,
};
use crate::store::{NewMessages, policy};

/// Rows changed per call of the writer.
pub(super) const UPDATE_BATCH: u64 = 500;

/// The columns that [`message`] reads.
const COLUMNS: &str =
    "number, endpoint, event, kind, body, at_ms, since_ms, attempts, error, reserved";

/// An event's id as 16 bytes, big-endian.
struct EventId(u128);

impl ToSql for EventId {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Owned(self.0.to_be_bytes().to_vec().into()))
    }
}

impl FromSql for EventId {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        <[u8; 16]>::column_result(value).map(|bytes| Self(u128::from_be_bytes(bytes)))
    }
}

impl ToSql for OutboxShare {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Self::Reserved => 1.into(),
            Self::Common => 0.into(),
        })
    }
}

impl FromSql for OutboxShare {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Ok(if value.as_i64()? == 0 { Self::Common } else { Self::Reserved })
    }
}

/// Adds messages, and evicts those beyond `max`.
pub(super) fn put(
    db: &Connection,
    app: &str,
    messages: &[NewMessage],
    max: u64,
    now: Timestamp,
) -> rusqlite::Result<Evicted> {
    let mut insert = db.prepare_cached(
        "INSERT INTO outbox (app, endpoint, event, kind, body, at_ms, since_ms, due_ms, reserved) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7, ?8)",
    )?;
    for NewMessage { endpoint, event, kind, share, body, at } in messages {
        insert.execute(params![
            app,
            &**endpoint,
            EventId(*event),
            &**kind,
            &**body,
            Ms(*at),
            Ms(now),
            share
        ])?;
    }
    let sizes = db
        .prepare_cached("SELECT size, reserved FROM outbox_sizes WHERE app = ?1")?
        .query_row([app], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let (Number(size), Number(reserved)) = sizes.unwrap_or((Number(0), Number(0)));
    let surplus = policy::surplus(size, reserved, max);
    evict(db, app, OutboxShare::Common, surplus.common)?;
    evict(db, app, OutboxShare::Reserved, surplus.reserved)?;
    Ok(surplus)
}

/// Removes messages of a share: dead letters first, then the oldest.
fn evict(db: &Connection, app: &str, share: OutboxShare, count: u64) -> rusqlite::Result<()> {
    if count == 0 {
        return Ok(());
    }
    let dead = db
        .prepare_cached(
            "DELETE FROM outbox WHERE number IN (SELECT number FROM outbox \
                WHERE app = ?1 AND reserved = ?2 AND due_ms IS NULL ORDER BY number LIMIT ?3)",
        )?
        .execute(params![app, share, Number(count)])?;
    db.prepare_cached(
        "DELETE FROM outbox WHERE number IN \
            (SELECT number FROM outbox WHERE app = ?1 AND reserved = ?2 ORDER BY number LIMIT ?3)",
    )?
    .execute(params![app, share, Number(count - dead as u64)])?;
    Ok(())
}

/// As [`put`], if there are any.
pub(super) fn put_if_any(
    db: &Connection,
    app: &str,
    new: Option<&NewMessages>,
) -> rusqlite::Result<Evicted> {
    new.map_or_else(
        || Ok(Evicted::default()),
        |NewMessages { messages, max, now }| put(db, app, messages, *max, *now),
    )
}

/// The due messages of an endpoint.
pub(super) fn due(
    db: &Connection,
    app: &str,
    endpoint: &str,
    now: Timestamp,
    limit: usize,
) -> rusqlite::Result<DueMessages> {
    let mut statement = db.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM outbox WHERE app = ?1 AND endpoint = ?2 AND due_ms <= ?3 \
         ORDER BY due_ms, number LIMIT ?4",
    ))?;
    let messages = statement
        .query_map(params![app, endpoint, Ms(now), Number(limit as u64)], message)?
        .collect::<rusqlite::Result<_>>()?;
    let next = db
        .prepare_cached(
            "SELECT min(due_ms) FROM outbox WHERE app = ?1 AND endpoint = ?2 AND due_ms > ?3",
        )?
        .query_row(params![app, endpoint, Ms(now)], |row| row.get::<_, Option<Ms>>(0))?;
    Ok(DueMessages { messages, next: next.map(|Ms(next)| next) })
}

/// Records the result of a delivery attempt.
pub(super) fn record_result(
    db: &Connection,
    number: u64,
    result: &DeliveryResult,
) -> rusqlite::Result<()> {
    let update = |due: Option<Timestamp>, error: &str| {
        db.prepare_cached(
            "UPDATE outbox SET attempts = attempts + 1, due_ms = ?2, error = ?3 \
             WHERE number = ?1 AND due_ms IS NOT NULL",
        )?
        .execute(params![Number(number), due.map(Ms), error])
    };
    match result {
        DeliveryResult::Delivered => {
            db.prepare_cached("DELETE FROM outbox WHERE number = ?1")?.execute([Number(number)])?
        }
        DeliveryResult::Retry { due, error } => update(Some(*due), error)?,
        DeliveryResult::Dead { error } => update(None, error)?,
    };
    Ok(())
}

/// Moves a batch of messages of the future to `now`. Returns their number.
pub(super) fn correct_some(db: &Connection, now: Timestamp) -> rusqlite::Result<u64> {
    let mut corrected = 0;
    // Each condition is that of an index.
    for sql in [
        "UPDATE outbox SET since_ms = ?1, due_ms = ?1 WHERE number IN \
            (SELECT number FROM outbox WHERE since_ms > ?1 AND due_ms IS NOT NULL LIMIT ?2)",
        "UPDATE outbox SET since_ms = ?1 WHERE number IN \
            (SELECT number FROM outbox WHERE since_ms > ?1 AND due_ms IS NULL LIMIT ?2)",
    ] {
        corrected += db.prepare_cached(sql)?.execute(params![Ms(now), Number(UPDATE_BATCH)])?;
    }
    Ok(corrected as u64)
}

/// Dead-letters a batch of expired messages. Returns their number.
pub(super) fn dead_letter_some(db: &Connection, before: Timestamp) -> rusqlite::Result<u64> {
    let dead_lettered = db
        .prepare_cached(
            "UPDATE outbox SET due_ms = NULL, error = coalesce(error, 'not delivered in time') \
             WHERE number IN (SELECT number FROM outbox WHERE since_ms <= ?1 AND due_ms IS NOT NULL LIMIT ?2)",
        )?
        .execute(params![Ms(before), Number(UPDATE_BATCH)])?;
    Ok(dead_lettered as u64)
}

/// Moves the times of a batch of pending messages by a step of the wall clock. Returns the last number of the batch.
pub(super) fn shift_some(
    db: &Connection,
    step_ms: i64,
    now: Timestamp,
    after: u64,
) -> rusqlite::Result<Option<u64>> {
    let last: Option<Number> = db
        .prepare_cached(
            "SELECT max(number) FROM \
                (SELECT number FROM outbox WHERE number > ?1 ORDER BY number LIMIT ?2)",
        )?
        .query_row([Number(after), Number(UPDATE_BATCH)], |row| row.get(0))?;
    let Some(Number(last)) = last else { return Ok(None) };
    // After a step forward the messages of the new time are recognized by it. After a step back they are not: a moved
    // one is due at once, as it was.
    let half = Duration::from_millis(step_ms.unsigned_abs() / 2);
    let newest = if step_ms > 0 { now - half } else { Timestamp::MAX };
    db.prepare_cached(
        "UPDATE outbox SET since_ms = max(0, since_ms + ?1), due_ms = max(0, due_ms + ?1) \
         WHERE number > ?2 AND number <= ?3 AND due_ms IS NOT NULL AND since_ms <= ?4",
    )?
    .execute(params![step_ms, Number(after), Number(last), Ms(newest)])?;
    Ok(Some(last))
}

/// Removes a batch of expired dead letters. Returns their number.
pub(super) fn prune_some(db: &Connection, before: Timestamp) -> rusqlite::Result<u64> {
    let pruned = db
        .prepare_cached(
            "DELETE FROM outbox WHERE number IN \
                (SELECT number FROM outbox WHERE since_ms <= ?1 AND due_ms IS NULL LIMIT ?2)",
        )?
        .execute(params![Ms(before), Number(UPDATE_BATCH)])?;
    Ok(pruned as u64)
}

/// At most `limit` dead letters after number `after`.
pub(super) fn dead(
    db: &Connection,
    app: &str,
    after: u64,
    limit: usize,
) -> rusqlite::Result<Vec<Message>> {
    let mut statement = db.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM outbox WHERE app = ?1 AND number > ?2 AND due_ms IS NULL \
         ORDER BY number LIMIT ?3",
    ))?;
    statement.query_map(params![app, Number(after), Number(limit as u64)], message)?.collect()
}

/// Makes a batch of dead letters pending again. Returns their number.
pub(super) fn replay_some(
    db: &Connection,
    app: &str,
    which: &DeadLetters,
    now: Timestamp,
) -> rusqlite::Result<u64> {
    let (number, endpoint) = match which {
        DeadLetters::One(number) => (Some(Number(*number)), None),
        DeadLetters::Of(endpoint) => (None, Some(&**endpoint)),
    };
    let replayed = db
        .prepare_cached(
            "UPDATE outbox SET attempts = 0, since_ms = ?4, due_ms = ?4 WHERE number IN \
                (SELECT number FROM outbox WHERE app = ?1 AND due_ms IS NULL \
                    AND (?2 IS NULL OR number = ?2) AND (?3 IS NULL OR endpoint = ?3) \
                 ORDER BY number LIMIT ?5)",
        )?
        .execute(params![app, number, endpoint, Ms(now), Number(UPDATE_BATCH)])?;
    Ok(replayed as u64)
}

/// The number of an app's messages by endpoint.
pub(super) fn counts(db: &Connection, app: &str) -> rusqlite::Result<Vec<OutboxCount>> {
    let mut statement = db.prepare_cached(
        "SELECT endpoint, count(due_ms), count(*) - count(due_ms), min(CASE WHEN due_ms IS NOT NULL THEN at_ms END) \
         FROM outbox WHERE app = ?1 GROUP BY endpoint ORDER BY endpoint",
    )?;
    let counts = statement.query_map([app], |row| {
        let (endpoint, oldest): (String, Option<Ms>) = (row.get(0)?, row.get(3)?);
        let (Number(pending), Number(dead)) = (row.get(1)?, row.get(2)?);
        let oldest_pending = oldest.map(|Ms(oldest)| oldest);
        Ok(OutboxCount { endpoint: endpoint.into(), pending, dead, oldest_pending })
    })?;
    counts.collect()
}

/// The number of messages of all apps.
pub(super) fn backlog(db: &Connection) -> rusqlite::Result<Backlog> {
    let (Number(pending), Number(dead)) = db
        .prepare_cached(
            "SELECT coalesce(sum(size - dead), 0), coalesce(sum(dead), 0) FROM outbox_sizes",
        )?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let oldest = db
        .prepare_cached(OLDEST)?
        .query_row([], |row| row.get(0))
        .optional()?
        .map(|Ms(oldest)| oldest);
    Ok(Backlog { pending, dead, oldest })
}

/// When the longest pending message was added or last replayed.
const OLDEST: &str =
    "SELECT since_ms FROM outbox WHERE due_ms IS NOT NULL ORDER BY since_ms LIMIT 1";

fn message(row: &Row<'_>) -> rusqlite::Result<Message> {
    let (Number(number), EventId(event)) = (row.get(0)?, row.get(2)?);
    let (Ms(at), Ms(since)) = (row.get(5)?, row.get(6)?);
    let new = NewMessage {
        endpoint: row.get::<_, String>(1)?.into(),
        event,
        kind: row.get::<_, String>(3)?.into(),
        share: row.get(9)?,
        body: row.get::<_, String>(4)?.into(),
        at,
    };
    let error: Option<String> = row.get(8)?;
    Ok(Message { number, new, since, attempts: row.get(7)?, error: error.map(Into::into) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::open;

    #[test]
    fn oldest_message_is_found_by_index() {
        let db = open::memory("label").unwrap();
        let plan: String = db
            .query_row(&format!("EXPLAIN QUERY PLAN {OLDEST}"), [], |row| row.get("detail"))
            .unwrap();
        assert_eq!(plan, "SCAN outbox USING INDEX outbox_by_wait");
    }
}
