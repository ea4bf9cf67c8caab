//! Deletion and revocation of users, and pruning of guests.
//!
//! A revocation also applies to a name that was never used: it writes a row without a time last seen. A deletion does
//! not.
//! Not here: the decisions (`policy`).

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension as _, Row, params};
use stagedoor_proto::{FamilyId, InstanceId, Timestamp};

use super::blocks;
use super::sizes::{Sizes, Table};
use super::value::{Family, Ms};
use crate::store::policy::{self, GuestRow, Retention, UserRow};
use crate::store::{Block, UserKey};

/// Guests examined per call of the writer, so that queued starts wait about as long as for a commit.
const GUEST_BATCH: usize = 500;

/// Deletes everything about a user except that the name is deleted. Returns `false` and changes nothing if it may not
/// be.
pub(super) fn delete(
    db: &Connection,
    sizes: &Sizes,
    user: &UserKey,
    is_here: bool,
    now: Timestamp,
) -> rusqlite::Result<bool> {
    let (row, block) = (find(db, user)?, blocks::of_start(db, sizes, user, None, now)?);
    if !policy::may_be_deleted(row.as_ref(), block.first(), is_here, now) {
        return Ok(false);
    }
    let (app, username) = (&*user.app, user.username.as_str());
    db.prepare_cached(
        "INSERT INTO users (app, username, registered, deleted_ms) VALUES (?1, ?2, 0, ?3) \
         ON CONFLICT DO UPDATE SET registered = 0, name = NULL, properties = NULL, seen_ms = NULL, \
            deleted_ms = coalesce(deleted_ms, excluded.deleted_ms)",
    )?
    .execute(params![app, username, Ms(now)])?;
    let is_guest = row.is_none_or(|row| !row.is_registered);
    remove_instances(db, sizes, &user.app, username, is_guest)?;
    Ok(true)
}

/// The user's row without the profile.
fn find(db: &Connection, user: &UserKey) -> rusqlite::Result<Option<UserRow>> {
    let mut statement = db.prepare_cached(
        "SELECT registered, seen_ms, revoked_ms, deleted_ms IS NOT NULL FROM users \
         WHERE app = ?1 AND username = ?2",
    )?;
    let key = params![&*user.app, user.username.as_str()];
    let row = |row: &Row<'_>| {
        Ok(UserRow {
            is_registered: row.get(0)?,
            seen: row.get::<_, Option<Ms>>(1)?.map(|ms| ms.0),
            revoked: row.get::<_, Option<Ms>>(2)?.map(|ms| ms.0),
            is_deleted: row.get(3)?,
            ..UserRow::default()
        })
    };
    statement.query_row(key, row).optional()
}

/// Voids all of a user's families, and credentials issued before the returned time.
pub(super) fn revoke(
    db: &Connection,
    user: &UserKey,
    now: Timestamp,
) -> rusqlite::Result<Timestamp> {
    let (app, username) = (&*user.app, user.username.as_str());
    let until = policy::revoked_until(&find(db, user)?.unwrap_or_default(), now);
    db.prepare_cached(
        "INSERT INTO users (app, username, registered, revoked_ms) VALUES (?1, ?2, 0, ?3) \
         ON CONFLICT DO UPDATE SET revoked_ms = excluded.revoked_ms",
    )?
    .execute(params![app, username, Ms(until)])?;
    db.prepare_cached(
        "UPDATE instances SET former_family = coalesce(family, former_family), family = NULL \
         WHERE app = ?1 AND username = ?2",
    )?
    .execute(params![app, username])?;
    Ok(until)
}

/// Voids a family if it is the instance's current one.
pub(super) fn revoke_family(
    db: &Connection,
    user: &UserKey,
    instance: &InstanceId,
    family: FamilyId,
) -> rusqlite::Result<bool> {
    let sql = "UPDATE instances SET former_family = family, family = NULL \
               WHERE app = ?1 AND username = ?2 AND instance = ?3 AND family = ?4";
    let key = params![&*user.app, user.username.as_str(), instance.as_str(), Family(family)];
    Ok(db.prepare_cached(sql)?.execute(key)? > 0)
}

/// The last guest examined, in index order.
#[derive(Clone, Debug)]
pub(super) struct GuestCursor {
    seen: Timestamp,
    app: String,
    username: String,
}

/// Examines a batch of guests not seen since `before`, after `cursor`, and removes those that may be. Returns their
/// number and the cursor of the next batch, if any.
pub(super) fn prune_some_guests(
    db: &Connection,
    sizes: &Sizes,
    before: Timestamp,
    cursor: Option<&GuestCursor>,
) -> rusqlite::Result<(u64, Option<GuestCursor>)> {
    let guests = unseen_guests(db, before, cursor)?;
    let mut removed = 0;
    for (GuestCursor { app, username, .. }, guest) in &guests {
        let sql = match policy::guest_retention(guest, before) {
            Retention::Retain => continue,
            Retention::RetainRevocation => {
                "UPDATE users SET seen_ms = NULL WHERE app = ?1 AND username = ?2"
            }
            Retention::Remove => "DELETE FROM users WHERE app = ?1 AND username = ?2",
        };
        remove_instances(db, sizes, &app.as_str().into(), username, true)?;
        db.prepare_cached(sql)?.execute(params![app, username])?;
        removed += 1;
    }
    let is_full = guests.len() == GUEST_BATCH;
    let last = guests.into_iter().next_back().filter(|_| is_full);
    Ok((removed, last.map(|(cursor, _)| cursor)))
}

fn unseen_guests(
    db: &Connection,
    before: Timestamp,
    cursor: Option<&GuestCursor>,
) -> rusqlite::Result<Vec<(GuestCursor, GuestRow)>> {
    let mut statement = db.prepare_cached(
        "SELECT b.kind, b.reason, b.since_ms, b.until_ms, b.set_by, u.seen_ms, u.app, u.username, u.revoked_ms \
         FROM users u LEFT JOIN blocks b ON b.app = u.app AND b.username = u.username \
         WHERE u.registered = 0 AND u.seen_ms IS NOT NULL AND u.seen_ms < ?1 \
           AND (u.seen_ms, u.app, u.username) > (?2, ?3, ?4) \
         ORDER BY u.seen_ms, u.app, u.username LIMIT ?5",
    )?;
    let (seen, app, username) = cursor.map_or((-1, "", ""), |last| {
        (last.seen.as_millis().cast_signed(), last.app.as_str(), last.username.as_str())
    });
    let limit = GUEST_BATCH as u64;
    let rows = statement.query_map(
        params![Ms(before), seen, app, username, limit.cast_signed()],
        |row| {
            let kind: Option<crate::store::BlockKind> = row.get(0)?;
            let block: Option<Block> = kind.map(|_| blocks::from_row(row)).transpose()?;
            let cursor = GuestCursor {
                seen: row.get::<_, Ms>(5)?.0,
                app: row.get(6)?,
                username: row.get(7)?,
            };
            let revoked = row.get::<_, Option<Ms>>(8)?.map(|ms| ms.0);
            Ok((cursor, GuestRow { revoked, block }))
        },
    )?;
    rows.collect()
}

fn remove_instances(
    db: &Connection,
    sizes: &Sizes,
    app: &Arc<str>,
    username: &str,
    is_guest: bool,
) -> rusqlite::Result<()> {
    let removed = db
        .prepare_cached("DELETE FROM instances WHERE app = ?1 AND username = ?2")?
        .execute(params![&**app, username])?;
    if is_guest {
        sizes.subtract(app, Table::Guests, removed);
    }
    Ok(())
}
