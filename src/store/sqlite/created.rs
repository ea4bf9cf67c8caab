//! Rooms created through the server API: their overrides, until they end or expire.

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension as _, params};
use stagedoor_proto::{RoomId, Timestamp};

use super::rooms;
use super::sizes::Sizes;
use super::value::{JsonOf, Ms, Number};
use crate::room::RoomKey;
use crate::store::{CREATED_ROOM_RETENTION, CreatedRoom, Page};

/// Precision of the recorded time of last use. Most lookups therefore write nothing.
const LAST_USE_PRECISION: Duration = Duration::from_hours(24);

/// Creates a room unless it exists.
pub(super) fn create(
    db: &Connection,
    sizes: &Sizes,
    key: &RoomKey,
    created: &CreatedRoom,
    changes: &[rooms::Change],
) -> rusqlite::Result<bool> {
    let (app, room, now) = (&*key.app, key.room.as_str(), created.created);
    db.prepare_cached("DELETE FROM created_rooms WHERE until_ms <= ?1")?.execute([Ms(now)])?;
    let overrides = serde_json::to_string(&created.overrides).expect("overrides have a JSON form");
    let is_new = db
        .prepare_cached(
            "INSERT INTO created_rooms (app, room, choices, created_ms, until_ms) VALUES (?1, ?2, ?3, ?4, ?5) \
             ON CONFLICT DO NOTHING",
        )?
        .execute(params![app, room, overrides, Ms(now), Ms(now + CREATED_ROOM_RETENTION)])?
        > 0;
    if is_new {
        rooms::persist(db, sizes, key, changes)?;
    }
    Ok(is_new)
}

/// Finds a created room, and extends its retention.
pub(super) fn find(
    db: &Connection,
    key: &RoomKey,
    now: Timestamp,
) -> rusqlite::Result<Option<CreatedRoom>> {
    let (app, room) = (&*key.app, key.room.as_str());
    let found = db
        .prepare_cached(
            "SELECT choices, created_ms, until_ms FROM created_rooms WHERE app = ?1 AND room = ?2 AND until_ms > ?3",
        )?
        .query_row(params![app, room, Ms(now)], |row| {
            let (JsonOf(overrides), Ms(created), Ms(until)) = (row.get(0)?, row.get(1)?, row.get(2)?);
            Ok((CreatedRoom { overrides, created }, until))
        })
        .optional()?;
    let Some((created, until)) = found else { return Ok(None) };
    if until + LAST_USE_PRECISION < now + CREATED_ROOM_RETENTION {
        db.prepare_cached("UPDATE created_rooms SET until_ms = ?3 WHERE app = ?1 AND room = ?2")?
            .execute(params![app, room, Ms(now + CREATED_ROOM_RETENTION)])?;
    }
    Ok(Some(created))
}

/// A page of an app's created rooms, by name.
pub(super) fn list(
    db: &Connection,
    app: &str,
    page: &Page<RoomId>,
    now: Timestamp,
) -> rusqlite::Result<Vec<(RoomId, CreatedRoom)>> {
    let after = page.after.as_ref().map_or("", RoomId::as_str);
    let mut statement = db.prepare_cached(
        "SELECT room, choices, created_ms FROM created_rooms \
         WHERE app = ?1 AND room > ?2 AND until_ms > ?3 ORDER BY room LIMIT ?4",
    )?;
    let rows =
        statement.query_map(params![app, after, Ms(now), Number(page.limit as u64)], |row| {
            let (JsonOf(overrides), Ms(created)) = (row.get(1)?, row.get(2)?);
            Ok((row.get::<_, String>(0)?, CreatedRoom { overrides, created }))
        })?;
    let named = |(room, created): (String, CreatedRoom)| Some((room.parse().ok()?, created));
    rows.filter_map(|row| row.map(named).transpose()).collect()
}
