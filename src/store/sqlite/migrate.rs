//! Renamed users: copies their rows in closed rooms to the new name.
//!
//! Open rooms apply the same rules (`room`) and persist the result. This covers closed rooms, and a gateway that dies
//! in between.
//! Not here: what follows the user (`policy`).

use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension as _, params};
use stagedoor_proto::{RoomId, Timestamp, Username};

use super::rooms::{self, RowKind};
use super::value::{JsonOf, Ms};
use crate::room::{BlockRow, DurableChange, RoomKey};
use crate::store::UserKey;
use crate::store::policy;

/// Copies the rows about `from` that follow the user, with their expiry. Returns their rooms.
pub(super) fn migrate(
    db: &Connection,
    from: &UserKey,
    to: &Username,
    now: Timestamp,
) -> rusqlite::Result<Vec<RoomKey>> {
    let mut migrated: Vec<RoomKey> = Vec::new();
    for (room, fact, until) in facts_about(db, from, now)? {
        let key = RoomKey { app: from.app.clone(), room };
        let own = block_of(db, &key, to)?;
        let Some(fact) = policy::migrated(fact, own, to, now) else { continue };
        let until = match &fact {
            DurableChange::Blocked(row) => Some(row.until),
            _ => until,
        };
        rooms::put_until(db, &key, &fact, until)?;
        if migrated.last() != Some(&key) {
            migrated.push(key);
        }
    }
    Ok(migrated)
}

/// Unexpired changes about a user, ordered by room.
fn facts_about(
    db: &Connection,
    user: &UserKey,
    now: Timestamp,
) -> rusqlite::Result<Vec<(RoomId, DurableChange, Option<Timestamp>)>> {
    let mut statement = db.prepare_cached(
        "SELECT room, value, until_ms FROM room_facts \
         WHERE app = ?1 AND subject = ?2 AND kind <= 2 AND (until_ms IS NULL OR until_ms > ?3) ORDER BY room",
    )?;
    let found =
        statement.query_map(params![&*user.app, user.username.as_str(), Ms(now)], |row| {
            let room: String = row.get(0)?;
            let room: RoomId = room.parse().map_err(|_| {
                rusqlite::Error::FromSqlConversionFailure(0, Type::Text, "no room's id".into())
            })?;
            let (JsonOf(fact), until) = (row.get(1)?, row.get::<_, Option<Ms>>(2)?);
            Ok((room, fact, until.map(|Ms(until)| until)))
        })?;
    found.collect()
}

fn block_of(db: &Connection, key: &RoomKey, user: &Username) -> rusqlite::Result<Option<BlockRow>> {
    let mut statement = db.prepare_cached(
        "SELECT value FROM room_facts WHERE app = ?1 AND room = ?2 AND kind = ?3 AND subject = ?4",
    )?;
    let key = params![&*key.app, key.room.as_str(), RowKind::Block as u8, user.as_str()];
    let fact = statement.query_row(key, |row| row.get(0)).optional()?;
    Ok(match fact {
        Some(JsonOf(DurableChange::Blocked(row))) => Some(row),
        _ => None,
    })
}
