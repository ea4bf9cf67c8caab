//! The time up to which bookkeeping is known to be on disk.
//!
//! Written in a commit that waits for the disk, after the bookkeeping it covers. A machine failure can only lose later
//! rows.

use rusqlite::{Connection, OptionalExtension as _};
use stagedoor_proto::Timestamp;

use super::value::Ms;

pub(super) fn read(db: &Connection) -> rusqlite::Result<Option<Timestamp>> {
    let at =
        db.query_row("SELECT at_ms FROM bookkeeping_synced", [], |row| row.get(0)).optional()?;
    Ok(at.map(|Ms(at)| at))
}

pub(super) fn write(db: &Connection, at: Timestamp) -> rusqlite::Result<()> {
    db.prepare_cached(
        "INSERT INTO bookkeeping_synced (only, at_ms) VALUES (1, ?1) \
         ON CONFLICT DO UPDATE SET at_ms = max(at_ms, excluded.at_ms)",
    )?
    .execute([Ms(at)])?;
    Ok(())
}
