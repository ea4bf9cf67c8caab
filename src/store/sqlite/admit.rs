//! Starts: two reads and at most two writes.
//!
//! Not here: the decision (`policy`), and the query for blocks (`blocks`).

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension as _, Row, params};
use stagedoor_proto::{Data, FamilyId, InstanceId, Timestamp, Username};

use super::recent::{Known, Recent};
use super::sizes::{Sizes, Table};
use super::value::{Family, Generation, Json, JsonOf, Ms, Number, address_bytes, network_bytes};
use super::{blocks, migrate};
use crate::address::network;
use crate::principal::Principal;
use crate::store::policy::{
    self, AdmissionRows, AdmissionWrites, InstanceRow, InstanceWrite, RememberedInstance,
    ReservingInstance, UserRow, UserWrite,
};
use crate::store::{
    Admission, Admitted, Block, FamilyGrant, FamilyRenewal, FamilyTokens, FormerFamily, NameClaim,
    Profile, Refusal, StoreSizes, UserKey,
};

/// Reserved names that a start reads beyond the limit: some of their guests may have a session.
const MAX_LIVE_NAMES: usize = 400;

/// The condition that a room has a mute, a role or a block of the guest on instance `i`; `?2` is the time.
// Without statistics SQLite searches by the app alone, which is every row of it. `kind <= 2` is the condition of the
// index.
macro_rules! reserves_its_name {
    () => {
        "(EXISTS (SELECT 1 FROM room_facts f INDEXED BY room_facts_by_guest \
                  WHERE f.app = i.app AND f.kind = 6 AND f.subject = i.instance \
                    AND (f.until_ms IS NULL OR f.until_ms > ?2) \
                    AND json_extract(f.value, '$.guest.username') = i.username) \
          OR EXISTS (SELECT 1 FROM room_facts f INDEXED BY room_facts_by_subject, \
                            json_each(f.value, '$.blocked.instances') blocked \
                     WHERE f.app = i.app AND f.subject = i.username AND f.kind <= 2 AND f.kind = 0 \
                       AND f.until_ms > ?2 AND blocked.value = i.instance))"
    };
}

/// The rows of an app `?1`, a user `?2` and an instance `?3`, each as far as it exists.
macro_rules! of_a_user {
    () => {
        "FROM (SELECT 1) LEFT JOIN app_revocations r ON r.app = ?1 \
         LEFT JOIN users u ON u.app = ?1 AND u.username = ?2 \
         LEFT JOIN instances i ON i.app = u.app AND i.username = u.username AND i.instance = ?3"
    };
}
pub(super) use of_a_user;

/// Checks a start, and records an admitted one. Returns also what a check will read.
pub(super) fn admit(
    db: &Connection,
    sizes: &Sizes,
    recent: &Recent,
    admission: &Admission,
    lost_after: Option<Timestamp>,
) -> rusqlite::Result<(Result<Admitted, Refusal>, Option<Known>)> {
    let Admission { user: key, instance: id, address, method, now, .. } = admission;
    let (app_revoked, user, instance) = read(db, key, id)?;
    let guest = policy::is_guest(method, &user).then_some((id, *address));
    let (registered, blocks) = covering(db, sizes, key, guest, *now)?;
    let StoreSizes { guests, room_records, .. } = sizes.of(&key.app);
    // Only records of rooms reserve names, for instances of a name that was seen.
    let names = admission.names.as_ref().filter(|_| room_records > 0);
    let reserving = match names {
        Some(_) if user.seen.is_some() => reserving(db, key, id, *now)?,
        Some(_) | None => Vec::new(),
    };
    let is_new = instance.is_none();
    let reserved = match names {
        Some(names) if is_new && may_reserve(db, admission, names)? => {
            reserved_at(db, admission, names)?
        }
        Some(_) | None => Vec::new(),
    };
    let rows = AdmissionRows {
        user,
        instance,
        registered,
        blocks,
        reserving,
        reserved,
        guests,
        lost_after,
        app_revoked,
    };
    let writes = match policy::admit(admission, &rows) {
        Ok(writes) => writes,
        Err(refusal) => return Ok((Err(refusal), None)),
    };
    if rows.user != UserRow::default() || rows.instance.is_some() {
        recent.count_change_of(key);
    }
    let rows = policy::rows_after(admission, &rows, &writes);
    let known = rows.and_then(|rows| recent.known(key, id, *now, rows));
    let mut admitted = write(db, sizes, admission, writes)?;
    if is_new && admitted.guest {
        sizes.add(&key.app, Table::Guests, 1);
    } else if is_new {
        admitted.forgotten = forget_surplus(db, admission)?;
        if admitted.forgotten > 0 {
            // Another user may now be the last one on such an instance, whose blocks cover its guests.
            recent.count_change();
        }
    }
    Ok((Ok(admitted), known))
}

/// Records a renewal of a family. Returns the serial number of its access token; `None` if the family is void, or a
/// later renewal was recorded.
pub(super) fn renew(db: &Connection, renewal: &FamilyRenewal) -> rusqlite::Result<Option<u64>> {
    let FamilyRenewal { user, instance, family, number, granted, now } = renewal;
    let serial: Option<Number> = db
        .prepare_cached(
            "UPDATE instances SET serial = max(serial + 1, ?5), renewal = ?5, granted = ?6, seen_ms = ?7 \
             WHERE app = ?1 AND username = ?2 AND instance = ?3 AND family = ?4 AND renewal < ?5 \
             RETURNING serial",
        )?
        .query_row(
            params![
                &*user.app,
                user.username.as_str(),
                instance.as_str(),
                Family(*family),
                Number(*number),
                json_of(granted),
                Ms(*now)
            ],
            |row| row.get(0),
        )
        .optional()?;
    Ok(serial.map(|serial| serial.0))
}

/// The blocks that cover a user. A guest is given by instance and address; the blocks of the registered user who was
/// last seen on that instance cover the guest too. Returns that user.
pub(super) fn covering(
    db: &Connection,
    sizes: &Sizes,
    key: &UserKey,
    guest: Option<(&InstanceId, IpAddr)>,
    now: Timestamp,
) -> rusqlite::Result<(Option<Username>, Vec<Block>)> {
    let Some((id, address)) = guest else {
        return Ok((None, blocks::of_start(db, sizes, key, None, now)?));
    };
    let guest = (id, address_bytes(network(address)));
    let mut blocks = blocks::of_start(db, sizes, key, Some(&guest), now)?;
    let registered = last_registered(db, &key.app, id)?;
    if let Some(username) = &registered {
        let user = UserKey { app: Arc::clone(&key.app), username: username.clone() };
        blocks.extend(blocks::of_start(db, sizes, &user, None, now)?);
    }
    Ok((registered, blocks))
}

/// Forgets instances of a registered user beyond the limit. Returns their number.
fn forget_surplus(db: &Connection, admission: &Admission) -> rusqlite::Result<usize> {
    let Some(limit) = &admission.instances else { return Ok(0) };
    let (app, username) = (&*admission.user.app, admission.user.username.as_str());
    let mut statement = db.prepare_cached(
        "SELECT instance, family IS NOT NULL, seen_ms FROM instances \
         WHERE app = ?1 AND username = ?2 AND instance != ?3",
    )?;
    let key = params![app, username, admission.instance.as_str()];
    let others = statement.query_map(key, |row| {
        let Ok(instance) = row.get::<_, String>(0)?.parse() else { return Ok(None) };
        let (has_family, seen) = (row.get(1)?, row.get::<_, Ms>(2)?.0);
        Ok(Some(RememberedInstance { instance, has_family, seen }))
    })?;
    let others = others.filter_map(Result::transpose).collect::<rusqlite::Result<Vec<_>>>()?;
    if others.len() < limit.count {
        return Ok(0);
    }
    let user = Principal { username: &admission.user.username, guest: None };
    let facts = migrate::facts_about(db, &admission.user.app, user, admission.now)?;
    let has_penalty = facts.iter().any(|(_, fact, _)| policy::is_penalty(fact));
    let surplus = policy::surplus_instances(others, limit, has_penalty, admission.now);
    let mut forget = db.prepare_cached(
        "DELETE FROM instances WHERE app = ?1 AND username = ?2 AND instance = ?3",
    )?;
    for instance in &surplus {
        forget.execute(params![app, username, instance.as_str()])?;
    }
    Ok(surplus.len())
}

/// Makes an instance's former family the current one again, unless a newer start replaced `family`.
pub(super) fn withdraw(
    db: &Connection,
    user: &UserKey,
    instance: &InstanceId,
    family: FamilyId,
    former: &FormerFamily,
) -> rusqlite::Result<()> {
    let FamilyTokens { serial, used, before_used, renewal, granted } = &former.tokens;
    db.prepare_cached(
        "UPDATE instances SET generation = ?5, family = ?6, former_family = ?7, \
            serial = ?8, used = ?9, before_used = ?10, renewal = ?11, granted = ?12 \
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
        Number(*serial),
        Number(*used),
        Number(*before_used),
        Number(*renewal),
        granted.as_ref().map(json_of),
    ])?;
    Ok(())
}

/// The registered user who was last seen on an instance.
fn last_registered(
    db: &Connection,
    app: &str,
    instance: &InstanceId,
) -> rusqlite::Result<Option<Username>> {
    // Without statistics SQLite searches by the app alone, which is every row of it.
    let mut statement = db.prepare_cached(
        // The row of the maximum gives the name; to sort would cost a temporary table.
        "SELECT i.username, max(i.seen_ms) FROM instances i INDEXED BY instances_by_instance \
         CROSS JOIN users u ON u.app = i.app AND u.username = i.username \
         WHERE i.app = ?1 AND i.instance = ?2 AND i.address IS NULL AND u.registered = 1",
    )?;
    let key = params![app, instance.as_str()];
    let username = statement.query_row(key, |row| row.get::<_, Option<String>>(0))?;
    Ok(username.and_then(|username| username.parse().ok()))
}

/// The instances of a guest name of which a room has a block, a mute or a role.
fn reserving(
    db: &Connection,
    user: &UserKey,
    own: &InstanceId,
    now: Timestamp,
) -> rusqlite::Result<Vec<ReservingInstance>> {
    let mut statement = db.prepare_cached(concat!(
        "SELECT i.instance = ?4, i.proof, i.seen_ms FROM instances i \
         WHERE i.app = ?1 AND i.username = ?3 AND ",
        reserves_its_name!(),
    ))?;
    let key = params![&*user.app, Ms(now), user.username.as_str(), own.as_str()];
    let rows = statement.query_map(key, |row| {
        let proof = row.get::<_, Option<Family>>(1)?.map(|family| family.0);
        Ok(ReservingInstance { is_own: row.get(0)?, proof, seen: row.get::<_, Ms>(2)?.0 })
    })?;
    rows.collect()
}

/// Whether guests of the address of a start may reserve as many names as they can. Most addresses have few guests who
/// may reserve one, and to count these takes one index.
fn may_reserve(
    db: &Connection,
    admission: &Admission,
    names: &NameClaim,
) -> rusqlite::Result<bool> {
    // Beyond the range of the database, there is no limit.
    let Ok(max) = isize::try_from(names.max_reserved) else { return Ok(false) };
    // `is_marked = 1` is the condition of the index.
    let mut statement = db.prepare_cached(
        "SELECT count(*) FROM (SELECT 1 FROM instances INDEXED BY marked_by_address \
         WHERE app = ?1 AND is_marked = 1 AND address BETWEEN ?2 AND ?3 LIMIT ?4)",
    )?;
    let (first, last) = network_bytes(admission.address);
    let key = params![&*admission.user.app, first, last, max];
    let marked: isize = statement.query_row(key, |row| row.get(0))?;
    Ok(marked >= max)
}

/// Other names that guests of the address of a start reserve.
fn reserved_at(
    db: &Connection,
    admission: &Admission,
    names: &NameClaim,
) -> rusqlite::Result<Vec<Username>> {
    // `is_marked = 1` is the condition of the index.
    let mut statement = db.prepare_cached(concat!(
        "SELECT i.username FROM instances i INDEXED BY marked_by_address \
         WHERE i.app = ?1 AND i.is_marked = 1 AND i.address BETWEEN ?3 AND ?4 \
           AND i.username != ?5 AND i.seen_ms > ?6 AND ",
        reserves_its_name!(),
    ))?;
    let Admission { user, address, now, .. } = admission;
    let (first, last) = network_bytes(*address);
    let limit = names.max_reserved.saturating_add(MAX_LIVE_NAMES);
    let mut rows = statement.query(params![
        &*user.app,
        Ms(*now),
        first,
        last,
        user.username.as_str(),
        Ms(*now - names.retention),
    ])?;
    // Each name once. With DISTINCT each start would cost a temporary table.
    let mut reserved = BTreeSet::new();
    while reserved.len() < limit
        && let Some(row) = rows.next()?
    {
        reserved.extend(row.get::<_, String>(0)?.parse::<Username>().ok());
    }
    Ok(reserved.into_iter().collect())
}

fn json_of(granted: &FamilyGrant) -> String {
    serde_json::to_string(granted).expect("a grant has a JSON form")
}

/// The app's last revocation, the user and the instance, as far as they have rows.
fn read(
    db: &Connection,
    user: &UserKey,
    instance: &InstanceId,
) -> rusqlite::Result<(Option<Timestamp>, UserRow, Option<InstanceRow>)> {
    let mut statement = db.prepare_cached(concat!(
        "SELECT u.registered, u.name, u.properties, u.seen_ms, u.revoked_ms, u.deleted_ms IS NOT NULL, \
                i.generation, i.family, i.former_family, i.address, i.seen_ms, \
                i.serial, i.used, i.before_used, i.renewal, i.granted, i.proof, r.revoked_ms ",
        of_a_user!(),
    ))?;
    let key = params![&*user.app, user.username.as_str(), instance.as_str()];
    statement.query_row(key, |row| {
        let app_revoked = row.get::<_, Option<Ms>>(17)?.map(|ms| ms.0);
        let is_known = row.get::<_, Option<bool>>(0)?.is_some();
        let user = if is_known { user_row(row)? } else { UserRow::default() };
        Ok((app_revoked, user, instance_row(row)?))
    })
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
    Ok(Some(InstanceRow {
        generation,
        family: family(7)?,
        former_family: family(8)?,
        tokens: FamilyTokens {
            serial: row.get::<_, Number>(11)?.0,
            used: row.get::<_, Number>(12)?.0,
            before_used: row.get::<_, Number>(13)?.0,
            renewal: row.get::<_, Number>(14)?.0,
            granted: row.get::<_, Option<JsonOf<FamilyGrant>>>(15)?.map(|granted| granted.0),
        },
        address: address_of(row.get(9)?),
        seen: row.get::<_, Ms>(10)?.0,
        proof: family(16)?,
    }))
}

/// An address as it is stored, in its canonical form.
pub(super) fn address_of(stored: Option<[u8; 16]>) -> Option<IpAddr> {
    stored.map(|bytes| IpAddr::from(bytes).to_canonical())
}

fn write(
    db: &Connection,
    sizes: &Sizes,
    admission: &Admission,
    writes: AdmissionWrites,
) -> rusqlite::Result<Admitted> {
    let AdmissionWrites { admitted, void_instances, user, instance } = writes;
    let (app, username) = (&*admission.user.app, admission.user.username.as_str());
    if void_instances {
        let voided = db
            .prepare_cached(
                "UPDATE instances SET former_family = coalesce(family, former_family), family = NULL, address = NULL \
                 WHERE app = ?1 AND username = ?2",
            )?
            .execute(params![app, username])?;
        sizes.subtract(&admission.user.app, Table::Guests, voided);
    }
    if let Some(user) = user {
        write_user(db, &admission.user, admission.now, user)?;
    }
    if let Some(instance) = instance {
        write_instance(db, &admission.user, &admission.instance, admission.now, instance)?;
    }
    Ok(admitted)
}

pub(super) fn write_user(
    db: &Connection,
    user: &UserKey,
    now: Timestamp,
    write: UserWrite,
) -> rusqlite::Result<()> {
    let (app, username) = (&*user.app, user.username.as_str());
    match write {
        UserWrite::Seen => db
            .prepare_cached("UPDATE users SET seen_ms = ?3 WHERE app = ?1 AND username = ?2")?
            .execute(params![app, username, Ms(now)])?,
        UserWrite::Put { is_registered, profile: Profile { name, properties } } => db
            .prepare_cached(
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
                Ms(now)
            ])?,
    };
    Ok(())
}

pub(super) fn write_instance(
    db: &Connection,
    user: &UserKey,
    id: &InstanceId,
    now: Timestamp,
    write: InstanceWrite,
) -> rusqlite::Result<()> {
    let (app, username, id) = (&*user.app, user.username.as_str(), id.as_str());
    match write {
        InstanceWrite::Seen { address } => db
            .prepare_cached(
                "UPDATE instances SET address = ?4, seen_ms = ?5 \
                 WHERE app = ?1 AND username = ?2 AND instance = ?3",
            )?
            .execute(params![app, username, id, address.map(address_bytes), Ms(now)])?,
        InstanceWrite::Continue { tokens, address, proof } => db
            .prepare_cached(
                "UPDATE instances SET address = ?4, seen_ms = ?5, \
                    serial = ?6, used = ?7, before_used = ?8, granted = ?9, \
                    proof = coalesce(?10, proof) \
                 WHERE app = ?1 AND username = ?2 AND instance = ?3",
            )?
            .execute(params![
                app,
                username,
                id,
                address.map(address_bytes),
                Ms(now),
                Number(tokens.serial),
                Number(tokens.used),
                Number(tokens.before_used),
                tokens.granted.as_ref().map(json_of),
                proof.map(Family),
            ])?,
        InstanceWrite::Put { generation, family, tokens, address, proof } => db
            .prepare_cached(
                "INSERT INTO instances (app, username, instance, generation, family, address, seen_ms, \
                    serial, used, before_used, renewal, granted, proof) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13) \
                 ON CONFLICT DO UPDATE SET generation = excluded.generation, \
                    former_family = coalesce(family, former_family), family = excluded.family, \
                    address = excluded.address, seen_ms = excluded.seen_ms, serial = excluded.serial, \
                    used = excluded.used, before_used = excluded.before_used, renewal = excluded.renewal, \
                    granted = excluded.granted, proof = coalesce(excluded.proof, proof)",
            )?
            .execute(params![
                app,
                username,
                id,
                Generation(generation),
                Family(family),
                address.map(address_bytes),
                Ms(now),
                Number(tokens.serial),
                Number(tokens.used),
                Number(tokens.before_used),
                Number(tokens.renewal),
                tokens.granted.as_ref().map(json_of),
                proof.map(Family),
            ])?,
    };
    Ok(())
}
