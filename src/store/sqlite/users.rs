//! The ends of what is known of a user: deletion, revocation, and forgetting guests.
//!
//! A revocation holds for a name that never came in, too: it leaves a row that was not seen. A deletion does not, for
//! nothing undoes it: of a mistyped name it would keep out whoever has it.

use rusqlite::{Connection, OptionalExtension as _, params};
use stagedoor_proto::{FamilyId, InstanceId, Timestamp};

use super::blocks;
use super::value::{Family, Ms};
use crate::store::UserKey;

/// Guests forgotten in one call of the writer: the starts behind it wait about as long as for a commit.
pub(super) const GUESTS_DROPPED_AT_ONCE: u64 = 500;

/// Leaves nothing of a user but that the name is refused; `false`, and nothing is changed, of one nobody knows.
pub(super) fn delete(
    db: &Connection,
    user: &UserKey,
    is_here: bool,
    now: Timestamp,
) -> rusqlite::Result<bool> {
    if !is_here && !is_known(db, user, now)? {
        return Ok(false);
    }
    let (app, username) = (&*user.app, user.username.as_str());
    db.prepare_cached(
        "INSERT INTO users (app, username, registered, deleted_ms) VALUES (?1, ?2, 0, ?3) \
         ON CONFLICT DO UPDATE SET registered = 0, name = NULL, properties = NULL, seen_ms = NULL, \
            deleted_ms = coalesce(deleted_ms, excluded.deleted_ms)",
    )?
    .execute(params![app, username, Ms(now)])?;
    drop_instances(db, app, username)?;
    Ok(true)
}

/// Whether there is a user to be deleted: one who was here, was revoked or is blocked, and was not deleted before.
fn is_known(db: &Connection, user: &UserKey, now: Timestamp) -> rusqlite::Result<bool> {
    let is_deleted: Option<bool> = db
        .prepare_cached(
            "SELECT deleted_ms IS NOT NULL FROM users WHERE app = ?1 AND username = ?2",
        )?
        .query_row(params![&*user.app, user.username.as_str()], |row| row.get(0))
        .optional()?;
    match is_deleted {
        Some(is_deleted) => Ok(!is_deleted),
        None => Ok(blocks::standing(db, user, None, now)?.is_some()),
    }
}

/// Voids all of a user's families, and credentials issued until now.
pub(super) fn revoke(db: &Connection, user: &UserKey, now: Timestamp) -> rusqlite::Result<()> {
    let (app, username) = (&*user.app, user.username.as_str());
    db.prepare_cached(
        "INSERT INTO users (app, username, registered, revoked_ms) VALUES (?1, ?2, 0, ?3) \
         ON CONFLICT DO UPDATE SET revoked_ms = max(coalesce(revoked_ms, 0), excluded.revoked_ms)",
    )?
    .execute(params![app, username, Ms(now)])?;
    db.prepare_cached("UPDATE instances SET family = NULL WHERE app = ?1 AND username = ?2")?
        .execute(params![app, username])?;
    Ok(())
}

/// Voids one family, if it is still the instance's.
pub(super) fn revoke_family(
    db: &Connection,
    user: &UserKey,
    instance: &InstanceId,
    family: FamilyId,
) -> rusqlite::Result<()> {
    db.prepare_cached(
        "UPDATE instances SET family = NULL \
         WHERE app = ?1 AND username = ?2 AND instance = ?3 AND family = ?4",
    )?
    .execute(params![
        &*user.app,
        user.username.as_str(),
        instance.as_str(),
        Family(family)
    ])?;
    Ok(())
}

/// Forgets up to [`GUESTS_DROPPED_AT_ONCE`] guests not seen since `before` that nothing blocks; how many.
///
/// Of a guest whose credentials were revoked, that stays.
pub(super) fn drop_some_unseen_guests(db: &Connection, before: Timestamp) -> rusqlite::Result<u64> {
    let guests: Vec<(String, String)> = db
        .prepare_cached(
            "SELECT app, username FROM users u \
             WHERE registered = 0 AND seen_ms IS NOT NULL AND seen_ms < ?1 \
               AND NOT EXISTS (SELECT 1 FROM blocks b WHERE b.app = u.app AND b.username = u.username \
                                 AND (b.until_ms IS NULL OR b.until_ms > ?1)) \
             ORDER BY seen_ms LIMIT ?2",
        )?
        .query_map(params![Ms(before), GUESTS_DROPPED_AT_ONCE.cast_signed()], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?
        .collect::<rusqlite::Result<_>>()?;
    for (app, username) in &guests {
        drop_instances(db, app, username)?;
        let dropped = db
            .prepare_cached(
                "DELETE FROM users WHERE app = ?1 AND username = ?2 AND revoked_ms IS NULL",
            )?
            .execute(params![app, username])?;
        if dropped == 0 {
            db.prepare_cached("UPDATE users SET seen_ms = NULL WHERE app = ?1 AND username = ?2")?
                .execute(params![app, username])?;
        }
    }
    Ok(guests.len() as u64)
}

fn drop_instances(db: &Connection, app: &str, username: &str) -> rusqlite::Result<()> {
    db.prepare_cached("DELETE FROM instances WHERE app = ?1 AND username = ?2")?
        .execute(params![app, username])?;
    Ok(())
}
