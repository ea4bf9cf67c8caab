//! Ended sessions.
//!
//! Invariant, kept by triggers: `ended_session_sizes` has the number of each app's rows.

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension as _, params};
use stagedoor_proto::{SessionId, SessionState, Timestamp, Username};

use super::value::{JsonOf, Ms, Number};
use crate::store::{EndedSession, EndedSessions, Page};

/// Sessions removed per call of the writer, so that queued starts wait about as long as for a commit.
pub(super) const PRUNE_BATCH: u64 = 500;

/// Precision of the time a guest was last seen: the start of a shorter session says enough.
const SEEN_PRECISION: Duration = Duration::from_mins(1);

/// A session as a row.
pub(super) struct Row {
    id: [u8; 16],
    username: Box<str>,
    state: String,
    ended: Timestamp,
    value: String,
    /// The instance of a guest's session that lasted longer than [`SEEN_PRECISION`].
    seen: Option<Box<str>>,
}

impl Row {
    pub(super) fn of(session: &EndedSession) -> Self {
        let lasted = session.ended_ms.saturating_since(session.started_ms);
        Self {
            id: session.id.bits().to_be_bytes(),
            username: session.username.as_str().into(),
            state: name_of(session.state),
            ended: session.ended_ms,
            value: serde_json::to_string(session).expect("a session has a JSON form"),
            seen: (session.guest && lasted > SEEN_PRECISION)
                .then(|| session.instance.as_str().into()),
        }
    }
}

pub(super) fn record(db: &Connection, app: &str, rows: &[Row]) -> rusqlite::Result<()> {
    let mut insert = db.prepare_cached(
        "INSERT INTO ended_sessions (app, id, username, state, ended_ms, value) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    // The retention of a guest begins when its session ends.
    let mut instance_seen = db.prepare_cached(
        "UPDATE instances SET seen_ms = ?4 \
         WHERE app = ?1 AND username = ?2 AND instance = ?3 AND seen_ms < ?4",
    )?;
    let mut user_seen = db.prepare_cached(
        "UPDATE users SET seen_ms = ?3 WHERE app = ?1 AND username = ?2 AND seen_ms < ?3",
    )?;
    for Row { id, username, state, ended, value, seen } in rows {
        insert.execute(params![app, id, &**username, state, Ms(*ended), value])?;
        if let Some(instance) = seen {
            instance_seen.execute(params![app, &**username, &**instance, Ms(*ended)])?;
            user_seen.execute(params![app, &**username, Ms(*ended)])?;
        }
    }
    Ok(())
}

pub(super) fn find(
    db: &Connection,
    app: &str,
    id: SessionId,
) -> rusqlite::Result<Option<EndedSession>> {
    db.prepare_cached(
        "SELECT value FROM ended_sessions WHERE id = ?1 AND app = ?2 ORDER BY number DESC LIMIT 1",
    )?
    .query_row(params![id.bits().to_be_bytes(), app], |row| row.get(0).map(|JsonOf(value)| value))
    .optional()
}

/// A page of ended sessions, newest first.
pub(super) fn list(
    db: &Connection,
    app: &str,
    which: &EndedSessions,
    page: &Page<u64>,
) -> rusqlite::Result<Vec<(u64, EndedSession)>> {
    let before = Number(page.after.unwrap_or(u64::MAX));
    let username = which.username.as_ref().map(Username::as_str);
    // One statement per filter, each with an index of its own.
    let mut statement = db.prepare_cached(match (username, which.state) {
        (Some(_), _) => {
            "SELECT number, value FROM ended_sessions \
             WHERE app = ?1 AND username = ?2 AND (?3 IS NULL OR state = ?3) AND number < ?4 \
             ORDER BY number DESC LIMIT ?5"
        }
        (None, Some(_)) => {
            "SELECT number, value FROM ended_sessions \
             WHERE app = ?1 AND ?2 IS NULL AND state = ?3 AND number < ?4 \
             ORDER BY number DESC LIMIT ?5"
        }
        (None, None) => {
            "SELECT number, value FROM ended_sessions \
             WHERE app = ?1 AND ?2 IS NULL AND ?3 IS NULL AND number < ?4 \
             ORDER BY number DESC LIMIT ?5"
        }
    })?;
    let state = which.state.map(name_of);
    let wanted = params![app, username, state, before, Number(page.limit as u64)];
    let rows = statement.query_map(wanted, |row| {
        let (Number(number), JsonOf(session)) = (row.get(0)?, row.get(1)?);
        Ok((number, session))
    })?;
    rows.collect()
}

/// A state's wire name.
fn name_of(state: SessionState) -> String {
    let name = serde_json::to_value(state).expect("a state has a JSON form");
    name.as_str().expect("it is a text").to_owned()
}

/// Removes up to [`PRUNE_BATCH`] sessions that ended before `before`, and up to as many of the oldest of one app that
/// has more than `most`. Returns their number; 0 when none are left to remove.
pub(super) fn prune_some(db: &Connection, before: Timestamp, most: u64) -> rusqlite::Result<u64> {
    let pruned = db
        .prepare_cached(
            "DELETE FROM ended_sessions WHERE number IN \
                (SELECT number FROM ended_sessions WHERE ended_ms < ?1 ORDER BY ended_ms LIMIT ?2)",
        )?
        .execute(params![Ms(before), Number(PRUNE_BATCH)])?;
    let crowded = db
        .prepare_cached("SELECT app, size - ?1 FROM ended_session_sizes WHERE size > ?1 LIMIT 1")?
        .query_row([Number(most)], |row| Ok((row.get::<_, String>(0)?, row.get(1)?)))
        .optional()?;
    let Some((app, Number(surplus))) = crowded else { return Ok(pruned as u64) };
    let beyond = db
        .prepare_cached(
            "DELETE FROM ended_sessions WHERE number IN \
                (SELECT number FROM ended_sessions WHERE app = ?1 ORDER BY number LIMIT ?2)",
        )?
        .execute(params![app, Number(surplus.min(PRUNE_BATCH))])?;
    Ok((pruned + beyond) as u64)
}
