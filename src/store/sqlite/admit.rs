//! Starts: two reads and at most two writes.
//!
//! Not here: the decision (`policy`), and the query for blocks (`blocks`).

use std::net::IpAddr;

use rusqlite::{Connection, OptionalExtension as _, Row, params};
use stagedoor_proto::{Data, FamilyId, InstanceId, Timestamp};

use super::blocks;
use super::value::{Family, Generation, Json, Ms, address_bytes};
use crate::address::network;
use crate::store::policy::{
    self, AdmissionRows, AdmissionWrites, InstanceRow, InstanceWrite, UserRow, UserWrite,
};
use crate::store::{Admission, Admitted, FormerFamily, Profile, Refusal, UserKey};

/// Checks a start, and records an admitted one.
pub(super) fn admit(
    db: &Connection,
    admission: &Admission,
    lost_after: Option<Timestamp>,
) -> rusqlite::Result<Result<Admitted, Refusal>> {
    let Admission { user: key, instance: id, address, method, now, .. } = admission;
    let (user, instance) = read(db, key, id)?;
    let guest = policy::is_guest(method, &user).then(|| (id, address_bytes(network(*address))));
    let blocks = blocks::of_start(db, key, guest.as_ref(), *now)?;
    let rows = AdmissionRows { user, instance, blocks, lost_after };
    match policy::admit(admission, &rows) {
        Ok(writes) => write(db, admission, writes).map(Ok),
        Err(refusal) => Ok(Err(refusal)),
    }
}

/// Makes an instance's former family the current one again, unless a newer start replaced `family`.
pub(super) fn withdraw(
    db: &Connection,
    user: &UserKey,
    instance: &InstanceId,
    family: FamilyId,
    former: FormerFamily,
) -> rusqlite::Result<()> {
    db.prepare_cached(
        "UPDATE instances SET generation = ?5, family = ?6, former_family = ?7 \
         WHERE app = ?1 AND username = ?2 AND instance = ?3 AND family = ?4",
    )?
    .execute(params![
        &*user.app,
        user.username.as_str(),
        instance.as_str(),
        Family(family),
        Generation(former.generation),
        former.family.map(Family),
        former.former_family.map(Family),
    ])?;
    Ok(())
}

fn read(
    db: &Connection,
    user: &UserKey,
    instance: &InstanceId,
) -> rusqlite::Result<(UserRow, Option<InstanceRow>)> {
    let mut statement = db.prepare_cached(
        "SELECT u.registered, u.name, u.properties, u.seen_ms, u.revoked_ms, u.deleted_ms IS NOT NULL, \
                i.generation, i.family, i.former_family, i.address, i.seen_ms \
         FROM users u \
         LEFT JOIN instances i ON i.app = u.app AND i.username = u.username AND i.instance = ?3 \
         WHERE u.app = ?1 AND u.username = ?2",
    )?;
    let key = params![&*user.app, user.username.as_str(), instance.as_str()];
    let rows = statement.query_row(key, |row| Ok((user_row(row)?, instance_row(row)?)));
    Ok(rows.optional()?.unwrap_or_default())
}

/// A user from the first six columns of [`read`].
fn user_row(row: &Row<'_>) -> rusqlite::Result<UserRow> {
    let time = |column| row.get(column).map(|ms: Option<Ms>| ms.map(|ms| ms.0));
    let properties: Option<Json> = row.get(2)?;
    Ok(UserRow {
        is_registered: row.get(0)?,
        profile: Profile { name: row.get(1)?, properties: properties.map(|json| json.0) },
        seen: time(3)?,
        revoked: time(4)?,
        is_deleted: row.get(5)?,
    })
}

/// An instance from the remaining columns of [`read`].
fn instance_row(row: &Row<'_>) -> rusqlite::Result<Option<InstanceRow>> {
    let Some(Generation(generation)) = row.get(6)? else { return Ok(None) };
    let family = |column| {
        Ok::<_, rusqlite::Error>(row.get::<_, Option<Family>>(column)?.map(|family| family.0))
    };
    let address: Option<[u8; 16]> = row.get(9)?;
    Ok(Some(InstanceRow {
        generation,
        family: family(7)?,
        former_family: family(8)?,
        address: address.map(|bytes| IpAddr::from(bytes).to_canonical()),
        seen: row.get::<_, Ms>(10)?.0,
    }))
}

fn write(
    db: &Connection,
    admission: &Admission,
    writes: AdmissionWrites,
) -> rusqlite::Result<Admitted> {
    let AdmissionWrites { admitted, void_instances, user, instance } = writes;
    let (app, username) = (&*admission.user.app, admission.user.username.as_str());
    let now = Ms(admission.now);
    if void_instances {
        db.prepare_cached(
            "UPDATE instances SET former_family = coalesce(family, former_family), family = NULL, address = NULL \
             WHERE app = ?1 AND username = ?2",
        )?
        .execute(params![app, username])?;
    }
    match user {
        None => {}
        Some(UserWrite::Seen) => {
            db.prepare_cached("UPDATE users SET seen_ms = ?3 WHERE app = ?1 AND username = ?2")?
                .execute(params![app, username, now])?;
        }
        Some(UserWrite::Put { is_registered, profile: Profile { name, properties } }) => {
            db.prepare_cached(
                "INSERT INTO users (app, username, registered, name, properties, seen_ms) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6) \
                 ON CONFLICT DO UPDATE SET registered = excluded.registered, name = excluded.name, \
                    properties = excluded.properties, seen_ms = excluded.seen_ms",
            )?
            .execute(params![
                app,
                username,
                is_registered,
                name,
                properties.as_ref().map(Data::as_json),
                now
            ])?;
        }
    }
    let id = admission.instance.as_str();
    match instance {
        None => {}
        Some(InstanceWrite::Seen { address }) => {
            db.prepare_cached(
                "UPDATE instances SET address = ?4, seen_ms = ?5 \
                 WHERE app = ?1 AND username = ?2 AND instance = ?3",
            )?
            .execute(params![app, username, id, address.map(address_bytes), now])?;
        }
        Some(InstanceWrite::Put { generation, family, address }) => {
            db.prepare_cached(
                "INSERT INTO instances (app, username, instance, generation, family, address, seen_ms) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) \
                 ON CONFLICT DO UPDATE SET generation = excluded.generation, \
                    former_family = coalesce(family, former_family), family = excluded.family, \
                    address = excluded.address, seen_ms = excluded.seen_ms",
            )?
            .execute(params![
                app,
                username,
                id,
                Generation(generation),
                Family(family),
                address.map(address_bytes),
                now
            ])?;
        }
    }
    Ok(admitted)
}
