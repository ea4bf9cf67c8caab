//! Revocations of all tokens of an app.

use rusqlite::{Connection, OptionalExtension as _, params};
use stagedoor_proto::Timestamp;

use super::value::Ms;

/// The app's last revocation.
pub(super) fn find(db: &Connection, app: &str) -> rusqlite::Result<Option<Timestamp>> {
    let sql = "SELECT revoked_ms FROM app_revocations WHERE app = ?1";
    let found = db.prepare_cached(sql)?.query_row([app], |row| row.get::<_, Ms>(0)).optional()?;
    Ok(found.map(|Ms(revoked)| revoked))
}

/// Voids the app's credentials issued before the returned time, which never moves back. `voids_families`: and all token
/// families of the app.
pub(super) fn revoke(
    db: &Connection,
    app: &str,
    before: Timestamp,
    voids_families: bool,
) -> rusqlite::Result<Timestamp> {
    let Ms(revoked) = db
        .prepare_cached(
            "INSERT INTO app_revocations (app, revoked_ms) VALUES (?1, ?2) \
             ON CONFLICT DO UPDATE SET revoked_ms = max(revoked_ms, excluded.revoked_ms) \
             RETURNING revoked_ms",
        )?
        .query_row(params![app, Ms(before)], |row| row.get(0))?;
    if voids_families {
        db.prepare_cached(
            "UPDATE instances SET former_family = family, family = NULL \
             WHERE app = ?1 AND family IS NOT NULL",
        )?
        .execute([app])?;
    }
    Ok(revoked)
}
