//! Blocks: a row per blocked user, and rows for the identities covered by a guest's blocks.
//!
//! The row is the block that ends last; its column `by_setter` has the block of each setter.
//!
//! Invariant: the identities are removed with their block when it is lifted, replaced or expired. An expired block has
//! no effect; the query that finds one removes it.
//! Not here: what a block covers (`policy`).

use std::net::IpAddr;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension as _, Row, params};
use serde::Serialize;
use stagedoor_proto::{BlockSource, InstanceId, Timestamp};

use super::sizes::{Sizes, Table};
use super::value::{JsonOf, Ms, address_bytes};
use crate::blocks::BlockSetter;
use crate::principal::NameCoverage;
use crate::store::policy::{self, AppBlock, KnownInstance, UserRow};
use crate::store::{Block, BlockKind, BlockedGuests, BlockedIdentities, Unblocked, UserKey};

/// Blocks removed per call of the writer.
const PRUNE_BATCH: u32 = 500;

/// Values of the column `kind` of an identity.
const INSTANCE: u8 = 0;
const ADDRESS: u8 = 1;

/// Blocks a user, or these guests alone. Returns what else the new block covers, and which block holds.
pub(super) fn block(
    db: &Connection,
    sizes: &Sizes,
    user: &UserKey,
    block: &Block,
    guests: Option<&BlockedGuests>,
    by_address: bool,
) -> rusqlite::Result<(BlockedIdentities, Block)> {
    let (app, username) = (&*user.app, user.username.as_str());
    let is_registered = is_registered(db, app, username)?;
    let row = UserRow { is_registered, ..UserRow::default() };
    let known = instances(db, app, username)?;
    let identities = policy::blocked_identities(&row, guests, known, by_address);
    let name = policy::name_coverage(guests);
    let new = AppBlock { block: block.clone(), identities: identities.clone(), name };
    let blocks = policy::with_block(blocks_of(db, app, username)?, new.clone(), block.since);
    replace(db, sizes, user, &blocks)?;
    let holding = policy::holding_over(&blocks, &new).expect("the new block").clone();
    Ok((identities, holding))
}

/// The blocks of a user by setter, in force or not.
fn blocks_of(db: &Connection, app: &str, username: &str) -> rusqlite::Result<Vec<AppBlock>> {
    let mut statement = db.prepare_cached(
        "SELECT kind, reason, since_ms, until_ms, set_by, by_setter FROM blocks WHERE app = ?1 AND username = ?2",
    )?;
    let stored = statement.query_row(params![app, username], |row| {
        Ok((from_row(row)?, row.get::<_, Option<JsonOf<Vec<AppBlock>>>>(5)?))
    });
    match stored.optional()? {
        None => Ok(Vec::new()),
        Some((_, Some(JsonOf(blocks)))) => Ok(blocks),
        // A row of an earlier release.
        Some((block, None)) => {
            let identities = identities_of(db, app, username)?;
            Ok(vec![AppBlock { block, identities, name: NameCoverage::All }])
        }
    }
}

/// What a block covers besides its user. Invalid ids are skipped.
fn identities_of(
    db: &Connection,
    app: &str,
    username: &str,
) -> rusqlite::Result<BlockedIdentities> {
    let mut statement = db
        .prepare_cached("SELECT kind, subject FROM block_reach WHERE app = ?1 AND username = ?2")?;
    let mut rows = statement.query(params![app, username])?;
    let mut identities = BlockedIdentities::default();
    while let Some(row) = rows.next()? {
        match (row.get::<_, u8>(0)?, row.get::<_, Vec<u8>>(1)?) {
            (INSTANCE, subject) => {
                let instance = str::from_utf8(&subject).ok().and_then(|text| text.parse().ok());
                identities.instances.extend(instance);
            }
            (_, subject) => {
                let address = <[u8; 16]>::try_from(subject).ok();
                let address = address.map(|bytes| IpAddr::from(bytes).to_canonical());
                identities.addresses.extend(address);
            }
        }
    }
    Ok(identities)
}

/// Replaces the blocks of a user and what they cover.
fn replace(
    db: &Connection,
    sizes: &Sizes,
    user: &UserKey,
    blocks: &[AppBlock],
) -> rusqlite::Result<()> {
    let (app, username) = (&*user.app, user.username.as_str());
    remove(db, sizes, &user.app, username)?;
    let Some(holding) = policy::holding(blocks) else { return Ok(()) };
    db.prepare_cached(
        "INSERT INTO blocks (app, username, kind, reason, since_ms, until_ms, set_by, by_setter) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?
    .execute(params![
        app,
        username,
        holding.kind,
        holding.reason,
        Ms(holding.since),
        holding.until.map(Ms),
        json(&holding.set_by),
        json(blocks),
    ])?;
    sizes.add(&user.app, Table::Blocks, 1);
    let mut insert = db.prepare_cached(
        "INSERT INTO block_reach (app, kind, subject, username, until_ms) VALUES (?1, ?2, ?3, ?4, ?5) \
         ON CONFLICT DO UPDATE SET until_ms = excluded.until_ms",
    )?;
    // In the order of their ends: the last end of an identity stays.
    let mut blocks: Vec<_> = blocks.iter().collect();
    blocks.sort_by_key(|block| block.block.end());
    for AppBlock { block, identities, .. } in blocks {
        let until = block.until.map(Ms);
        for instance in &identities.instances {
            let subject = instance.as_str().as_bytes();
            insert.execute(params![app, INSTANCE, subject, username, until])?;
        }
        for address in &identities.addresses {
            insert.execute(params![app, ADDRESS, address_bytes(*address), username, until])?;
        }
    }
    Ok(())
}

fn json(value: &(impl Serialize + ?Sized)) -> String {
    serde_json::to_string(value).expect("a block has a JSON form")
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

/// Lifts a user's blocks in a slot, with their identities.
pub(super) fn unblock(
    db: &Connection,
    sizes: &Sizes,
    user: &UserKey,
    slot: BlockSource,
    now: Timestamp,
) -> rusqlite::Result<Unblocked> {
    let (app, username) = (&*user.app, user.username.as_str());
    let blocks = blocks_of(db, app, username)?;
    let (left, was_blocked) = policy::without_slot(blocks, slot, now);
    replace(db, sizes, user, &left)?;
    Ok(Unblocked { was_blocked, holding: policy::holding(&left).cloned() })
}

/// Removes a user's block and its identities, if any.
fn remove(db: &Connection, sizes: &Sizes, app: &Arc<str>, username: &str) -> rusqlite::Result<()> {
    let removed = db
        .prepare_cached("DELETE FROM blocks WHERE app = ?1 AND username = ?2")?
        .execute(params![&**app, username])?;
    sizes.subtract(app, Table::Blocks, removed);
    Ok(())
}

/// Removes a batch of blocks that ended before a time. Returns whether there may be more.
pub(super) fn prune_some(
    db: &Connection,
    sizes: &Sizes,
    before: Timestamp,
) -> rusqlite::Result<bool> {
    let mut statement = db.prepare_cached(
        "DELETE FROM blocks WHERE (app, username) IN \
            (SELECT app, username FROM blocks WHERE until_ms < ?1 ORDER BY until_ms LIMIT ?2) \
         RETURNING app",
    )?;
    let mut rows = statement.query(params![Ms(before), PRUNE_BATCH])?;
    let mut removed = 0;
    while let Some(row) = rows.next()? {
        sizes.subtract(&row.get::<_, String>(0)?.into(), Table::Blocks, 1);
        removed += 1;
    }
    Ok(removed == PRUNE_BATCH)
}

/// The blocks in force for a start: the user's own and, for a guest, those that cover the instance or the address.
pub(super) fn of_start(
    db: &Connection,
    sizes: &Sizes,
    user: &UserKey,
    guest: Option<&(&InstanceId, [u8; 16])>,
    now: Timestamp,
) -> rusqlite::Result<Vec<Block>> {
    if sizes.of(&user.app).blocks == 0 {
        return Ok(Vec::new());
    }
    let mut statement = db.prepare_cached(
        "SELECT kind, reason, since_ms, until_ms, set_by, by_setter, username, 2 FROM blocks \
         WHERE app = ?1 AND username = ?2 \
         UNION ALL \
         SELECT b.kind, b.reason, b.since_ms, b.until_ms, b.set_by, b.by_setter, b.username, r.kind \
         FROM block_reach r CROSS JOIN blocks b ON b.app = r.app AND b.username = r.username \
         WHERE r.app = ?1 AND r.kind = 0 AND r.subject = ?3 \
         UNION ALL \
         SELECT b.kind, b.reason, b.since_ms, b.until_ms, b.set_by, b.by_setter, b.username, r.kind \
         FROM block_reach r CROSS JOIN blocks b ON b.app = r.app AND b.username = r.username \
         WHERE r.app = ?1 AND r.kind = 1 AND r.subject = ?4",
    )?;
    let instance = guest.map(|(instance, _)| instance.as_str().as_bytes());
    let address = guest.map(|(_, address)| address.as_slice());
    let (mut found, mut expired) = (Vec::new(), Vec::new());
    let mut rows =
        statement.query(params![&*user.app, user.username.as_str(), instance, address])?;
    while let Some(row) = rows.next()? {
        let holding = from_row(row)?;
        if !holding.is_in_force(now) {
            expired.push(row.get::<_, String>(6)?);
            continue;
        }
        let Some(JsonOf(blocks)) = row.get::<_, Option<JsonOf<Vec<AppBlock>>>>(5)? else {
            // A row of an earlier release has one block.
            found.push(holding);
            continue;
        };
        let reached_by = row.get::<_, u8>(7)?;
        let covers = |block: &AppBlock| match (reached_by, guest) {
            (INSTANCE, Some((instance, _))) => block.identities.instances.contains(*instance),
            (ADDRESS, Some((_, address))) => {
                block.identities.addresses.contains(&IpAddr::from(*address).to_canonical())
            }
            _ => match block.name {
                NameCoverage::All => true,
                NameCoverage::Guests => guest.is_some(),
                NameCoverage::None => false,
            },
        };
        let covering = blocks.into_iter().filter(covers).map(|block| block.block);
        found.extend(covering.filter(|block| block.is_in_force(now)));
    }
    drop(rows);
    for username in expired {
        remove(db, sizes, &user.app, &username)?;
    }
    Ok(found)
}

/// A block from its first five columns.
pub(super) fn from_row(row: &Row<'_>) -> rusqlite::Result<Block> {
    from_columns(row, 0)
}

/// A block from five columns, from `first` on.
pub(super) fn from_columns(row: &Row<'_>, first: usize) -> rusqlite::Result<Block> {
    let kind = row.get(first)?;
    let set_by = row.get::<_, Option<JsonOf<BlockSetter>>>(first + 4)?;
    Ok(Block {
        kind,
        set_by: set_by.map_or_else(|| setter_of(kind), |JsonOf(set_by)| set_by),
        reason: row.get(first + 1)?,
        since: row.get::<_, Ms>(first + 2)?.0,
        until: row.get::<_, Option<Ms>>(first + 3)?.map(|ms| ms.0),
    })
}

/// Who set a block of an earlier release.
const fn setter_of(kind: BlockKind) -> BlockSetter {
    match kind {
        BlockKind::Kick => BlockSetter::Unknown,
        BlockKind::Ban => BlockSetter::Ban,
    }
}

fn is_registered(db: &Connection, app: &str, username: &str) -> rusqlite::Result<bool> {
    let mut statement =
        db.prepare_cached("SELECT registered FROM users WHERE app = ?1 AND username = ?2")?;
    let registered = statement.query_row(params![app, username], |row| row.get(0)).optional()?;
    Ok(registered.unwrap_or(false))
}
