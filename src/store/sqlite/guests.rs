//! Guests that are forgotten because an app has too many.

use std::sync::Arc;

use rusqlite::{Connection, params};
use stagedoor_proto::{FamilyId, Timestamp};

use super::sizes::{Sizes, Table};
use super::value::{Generation, Ms, Number};
use super::{blocks, migrate};
use crate::principal::{Guest, Principal};
use crate::store::{GuestPosition, IdleGuest, IdleGuests, UserKey};

/// Client instances examined per call of the writer.
const BATCH: usize = 200;

/// The unspecified address, which no client has.
const NO_ADDRESS: [u8; 16] = [0; 16];

/// A page of an app's guests who have not started since `unseen_since`.
pub(super) fn idle(
    db: &Connection,
    app: &Arc<str>,
    after: Option<&GuestPosition>,
    unseen_since: Timestamp,
) -> rusqlite::Result<IdleGuests> {
    // A name that many share continues behind the last instance.
    let mut statement = db.prepare_cached(
        "SELECT u.seen_ms, u.app, u.username, i.instance, i.generation, i.serial, i.seen_ms \
         FROM users u INDEXED BY guests_by_seen \
         CROSS JOIN instances i ON i.app = u.app AND i.username = u.username AND i.instance > \
            CASE WHEN u.seen_ms = ?1 AND u.app = ?2 AND u.username = ?3 THEN ?4 ELSE '' END \
         WHERE u.registered = 0 AND u.seen_ms IS NOT NULL \
           AND (u.seen_ms, u.app, u.username) >= (?1, ?2, ?3) \
         ORDER BY u.seen_ms, u.app, u.username, i.instance LIMIT ?5",
    )?;
    let first = GuestPosition::default();
    let GuestPosition { seen, app: of_app, username, instance } = after.unwrap_or(&first);
    let mut page = IdleGuests::default();
    let mut rows =
        statement.query(params![Ms(*seen), of_app, username, instance, Number(BATCH as u64)])?;
    let (mut examined, mut last) = (0, GuestPosition::default());
    while let Some(row) = rows.next()? {
        examined += 1;
        last = GuestPosition {
            seen: row.get::<_, Ms>(0)?.0,
            app: row.get(1)?,
            username: row.get(2)?,
            instance: row.get(3)?,
        };
        let is_idle = row.get::<_, Ms>(6)?.0 < unseen_since;
        if last.app != **app || !is_idle {
            continue;
        }
        if let (Ok(username), Ok(instance)) = (last.username.parse(), last.instance.parse()) {
            page.guests.push(IdleGuest {
                user: UserKey { app: Arc::clone(app), username },
                instance,
                generation: row.get::<_, Generation>(4)?.0,
                serial: row.get::<_, Number>(5)?.0,
            });
        }
    }
    page.next = (examined == BATCH).then_some(last);
    Ok(page)
}

/// Forgets those who have not changed and have no block, mute, role or exemption.
pub(super) fn forget(
    db: &Connection,
    sizes: &Sizes,
    app: &Arc<str>,
    guests: &[IdleGuest],
    now: Timestamp,
) -> rusqlite::Result<usize> {
    let mut forgotten = 0;
    for guest in guests {
        if !is_held(db, sizes, guest, now)? && remove(db, guest)? {
            forgotten += 1;
        }
    }
    sizes.subtract(app, Table::Guests, forgotten);
    Ok(forgotten)
}

/// Whether the app or a room holds a block, a mute, a role or an exemption of the guest.
fn is_held(
    db: &Connection,
    sizes: &Sizes,
    guest: &IdleGuest,
    now: Timestamp,
) -> rusqlite::Result<bool> {
    let IdleGuest { user, instance, .. } = guest;
    // A block of an address does not need the guests at it.
    let covered = (instance, NO_ADDRESS);
    if !blocks::of_start(db, sizes, user, Some(&covered), now)?.is_empty() {
        return Ok(true);
    }
    let guest = Guest::new(instance.clone(), FamilyId::from_bits(0));
    let who = Principal { username: &user.username, guest: Some(&guest) };
    Ok(!migrate::facts_about(db, &user.app, who, now)?.is_empty())
}

/// Removes a client instance, and the user with the last one. Returns whether it did.
fn remove(db: &Connection, guest: &IdleGuest) -> rusqlite::Result<bool> {
    let IdleGuest { user, instance, generation, serial } = guest;
    let (app, username) = (&*user.app, user.username.as_str());
    let removed = db
        .prepare_cached(
            "DELETE FROM instances WHERE app = ?1 AND username = ?2 AND instance = ?3 \
               AND generation = ?4 AND serial = ?5 AND address IS NOT NULL",
        )?
        .execute(params![
            app,
            username,
            instance.as_str(),
            Generation(*generation),
            Number(*serial)
        ])?;
    if removed > 0 {
        let other = "SELECT 1 FROM instances WHERE app = ?1 AND username = ?2";
        if !db.prepare_cached(other)?.exists(params![app, username])? {
            // What a command said of the name stays.
            db.prepare_cached(
                "DELETE FROM users WHERE app = ?1 AND username = ?2 AND registered = 0 \
                   AND revoked_ms IS NULL AND deleted_ms IS NULL",
            )?
            .execute(params![app, username])?;
            db.prepare_cached(
                "UPDATE users SET seen_ms = NULL WHERE app = ?1 AND username = ?2 AND registered = 0",
            )?
            .execute(params![app, username])?;
        }
    }
    Ok(removed > 0)
}
