//! What outlives a room's participants: a row for each fact.
//!
//! Voices, roles, mute and lock have no end while somebody is in the room, and one once it is empty; every other fact
//! brings its own. The end of a room is also that of its creation. Rows that are over are removed when their room opens; those of rooms that nobody opens again are
//! removed, a few at a time, when any other does.

use std::time::Duration;

use rusqlite::{Connection, params};
use stagedoor_proto::Timestamp;

use super::value::{JsonOf, Ms};
use crate::room::{DurableChange, DurableState, RoomKey};

/// Rows of other rooms removed at one opening: more than most rooms leave behind.
const SWEEP_BATCH: u32 = 100;

/// How long rows of other rooms are over before they are removed: such a room may still be open, and about to be
/// entered.
const SWEEP_MARGIN: Duration = Duration::from_hours(1);

/// What a row is about.
#[derive(Clone, Copy)]
pub(super) enum RowKind {
    Block = 0,
    Mute = 1,
    Role = 2,
    /// The room's mute and lock.
    Room = 3,
    End = 4,
    RedeemedToken = 5,
}

/// What a fact does to the rows of its room.
pub(super) enum Change {
    /// A row takes its place, or that of an earlier one.
    Put { kind: RowKind, subject: Box<str>, value: String, until: Option<Timestamp> },
    /// There is no such row any more.
    Remove { kind: RowKind, subject: Box<str> },
    /// Voices, roles, mute and lock end then, or not for now.
    End(Option<Timestamp>),
}

impl Change {
    pub(super) fn of(fact: &DurableChange) -> Self {
        let put = |kind, subject: &str, until| {
            let value = serde_json::to_string(fact).expect("a fact has a JSON form");
            Self::Put { kind, subject: subject.into(), value, until }
        };
        match fact {
            DurableChange::Blocked(row) => {
                put(RowKind::Block, row.username.as_str(), Some(row.until))
            }
            DurableChange::Unblocked { username } => {
                Self::Remove { kind: RowKind::Block, subject: username.as_str().into() }
            }
            DurableChange::Mute { username, mute: Some(_) } => {
                put(RowKind::Mute, username.as_str(), None)
            }
            DurableChange::Mute { username, mute: None } => {
                Self::Remove { kind: RowKind::Mute, subject: username.as_str().into() }
            }
            DurableChange::Role { username, role: _ } => {
                put(RowKind::Role, username.as_str(), None)
            }
            DurableChange::Room { .. } => put(RowKind::Room, "", None),
            DurableChange::Ended { at: _, keep_until } => put(RowKind::End, "", Some(*keep_until)),
            DurableChange::Redeemed(row) => put(RowKind::RedeemedToken, &row.jti, Some(row.until)),
            DurableChange::Occupied => Self::End(None),
            DurableChange::Emptied { keep_until } => Self::End(Some(*keep_until)),
        }
    }
}

/// Applies changes in their order.
pub(super) fn persist(db: &Connection, key: &RoomKey, changes: &[Change]) -> rusqlite::Result<()> {
    let (app, room) = (&*key.app, key.room.as_str());
    for change in changes {
        match change {
            Change::Put { kind, subject, value, until } => {
                if matches!(kind, RowKind::End) {
                    remove_created(db, key)?;
                }
                put(db, key, *kind, subject, value, *until)?
            }
            Change::Remove { kind, subject } => db
                .prepare_cached(
                    "DELETE FROM room_facts WHERE app = ?1 AND room = ?2 AND kind = ?3 AND subject = ?4",
                )?
                .execute(params![app, room, *kind as u8, &**subject])?,
            Change::End(until) => db
                .prepare_cached(
                    "UPDATE room_facts SET until_ms = ?3 WHERE app = ?1 AND room = ?2 AND kind IN (1, 2, 3)",
                )?
                .execute(params![app, room, until.map(Ms)])?,
        };
    }
    Ok(())
}

/// Gives a room a fact that ends then, in the place of an earlier one; nothing, where the fact makes no row.
pub(super) fn put_until(
    db: &Connection,
    key: &RoomKey,
    fact: &DurableChange,
    until: Option<Timestamp>,
) -> rusqlite::Result<()> {
    if let Change::Put { kind, subject, value, .. } = Change::of(fact) {
        put(db, key, kind, &subject, &value, until)?;
    }
    Ok(())
}

/// Gives a room a row, in the place of an earlier one.
fn put(
    db: &Connection,
    key: &RoomKey,
    kind: RowKind,
    subject: &str,
    value: &str,
    until: Option<Timestamp>,
) -> rusqlite::Result<usize> {
    db.prepare_cached(
        "INSERT INTO room_facts (app, room, kind, subject, value, until_ms) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6) \
         ON CONFLICT DO UPDATE SET value = excluded.value, until_ms = excluded.until_ms",
    )?
    .execute(params![&*key.app, key.room.as_str(), kind as u8, subject, value, until.map(Ms)])
}

/// Removes the row that says that a room was created.
fn remove_created(db: &Connection, key: &RoomKey) -> rusqlite::Result<()> {
    db.prepare_cached("DELETE FROM created_rooms WHERE app = ?1 AND room = ?2")?
        .execute(params![&*key.app, key.room.as_str()])?;
    Ok(())
}

/// What a room knows when it opens.
pub(super) fn load(
    db: &Connection,
    key: &RoomKey,
    now: Timestamp,
) -> rusqlite::Result<DurableState> {
    let (app, room) = (&*key.app, key.room.as_str());
    // All of them: one left behind would come back to life with the next participant.
    db.prepare_cached("DELETE FROM room_facts WHERE app = ?1 AND room = ?2 AND until_ms <= ?3")?
        .execute(params![app, room, Ms(now)])?;
    sweep(db, now)?;
    let mut statement =
        db.prepare_cached("SELECT value FROM room_facts WHERE app = ?1 AND room = ?2")?;
    let mut rows = statement.query(params![app, room])?;
    let mut state = DurableState::default();
    while let Some(row) = rows.next()? {
        let JsonOf(fact) = row.get(0)?;
        match fact {
            DurableChange::Blocked(row) => state.blocks.push(row),
            DurableChange::Mute { username, mute } => {
                state.mute_overrides.extend(mute.map(|mute| (username, mute)));
            }
            DurableChange::Role { username, role } => state.roles.push((username, role)),
            DurableChange::Room { mute, locked } => (state.mute, state.locked) = (mute, locked),
            DurableChange::Ended { at, keep_until: _ } => state.ended = Some(at),
            DurableChange::Redeemed(row) => state.redeemed_tokens.push(row),
            // They make no rows.
            DurableChange::Unblocked { .. }
            | DurableChange::Occupied
            | DurableChange::Emptied { .. } => {}
        }
    }
    Ok(state)
}

/// Gives the rows of rooms that were occupied when the process before died an end.
pub(super) fn mark_empty(db: &Connection, retain_until: Timestamp) -> rusqlite::Result<()> {
    db.execute(
        "UPDATE room_facts SET until_ms = ?1 WHERE until_ms IS NULL AND kind IN (1, 2, 3)",
        params![Ms(retain_until)],
    )?;
    Ok(())
}

/// Removes some of what has long been over, of whatever room.
fn sweep(db: &Connection, now: Timestamp) -> rusqlite::Result<()> {
    db.prepare_cached(
        "DELETE FROM room_facts WHERE (app, room, kind, subject) IN \
            (SELECT app, room, kind, subject FROM room_facts WHERE until_ms <= ?1 ORDER BY until_ms LIMIT ?2)",
    )?
    .execute(params![Ms(now - SWEEP_MARGIN), SWEEP_BATCH])?;
    Ok(())
}
