//! The handoff to the next gateway: written as a whole, and removed when read.
//!
//! Not here: the meaning and completeness of the parts (`hub`).

use rusqlite::{Connection, params};

use super::value::Number;
use crate::store::Handoff;

/// Values of the column `kind`.
#[derive(Clone, Copy)]
enum PartKind {
    Head = 0,
    Room = 1,
    Session = 2,
    Body = 3,
}

/// Replaces the stored handoff.
pub(super) fn put(db: &Connection, handoff: &Handoff) -> rusqlite::Result<()> {
    clear(db)?;
    let mut insert =
        db.prepare_cached("INSERT INTO hand_over (kind, number, value) VALUES (?1, ?2, ?3)")?;
    let Handoff { head, rooms, sessions, bodies } = handoff;
    let head = std::slice::from_ref(head);
    for (kind, parts) in [
        (PartKind::Head, head),
        (PartKind::Room, rooms),
        (PartKind::Session, sessions),
        (PartKind::Body, bodies),
    ] {
        for (number, part) in (0..).zip(parts) {
            insert.execute(params![kind as u8, Number(number), &**part])?;
        }
    }
    Ok(())
}

/// Reads and removes the stored handoff.
pub(super) fn take(db: &Connection) -> rusqlite::Result<Option<Handoff>> {
    let mut statement = db.prepare("SELECT kind, value FROM hand_over ORDER BY kind, number")?;
    let mut rows = statement.query([])?;
    let mut taken = None;
    while let Some(row) = rows.next()? {
        let handoff: &mut Handoff = taken.get_or_insert_default();
        let part = row.get_ref(1)?.as_blob()?.into();
        match row.get::<_, u8>(0)? {
            kind if kind == PartKind::Head as u8 => handoff.head = part,
            kind if kind == PartKind::Room as u8 => handoff.rooms.push(part),
            kind if kind == PartKind::Session as u8 => handoff.sessions.push(part),
            _ => handoff.bodies.push(part),
        }
    }
    clear(db)?;
    Ok(taken)
}

fn clear(db: &Connection) -> rusqlite::Result<()> {
    db.execute("DELETE FROM hand_over", []).map(drop)
}
