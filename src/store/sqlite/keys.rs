//! The gateway's signing keys.

use rusqlite::{Connection, params};

use super::value::Ms;
use crate::store::SigningKey;

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
    let mut statement = db.prepare(
        "SELECT kid, secret, created_ms FROM signing_keys ORDER BY created_ms DESC, kid",
    )?;
    let keys = statement.query_map([], |row| {
        Ok(SigningKey {
            kid: row.get::<_, String>(0)?.into(),
            secret: row.get(1)?,
            created: row.get::<_, Ms>(2)?.0,
        })
    })?;
    keys.collect()
}
