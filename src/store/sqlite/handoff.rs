//! What a stopping gateway leaves to the next: written whole, and gone once it was read.
//!
//! Not here: what the parts mean, and whether all are there (`hub`).

use rusqlite::{Connection, params};

use super::value::Number;
use crate::store::Handoff;

/// What a part is about.
#[derive(Clone, Copy)]
enum Kind {
    Head = 0,
    Room = 1,
    Session = 2,
    Body = 3,
}

/// Puts `handed` in the place of what was there.
pub(super) fn put(db: &Connection, handed: &Handoff) -> rusqlite::Result<()> {
    clear(db)?;
    let mut insert =
        db.prepare_cached("INSERT INTO hand_over (kind, number, value) VALUES (?1, ?2, ?3)")?;
    let Handoff { head, rooms, sessions, bodies } = handed;
    let head = std::slice::from_ref(head);
    for (kind, parts) in
        [(Kind::Head, head), (Kind::Room, rooms), (Kind::Session, sessions), (Kind::Body, bodies)]
    {
        for (number, part) in (0..).zip(parts) {
            insert.execute(params![kind as u8, Number(number), &**part])?;
        }
    }
    Ok(())
}

/// Takes what is there, if anything is.
pub(super) fn take(db: &Connection) -> rusqlite::Result<Option<Handoff>> {
    let mut statement = db.prepare("SELECT kind, value FROM hand_over ORDER BY kind, number")?;
    let mut rows = statement.query([])?;
    let mut taken = None;
    while let Some(row) = rows.next()? {
        let handed: &mut Handoff = taken.get_or_insert_default();
        let part = row.get_ref(1)?.as_blob()?.into();
        match row.get::<_, u8>(0)? {
            kind if kind == Kind::Head as u8 => handed.head = part,
            kind if kind == Kind::Room as u8 => handed.rooms.push(part),
            kind if kind == Kind::Session as u8 => handed.sessions.push(part),
            _ => handed.bodies.push(part),
        }
    }
    clear(db)?;
    Ok(taken)
}

fn clear(db: &Connection) -> rusqlite::Result<()> {
    db.execute("DELETE FROM hand_over", []).map(drop)
}
