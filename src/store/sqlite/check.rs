//! Checks of users whose session has started: one read, and at most two writes.
//!
//! Not here: the decision (`policy`), and checks that need no query (`recent`).

use std::net::IpAddr;

use rusqlite::{Connection, params};
use stagedoor_proto::{InstanceId, Timestamp};

use super::admit::{address_of, covering, of_a_user, write_instance, write_user};
use super::recent::{Known, Recent};
use super::sizes::Sizes;
use super::value::{Family, Ms};
use crate::store::policy::{self, CheckRows, CheckWrites, CheckedInstance};
use crate::store::{Check, CheckedUser, Refusal, UserKey};

/// Checks the user of a session, and records when it was seen. Returns also what the next check will read.
pub(super) fn check(
    db: &Connection,
    sizes: &Sizes,
    recent: &Recent,
    check: &Check,
) -> rusqlite::Result<(Result<CheckedUser, Refusal>, Option<Known>)> {
    let Check { user: key, instance: id, address, now, .. } = check;
    let rows = rows_of(db, sizes, key, id, *address, *now)?;
    let writes = match policy::check(check, &rows) {
        Ok(writes) => writes,
        Err(refusal) => return Ok((Err(refusal), None)),
    };
    if writes.instance.is_some() {
        // The address may change.
        recent.count_change_of(key);
    }
    let known = recent.known(key, id, *now, rows.after(&writes, *now));
    let CheckWrites { checked, user, instance } = writes;
    if let Some(user) = user {
        write_user(db, key, *now, user)?;
    }
    if let Some(instance) = instance {
        write_instance(db, key, id, *now, instance)?;
    }
    Ok((Ok(checked), known))
}

/// What a check reads of a user on an instance, with the blocks in force.
pub(super) fn rows_of(
    db: &Connection,
    sizes: &Sizes,
    key: &UserKey,
    id: &InstanceId,
    address: IpAddr,
    now: Timestamp,
) -> rusqlite::Result<CheckRows> {
    let mut rows = read_check(db, key, id)?;
    // Most apps have no block.
    if sizes.of(&key.app).blocks > 0 {
        let guest = (!rows.is_registered).then_some((id, address));
        (_, rows.blocks) = covering(db, sizes, key, guest, now)?;
    }
    Ok(rows)
}

/// What a check needs of the rows that a start reads, without blocks.
fn read_check(
    db: &Connection,
    user: &UserKey,
    instance: &InstanceId,
) -> rusqlite::Result<CheckRows> {
    let mut statement = db.prepare_cached(concat!(
        "SELECT u.registered, u.seen_ms, u.revoked_ms, u.deleted_ms IS NOT NULL, \
                i.family, i.address, i.seen_ms, r.revoked_ms ",
        of_a_user!(),
    ))?;
    let key = params![&*user.app, user.username.as_str(), instance.as_str()];
    statement.query_row(key, |row| {
        let time = |column| row.get(column).map(|ms: Option<Ms>| ms.map(|ms| ms.0));
        let instance = match time(6)? {
            Some(seen) => Some(CheckedInstance {
                family: row.get::<_, Option<Family>>(4)?.map(|family| family.0),
                address: address_of(row.get(5)?),
                seen,
            }),
            None => None,
        };
        Ok(CheckRows {
            is_registered: row.get::<_, Option<bool>>(0)?.unwrap_or_default(),
            seen: time(1)?,
            revoked: time(2)?,
            is_deleted: row.get(3)?,
            instance,
            blocks: Vec::new(),
            app_revoked: time(7)?,
        })
    })
}
