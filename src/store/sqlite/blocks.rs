//! Blocks: a row for a user's block, and rows for what else a guest's block is of.
//!
//! Invariant: a reach goes with the block it belongs to, whether that is lifted, replaced or expired. An expired block
//! does not count; whoever runs into it removes it.

use std::net::IpAddr;

use rusqlite::{Connection, OptionalExtension as _, Row, params};
use stagedoor_proto::{InstanceId, Timestamp};

use super::value::Ms;
use crate::store::{Block, BlockedIdentities, UserKey};

/// Blocks a user; a guest also by its instances and, with `address`, by their addresses. Whom else that reaches.
pub(super) fn block(
    db: &Connection,
    user: &UserKey,
    block: &Block,
    address: bool,
) -> rusqlite::Result<BlockedIdentities> {
    let (app, username) = (&*user.app, user.username.as_str());
    remove(db, app, username)?;
    db.prepare_cached(
        "INSERT INTO blocks (app, username, kind, reason, since_ms, until_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?
    .execute(params![app, username, block.kind, block.reason, Ms(block.since), block.until.map(Ms)])?;
    if is_registered(db, app, username)? {
        return Ok(BlockedIdentities::default());
    }
    db.prepare_cached(
        "INSERT INTO block_reach (app, kind, subject, username) \
         SELECT app, 0, CAST(instance AS BLOB), username FROM instances WHERE app = ?1 AND username = ?2",
    )?
    .execute(params![app, username])?;
    if address {
        db.prepare_cached(
            "INSERT INTO block_reach (app, kind, subject, username) \
             SELECT DISTINCT app, 1, address, username FROM instances \
             WHERE app = ?1 AND username = ?2 AND address IS NOT NULL",
        )?
        .execute(params![app, username])?;
    }
    reach(db, app, username)
}

/// What else a user's block is of.
fn reach(db: &Connection, app: &str, username: &str) -> rusqlite::Result<BlockedIdentities> {
    let mut statement = db.prepare_cached(
        "SELECT kind, subject FROM block_reach INDEXED BY block_reach_by_user WHERE app = ?1 AND username = ?2",
    )?;
    let mut rows = statement.query(params![app, username])?;
    let mut reach = BlockedIdentities::default();
    while let Some(row) = rows.next()? {
        match row.get(0)? {
            0_u8 => reach.instances.extend(instance(row)?),
            _ => {
                reach.addresses.insert(IpAddr::from(row.get::<_, [u8; 16]>(1)?).to_canonical());
            }
        }
    }
    Ok(reach)
}

fn instance(row: &Row<'_>) -> rusqlite::Result<Option<InstanceId>> {
    let bytes = row.get_ref(1)?.as_bytes()?;
    Ok(std::str::from_utf8(bytes).ok().and_then(|text| text.parse().ok()))
}

/// Lifts a user's block and its reach; whether one stood.
pub(super) fn unblock(db: &Connection, user: &UserKey, now: Timestamp) -> rusqlite::Result<bool> {
    let mut statement = db.prepare_cached(
        "DELETE FROM blocks WHERE app = ?1 AND username = ?2 RETURNING until_ms IS NULL OR until_ms > ?3",
    )?;
    let user = params![&*user.app, user.username.as_str(), Ms(now)];
    Ok(statement.query_row(user, |row| row.get(0)).optional()?.unwrap_or(false))
}

/// Removes a user's block and its reach, if there is one.
fn remove(db: &Connection, app: &str, username: &str) -> rusqlite::Result<()> {
    db.prepare_cached("DELETE FROM blocks WHERE app = ?1 AND username = ?2")?
        .execute(params![app, username])?;
    Ok(())
}

/// The block that keeps a user out now: their own or, of a guest on this instance and address, one that reaches it.
pub(super) fn standing(
    db: &Connection,
    user: &UserKey,
    guest: Option<(&InstanceId, &[u8; 16])>,
    now: Timestamp,
) -> rusqlite::Result<Option<Block>> {
    let mut statement = db.prepare_cached(
        "SELECT kind, reason, since_ms, until_ms, username FROM blocks WHERE app = ?1 AND username = ?2 \
         UNION ALL \
         SELECT b.kind, b.reason, b.since_ms, b.until_ms, b.username \
         FROM block_reach r CROSS JOIN blocks b ON b.app = r.app AND b.username = r.username \
         WHERE r.app = ?1 AND r.kind = 0 AND r.subject = ?3 \
         UNION ALL \
         SELECT b.kind, b.reason, b.since_ms, b.until_ms, b.username \
         FROM block_reach r CROSS JOIN blocks b ON b.app = r.app AND b.username = r.username \
         WHERE r.app = ?1 AND r.kind = 1 AND r.subject = ?4",
    )?;
    let instance = guest.map(|(instance, _)| instance.as_str().as_bytes());
    let address = guest.map(|(_, address)| address.as_slice());
    let mut expired = Vec::new();
    let mut found = None;
    let mut rows =
        statement.query(params![&*user.app, user.username.as_str(), instance, address])?;
    while let Some(row) = rows.next()? {
        let block = from_row(row)?;
        if block.until.is_none_or(|until| until > now) {
            found = Some(block);
            break;
        }
        expired.push(row.get::<_, String>(4)?);
    }
    drop(rows);
    for username in expired {
        remove(db, &user.app, &username)?;
    }
    Ok(found)
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<Block> {
    Ok(Block {
        kind: row.get(0)?,
        reason: row.get(1)?,
        since: row.get::<_, Ms>(2)?.0,
        until: row.get::<_, Option<Ms>>(3)?.map(|ms| ms.0),
    })
}

fn is_registered(db: &Connection, app: &str, username: &str) -> rusqlite::Result<bool> {
    let mut statement =
        db.prepare_cached("SELECT registered FROM users WHERE app = ?1 AND username = ?2")?;
    let registered = statement.query_row(params![app, username], |row| row.get(0)).optional()?;
    Ok(registered.unwrap_or(false))
}
