//! Durable state of rooms: a row per block, mute, role, guest, redeemed token, room setting and end.
//!
//! Mutes, roles, and the room's mute and lock do not expire while the room is occupied, and get an expiry when it
//! empties; other rows have their own. The end of a room also removes its row in `created_rooms`. Expired rows are
//! removed when their room opens; those of other rooms in batches, when any room opens.

use std::time::Duration;

use rusqlite::{Connection, params};
use stagedoor_proto::Timestamp;

use super::sizes::{Sizes, Table};
use super::value::{JsonOf, Ms};
use crate::room::{DurableChange, DurableState, RoomKey};

/// Expired rows of other rooms removed per opened room; more than most rooms leave.
const SWEEP_BATCH: u32 = 100;

/// Rows of other rooms are removed this long after they expired: such a room may still be open, and about to be joined.
const SWEEP_MARGIN: Duration = Duration::from_hours(1);

/// Values of the column `kind`.
#[derive(Clone, Copy)]
pub(super) enum RowKind {
    Block = 0,
    Mute = 1,
    Role = 2,
    Room = 3,
    End = 4,
    RedeemedToken = 5,
    Guest = 6,
}

/// The effect of a durable change on the rows of its room.
pub(super) enum Change {
    /// Inserts or replaces a row.
    Put {
        kind: RowKind,
        subject: Box<str>,
        value: String,
        until: Option<Timestamp>,
        /// The guests that it is about: each by username and client instance. Their names may be reserved from then on.
        guests: Vec<(Box<str>, Box<str>)>,
    },
    Remove {
        kind: RowKind,
        subject: Box<str>,
    },
    /// Sets or clears the expiry of mutes, roles, and the room's mute and lock.
    End(Option<Timestamp>),
}

impl Change {
    pub(super) fn of(fact: &DurableChange) -> Self {
        let put = |kind, subject: &str, until| {
            let value = serde_json::to_string(fact).expect("a change has a JSON form");
            Self::Put { kind, subject: subject.into(), value, until, guests: guests_of(fact) }
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
            DurableChange::Guest(row) => put(RowKind::Guest, row.guest.instance.as_str(), None),
            DurableChange::GuestCleared { instance } => {
                Self::Remove { kind: RowKind::Guest, subject: instance.as_str().into() }
            }
            DurableChange::Room { .. } => put(RowKind::Room, "", None),
            DurableChange::Ended { at: _, keep_until } => put(RowKind::End, "", Some(*keep_until)),
            DurableChange::Redeemed(row) => put(RowKind::RedeemedToken, &row.jti, Some(row.until)),
            DurableChange::Occupied => Self::End(None),
            DurableChange::Emptied { keep_until } => Self::End(Some(*keep_until)),
        }
    }
}

/// Applies changes in order.
pub(super) fn persist(
    db: &Connection,
    sizes: &Sizes,
    key: &RoomKey,
    changes: &[Change],
) -> rusqlite::Result<()> {
    let (app, room) = (&*key.app, key.room.as_str());
    for change in changes {
        match change {
            Change::Put { kind, subject, value, until, guests } => {
                if matches!(kind, RowKind::End) {
                    remove_created(db, key)?;
                }
                put(db, sizes, key, *kind, subject, value, *until)?;
                mark(db, app, guests)?;
            }
            Change::Remove { kind, subject } => {
                let removed = db
                    .prepare_cached(
                        "DELETE FROM room_facts WHERE app = ?1 AND room = ?2 AND kind = ?3 AND subject = ?4",
                    )?
                    .execute(params![app, room, *kind as u8, &**subject])?;
                sizes.subtract(&key.app, Table::RoomRecords, removed);
            }
            Change::End(until) => {
                db.prepare_cached(
                    "UPDATE room_facts SET until_ms = ?3 WHERE app = ?1 AND room = ?2 AND kind IN (1, 2, 3, 6)",
                )?
                .execute(params![app, room, until.map(Ms)])?;
            }
        }
    }
    Ok(())
}

/// Inserts or replaces the row of a change with this expiry. Does nothing for a change without a row.
pub(super) fn put_until(
    db: &Connection,
    sizes: &Sizes,
    key: &RoomKey,
    fact: &DurableChange,
    until: Option<Timestamp>,
) -> rusqlite::Result<()> {
    if let Change::Put { kind, subject, value, guests, .. } = Change::of(fact) {
        put(db, sizes, key, kind, &subject, &value, until)?;
        mark(db, &key.app, &guests)?;
    }
    Ok(())
}

/// The guests that a change is about.
fn guests_of(fact: &DurableChange) -> Vec<(Box<str>, Box<str>)> {
    let (username, instances) = match fact {
        DurableChange::Guest(row) => (&row.username, vec![&row.guest.instance]),
        DurableChange::Blocked(row) => (&row.username, row.instances.iter().collect()),
        DurableChange::Unblocked { .. }
        | DurableChange::Mute { .. }
        | DurableChange::Role { .. }
        | DurableChange::GuestCleared { .. }
        | DurableChange::Room { .. }
        | DurableChange::Ended { .. }
        | DurableChange::Redeemed(_)
        | DurableChange::Occupied
        | DurableChange::Emptied { .. } => return Vec::new(),
    };
    let guests = instances.into_iter();
    guests.map(|instance| (username.as_str().into(), instance.as_str().into())).collect()
}

/// Marks guests whose names may be reserved.
fn mark(db: &Connection, app: &str, guests: &[(Box<str>, Box<str>)]) -> rusqlite::Result<()> {
    for (username, instance) in guests {
        db.prepare_cached(
            "UPDATE instances SET is_marked = 1 \
             WHERE app = ?1 AND username = ?2 AND instance = ?3 AND address IS NOT NULL",
        )?
        .execute(params![app, &**username, &**instance])?;
    }
    Ok(())
}

/// Inserts or replaces a row.
fn put(
    db: &Connection,
    sizes: &Sizes,
    key: &RoomKey,
    kind: RowKind,
    subject: &str,
    value: &str,
    until: Option<Timestamp>,
) -> rusqlite::Result<()> {
    let row = params![&*key.app, key.room.as_str(), kind as u8, subject, value, until.map(Ms)];
    let updated = db
        .prepare_cached(
            "UPDATE room_facts SET value = ?5, until_ms = ?6 \
             WHERE app = ?1 AND room = ?2 AND kind = ?3 AND subject = ?4",
        )?
        .execute(row)?;
    if updated == 0 {
        db.prepare_cached(
            "INSERT INTO room_facts (app, room, kind, subject, value, until_ms) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(row)?;
        sizes.add(&key.app, Table::RoomRecords, 1);
    }
    Ok(())
}

/// Removes the row of a created room.
fn remove_created(db: &Connection, key: &RoomKey) -> rusqlite::Result<()> {
    db.prepare_cached("DELETE FROM created_rooms WHERE app = ?1 AND room = ?2")?
        .execute(params![&*key.app, key.room.as_str()])?;
    Ok(())
}

/// The state with which a room opens.
pub(super) fn load(
    db: &Connection,
    sizes: &Sizes,
    key: &RoomKey,
    now: Timestamp,
) -> rusqlite::Result<DurableState> {
    let (app, room) = (&*key.app, key.room.as_str());
    // Remove all: the next participant would clear the expiry of one left behind.
    let removed = db
        .prepare_cached("DELETE FROM room_facts WHERE app = ?1 AND room = ?2 AND until_ms <= ?3")?
        .execute(params![app, room, Ms(now)])?;
    sizes.subtract(&key.app, Table::RoomRecords, removed);
    sweep(db, sizes, now)?;
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
            DurableChange::Guest(row) => state.guests.push(row),
            DurableChange::Room { mute, locked } => (state.mute, state.locked) = (mute, locked),
            DurableChange::Ended { at, keep_until: _ } => state.ended = Some(at),
            DurableChange::Redeemed(row) => state.redeemed_tokens.push(row),
            // These have no rows.
            DurableChange::Unblocked { .. }
            | DurableChange::GuestCleared { .. }
            | DurableChange::Occupied
            | DurableChange::Emptied { .. } => {}
        }
    }
    Ok(state)
}

/// Sets the expiry of the rows of rooms that were occupied when the previous process ended.
pub(super) fn mark_empty(db: &Connection, retain_until: Timestamp) -> rusqlite::Result<()> {
    db.execute(
        "UPDATE room_facts SET until_ms = ?1 WHERE until_ms IS NULL AND kind IN (1, 2, 3, 6)",
        params![Ms(retain_until)],
    )?;
    Ok(())
}

/// Removes a batch of long expired rows of any room.
fn sweep(db: &Connection, sizes: &Sizes, now: Timestamp) -> rusqlite::Result<()> {
    let mut statement = db.prepare_cached(
        "DELETE FROM room_facts WHERE (app, room, kind, subject) IN \
            (SELECT app, room, kind, subject FROM room_facts WHERE until_ms <= ?1 ORDER BY until_ms LIMIT ?2) \
         RETURNING app",
    )?;
    let mut rows = statement.query(params![Ms(now - SWEEP_MARGIN), SWEEP_BATCH])?;
    while let Some(row) = rows.next()? {
        sizes.subtract(&row.get::<_, String>(0)?.into(), Table::RoomRecords, 1);
    }
    Ok(())
}
