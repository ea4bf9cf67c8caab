//! Blocks: a row per blocked user, and rows for the identities covered by a guest's block.
//!
//! Invariant: the identities are removed with their block when it is lifted, replaced or expired. An expired block has
//! no effect; the query that finds one removes it.
//! Not here: what a block covers (`policy`).

use std::net::IpAddr;

use rusqlite::{Connection, OptionalExtension as _, Row, params};
use stagedoor_proto::{InstanceId, Timestamp};

use super::value::{Ms, address_bytes};
use crate::store::policy::{self, KnownInstance, UserRow};
use crate::store::{Block, BlockedIdentities, UserKey};

/// Values of the column `kind` of an identity.
const INSTANCE: u8 = 0;
const ADDRESS: u8 = 1;

/// Blocks a user. Returns what else the block covers.
pub(super) fn block(
    db: &Connection,
    user: &UserKey,
    block: &Block,
    by_address: bool,
) -> rusqlite::Result<BlockedIdentities> {
    let (app, username) = (&*user.app, user.username.as_str());
    remove(db, app, username)?;
    db.prepare_cached(
        "INSERT INTO blocks (app, username, kind, reason, since_ms, until_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?
    .execute(params![app, username, block.kind, block.reason, Ms(block.since), block.until.map(Ms)])?;
    let row = UserRow { is_registered: is_registered(db, app, username)?, ..UserRow::default() };
    let known = if row.is_registered { Vec::new() } else { instances(db, app, username)? };
    let identities = policy::blocked_identities(&row, known, by_address);
    let mut insert = db.prepare_cached(
        "INSERT INTO block_reach (app, kind, subject, username) VALUES (?1, ?2, ?3, ?4)",
    )?;
    for instance in &identities.instances {
        insert.execute(params![app, INSTANCE, instance.as_str().as_bytes(), username])?;
    }
    for address in &identities.addresses {
        insert.execute(params![app, ADDRESS, address_bytes(*address), username])?;
    }
    Ok(identities)
}

/// The known instances of a user. Invalid ids are skipped.
fn instances(db: &Connection, app: &str, username: &str) -> rusqlite::Result<Vec<KnownInstance>> {
    let mut statement = db.prepare_cached(
        "SELECT instance, address FROM instances WHERE app = ?1 AND username = ?2",
    )?;
    let rows = statement.query_map(params![app, username], |row| {
        let Ok(instance) = row.get::<_, String>(0)?.parse() else { return Ok(None) };
        let address: Option<[u8; 16]> = row.get(1)?;
        let address = address.map(|bytes| IpAddr::from(bytes).to_canonical());
        Ok(Some(KnownInstance { instance, address }))
    })?;
    rows.filter_map(Result::transpose).collect()
}

/// Lifts a user's block and its identities. Returns whether one was in force.
pub(super) fn unblock(db: &Connection, user: &UserKey, now: Timestamp) -> rusqlite::Result<bool> {
    let mut statement = db.prepare_cached(
        "DELETE FROM blocks WHERE app = ?1 AND username = ?2 RETURNING kind, reason, since_ms, until_ms",
    )?;
    let user = params![&*user.app, user.username.as_str()];
    let lifted = statement.query_row(user, from_row).optional()?;
    Ok(lifted.is_some_and(|block| block.is_in_force(now)))
}

/// Removes a user's block and its identities, if any.
fn remove(db: &Connection, app: &str, username: &str) -> rusqlite::Result<()> {
    db.prepare_cached("DELETE FROM blocks WHERE app = ?1 AND username = ?2")?
        .execute(params![app, username])?;
    Ok(())
}

/// The blocks in force for a start: the user's own and, for a guest, those that cover the instance or the address.
pub(super) fn of_start(
    db: &Connection,
    user: &UserKey,
    guest: Option<&(&InstanceId, [u8; 16])>,
    now: Timestamp,
) -> rusqlite::Result<Vec<Block>> {
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
    let (mut found, mut expired) = (Vec::new(), Vec::new());
    let mut rows =
        statement.query(params![&*user.app, user.username.as_str(), instance, address])?;
    while let Some(row) = rows.next()? {
        let block = from_row(row)?;
        if block.is_in_force(now) {
            found.push(block);
        } else {
            expired.push(row.get::<_, String>(4)?);
        }
    }
    drop(rows);
    for username in expired {
        remove(db, &user.app, &username)?;
    }
    Ok(found)
}

/// A block from its first four columns.
pub(super) fn from_row(row: &Row<'_>) -> rusqlite::Result<Block> {
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
