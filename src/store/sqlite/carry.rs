//! A user goes on under another name: what moderators laid on the former one is laid on the new one too, in every room.
//!
//! The rooms that are open decide for themselves by the same rules (`room`), and keep what they decided; this is for
//! those that are closed, and so that nothing is lost should the gateway die in between.

use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension as _, params};
use stagedoor_proto::{RoomId, Timestamp, Username};

use super::rooms::{self, Kind};
use super::value::{JsonOf, Ms};
use crate::room::{BlockRow, Fact, RoomKey, Voice};
use crate::store::UserKey;

/// Copies the rows about `from`, each with its end; the rooms they are in.
pub(super) fn carry(
    db: &Connection,
    from: &UserKey,
    to: &Username,
    now: Timestamp,
) -> rusqlite::Result<Vec<RoomKey>> {
    let mut statement = db.prepare_cached(
        "SELECT room, value, until_ms FROM room_facts \
         WHERE app = ?1 AND subject = ?2 AND kind <= 2 AND (until_ms IS NULL OR until_ms > ?3) ORDER BY room",
    )?;
    let found =
        statement.query_map(params![&*from.app, from.username.as_str(), Ms(now)], |row| {
            let room: String = row.get(0)?;
            let room: RoomId = room.parse().map_err(|_| {
                rusqlite::Error::FromSqlConversionFailure(0, Type::Text, "no room's id".into())
            })?;
            let (JsonOf(fact), until) = (row.get(1)?, row.get::<_, Option<Ms>>(2)?);
            Ok((room, fact, until.map(|Ms(until)| until)))
        })?;
    let found: Vec<(RoomId, Fact, Option<Timestamp>)> = found.collect::<rusqlite::Result<_>>()?;
    let mut carried: Vec<RoomKey> = Vec::new();
    for (room, fact, until) in found {
        let key = RoomKey { app: from.app.clone(), room };
        let Some((kind, fact, until)) = of_another(db, &key, fact, until, to, now)? else {
            continue;
        };
        let value = serde_json::to_string(&fact).expect("a fact has a JSON form");
        rooms::put(db, &key, kind, to.as_str(), &value, until)?;
        if carried.last() != Some(&key) {
            carried.push(key);
        }
    }
    Ok(carried)
}

/// The same of another user, together with what already is; nothing where it is not carried over.
fn of_another(
    db: &Connection,
    key: &RoomKey,
    fact: Fact,
    until: Option<Timestamp>,
    to: &Username,
    now: Timestamp,
) -> rusqlite::Result<Option<(Kind, Fact, Option<Timestamp>)>> {
    let username = to.clone();
    Ok(match fact {
        Fact::Blocked(row) => {
            let mut row = BlockRow { username, ..row };
            // It makes a block that stands no shorter, nor forgets an instance of it.
            if let Some(own) = block_of(db, key, to)?.filter(|own| own.until > now) {
                row.until = row.until.max(own.until);
                row.instances.extend(own.instances);
            }
            let until = Some(row.until);
            Some((Kind::Block, Fact::Blocked(row), until))
        }
        Fact::Voice { voice: Some(Voice::Locked), .. } => {
            Some((Kind::Voice, Fact::Voice { username, voice: Some(Voice::Locked) }, until))
        }
        Fact::Role { role, .. } => Some((Kind::Role, Fact::Role { username, role }, until)),
        // To be spared is no burden; the others are not of a user.
        Fact::Voice { .. }
        | Fact::Unblocked { .. }
        | Fact::Room { .. }
        | Fact::Ended { .. }
        | Fact::Spent(_)
        | Fact::Occupied
        | Fact::Emptied { .. } => None,
    })
}

fn block_of(db: &Connection, key: &RoomKey, user: &Username) -> rusqlite::Result<Option<BlockRow>> {
    let mut statement = db.prepare_cached(
        "SELECT value FROM room_facts WHERE app = ?1 AND room = ?2 AND kind = ?3 AND subject = ?4",
    )?;
    let key = params![&*key.app, key.room.as_str(), Kind::Block as u8, user.as_str()];
    let fact = statement.query_row(key, |row| row.get(0)).optional()?;
    Ok(match fact {
        Some(JsonOf(Fact::Blocked(row))) => Some(row),
        _ => None,
    })
}
