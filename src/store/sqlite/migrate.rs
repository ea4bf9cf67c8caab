//! Renamed users: copies their rows in closed rooms to the new name.
//!
//! Open rooms apply the same rules (`room`) and persist the result. This covers closed rooms, and a gateway that dies
//! in between.
//! Not here: what follows the user (`policy`).

use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension as _, params};
use stagedoor_proto::{RoomId, Timestamp};

use super::rooms::{self, RowKind};
use super::sizes::Sizes;
use super::value::{JsonOf, Ms};
use crate::principal::Principal;
use crate::room::{DurableChange, RoomKey};
use crate::store::Rename;
use crate::store::policy::{self, OwnRows};

/// Copies the rows that follow the user, with their expiry. Returns their rooms; `None` if there is no space for them.
pub(super) fn migrate(
    db: &Connection,
    sizes: &Sizes,
    rename: &Rename,
    max_records: usize,
    now: Timestamp,
) -> rusqlite::Result<Option<Vec<RoomKey>>> {
    let (from, to) = (rename.from(), rename.to());
    let mut facts = facts_about(db, &rename.app, from, now)?.into_iter().peekable();
    if facts.peek().is_some() && sizes.of(&rename.app).moderation_records() >= max_records {
        return Ok(None);
    }
    let mut migrated: Vec<RoomKey> = Vec::new();
    while let Some((room, first, mut expiry)) = facts.next() {
        let mut of_room = vec![first];
        while let Some((_, fact, until)) = facts.next_if(|(next, ..)| *next == room) {
            of_room.push(fact);
            // Those that expire with the room have one expiry.
            expiry = expiry.or(until);
        }
        let key = RoomKey { app: rename.app.clone(), room };
        let own = own_rows(db, &key, to)?;
        let changes = policy::migrated(of_room, own, from, to, now);
        for change in &changes {
            let until = match change {
                DurableChange::Blocked(row) => Some(row.until),
                _ => expiry,
            };
            rooms::put_until(db, sizes, &key, change, until)?;
        }
        if !changes.is_empty() {
            migrated.push(key);
        }
    }
    Ok(Some(migrated))
}

/// Unexpired changes about a user, ordered by room. Blocks expire by themselves, the others with the room.
pub(super) fn facts_about(
    db: &Connection,
    app: &str,
    user: Principal<'_>,
    now: Timestamp,
) -> rusqlite::Result<Vec<(RoomId, DurableChange, Option<Timestamp>)>> {
    // Without statistics SQLite searches by the app alone, which is every row of it.
    let mut statement = db.prepare_cached(
        "SELECT room, value, until_ms, kind FROM room_facts INDEXED BY room_facts_by_subject \
         WHERE app = ?1 AND subject = ?2 AND kind <= 2 AND (until_ms IS NULL OR until_ms > ?4) \
         UNION ALL \
         SELECT room, value, until_ms, kind FROM room_facts INDEXED BY room_facts_by_guest \
         WHERE app = ?1 AND subject = ?3 AND kind = 6 AND (until_ms IS NULL OR until_ms > ?4) \
         ORDER BY room",
    )?;
    let instance = user.guest.map(|guest| guest.instance.as_str());
    let found =
        statement.query_map(params![app, user.username.as_str(), instance, Ms(now)], |row| {
            let room: String = row.get(0)?;
            let room: RoomId = room.parse().map_err(|_| {
                rusqlite::Error::FromSqlConversionFailure(0, Type::Text, "no room's id".into())
            })?;
            let (JsonOf(fact), until) = (row.get(1)?, row.get::<_, Option<Ms>>(2)?);
            let until = until.filter(|_| !matches!(fact, DurableChange::Blocked(_)));
            Ok((room, fact, until.map(|Ms(until)| until)))
        })?;
    found.collect()
}

fn own_rows(db: &Connection, key: &RoomKey, user: Principal<'_>) -> rusqlite::Result<OwnRows> {
    let mut statement = db.prepare_cached(
        "SELECT value FROM room_facts WHERE app = ?1 AND room = ?2 AND kind = ?3 AND subject = ?4",
    )?;
    let mut find = |kind: RowKind, subject: &str| {
        let key = params![&*key.app, key.room.as_str(), kind as u8, subject];
        let fact = statement.query_row(key, |row| row.get(0)).optional()?;
        Ok::<_, rusqlite::Error>(fact.map(|JsonOf(fact)| fact))
    };
    let mut own = OwnRows::default();
    if let Some(DurableChange::Blocked(row)) = find(RowKind::Block, user.username.as_str())? {
        own.block = Some(row);
    }
    if let Some(guest) = user.guest
        && let Some(DurableChange::Guest(row)) = find(RowKind::Guest, guest.instance.as_str())?
    {
        own.guest = Some(row);
    }
    Ok(own)
}
