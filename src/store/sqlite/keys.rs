//! The gateway's signing keys.

use rusqlite::{Connection, params};
use stagedoor_proto::Timestamp;

use super::value::Ms;
use crate::store::{MAX_SIGNING_KEYS, SigningKey};

/// The keys, newest first. An empty table adopts `first`.
pub(super) fn signing_keys(
    db: &Connection,
    first: &SigningKey,
) -> rusqlite::Result<Vec<SigningKey>> {
    db.execute(
        "INSERT INTO signing_keys (kid, secret, created_ms) \
         SELECT ?1, ?2, ?3 WHERE NOT EXISTS (SELECT 1 FROM signing_keys)",
        params![&*first.kid, first.secret, Ms(first.created)],
    )?;
    stored(db)
}

/// Adds a key that is newer than all, and ends the former ones.
pub(super) fn rotate(
    db: &Connection,
    new: &SigningKey,
    former_until: Timestamp,
) -> rusqlite::Result<Option<Vec<SigningKey>>> {
    db.execute("DELETE FROM signing_keys WHERE until_ms <= ?1", [Ms(new.created)])?;
    let former = stored(db)?;
    if former.len() >= MAX_SIGNING_KEYS {
        return Ok(None);
    }
    let newest = former.iter().map(|key| key.created.as_millis()).max();
    let created = new.created.as_millis().max(newest.map_or(0, |newest| newest + 1));
    db.execute(
        "UPDATE signing_keys SET until_ms = min(coalesce(until_ms, ?1), ?1)",
        [Ms(former_until)],
    )?;
    db.execute(
        "INSERT INTO signing_keys (kid, secret, created_ms) VALUES (?1, ?2, ?3)",
        params![&*new.kid, new.secret, Ms(Timestamp::from_millis(created))],
    )?;
    stored(db).map(Some)
}

fn stored(db: &Connection) -> rusqlite::Result<Vec<SigningKey>> {
    let mut statement = db.prepare(
        "SELECT kid, secret, created_ms, until_ms FROM signing_keys ORDER BY created_ms DESC, kid",
    )?;
    let keys = statement.query_map([], |row| {
        Ok(SigningKey {
            kid: row.get::<_, String>(0)?.into(),
            secret: row.get(1)?,
            created: row.get::<_, Ms>(2)?.0,
            until: row.get::<_, Option<Ms>>(3)?.map(|Ms(until)| until),
        })
    })?;
    keys.collect()
}
