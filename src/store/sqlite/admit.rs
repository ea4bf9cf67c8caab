//! A start, checked and recorded: two reads, and no write, one or two.
//!
//! The checks come in this order: deleted, blocked, name taken, revoked. A restart with an access token writes only
//! when what is kept of the visit is older than [`SEEN_STEP`] or, of a guest, from elsewhere.
//! Not here: which blocks fit (`blocks`).

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension as _, Row, params};
use stagedoor_proto::{FamilyId, InstanceId, Timestamp};

use super::blocks;
use super::value::{Family, Generation, Json, Ms, address_bytes};
use crate::store::{Admission, Admitted, Entry, Profile, REVOCATION_LEEWAY, Refusal, UserKey};

/// How exactly it is known when somebody was last seen: most restarts then write nothing.
const SEEN_STEP: Duration = Duration::from_hours(1);

/// Checks a start, and records it when it may come in.
pub(super) fn admit(
    db: &Connection,
    admission: &Admission,
) -> rusqlite::Result<Result<Admitted, Refusal>> {
    let Admission { user, instance, address, entry, new_family, generation, now } = admission;
    let known = Known::read(db, user, instance)?;
    let guest = match entry {
        Entry::Guest => true,
        Entry::Registered { .. } => false,
        Entry::Family(_) => !known.registered,
    };
    let visit =
        Visit { user, instance, address: guest.then(|| address_bytes(*address)), now: *now };
    if known.deleted {
        return Ok(Err(Refusal::Deleted));
    }
    let reach = visit.address.as_ref().map(|address| (instance, address));
    if let Some(block) = blocks::standing(db, user, reach, *now)? {
        return Ok(Err(Refusal::Blocked(block)));
    }
    match entry {
        Entry::Guest if known.registered => Ok(Err(Refusal::NameTaken)),
        Entry::Guest | Entry::Registered { .. } if known.generation > Some(*generation) => {
            Ok(Err(Refusal::Superseded { generation: known.generation.unwrap_or_default() }))
        }
        Entry::Guest => {
            visit.begin(db, &known, &Profile::default(), *new_family, *generation).map(Ok)
        }
        Entry::Registered { issued, .. } if known.has_revoked(*issued) => Ok(Err(Refusal::Revoked)),
        Entry::Registered { profile, .. } => {
            visit.begin(db, &known, profile, *new_family, *generation).map(Ok)
        }
        Entry::Family(family) if known.family != Some(*family) => Ok(Err(Refusal::Revoked)),
        Entry::Family(family) => visit.go_on(db, known, *family).map(Ok),
    }
}

/// What is known of a user, and of them on one instance. The default is nothing.
#[derive(Default)]
struct Known {
    registered: bool,
    profile: Profile,
    seen: Option<Timestamp>,
    revoked: Option<Timestamp>,
    deleted: bool,
    family: Option<FamilyId>,
    address: Option<[u8; 16]>,
    instance_seen: Option<Timestamp>,
    generation: Option<u64>,
}

impl Known {
    fn read(db: &Connection, user: &UserKey, instance: &InstanceId) -> rusqlite::Result<Self> {
        let mut statement = db.prepare_cached(
            "SELECT u.registered, u.name, u.properties, u.seen_ms, u.revoked_ms, u.deleted_ms IS NOT NULL, \
                    i.family, i.address, i.seen_ms, i.generation \
             FROM users u \
             LEFT JOIN instances i ON i.app = u.app AND i.username = u.username AND i.instance = ?3 \
             WHERE u.app = ?1 AND u.username = ?2",
        )?;
        let key = params![&*user.app, user.username.as_str(), instance.as_str()];
        Ok(statement.query_row(key, Self::from_row).optional()?.unwrap_or_default())
    }

    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        let time = |column| row.get(column).map(|ms: Option<Ms>| ms.map(|ms| ms.0));
        let properties: Option<Json> = row.get(2)?;
        Ok(Self {
            registered: row.get(0)?,
            profile: Profile { name: row.get(1)?, properties: properties.map(|json| json.0) },
            seen: time(3)?,
            revoked: time(4)?,
            deleted: row.get(5)?,
            family: row.get::<_, Option<Family>>(6)?.map(|family| family.0),
            address: row.get(7)?,
            instance_seen: time(8)?,
            generation: row.get::<_, Option<Generation>>(9)?.map(|generation| generation.0),
        })
    }

    /// Whether credentials issued then are covered by a revocation since.
    fn has_revoked(&self, issued: Option<Timestamp>) -> bool {
        match (issued, self.revoked) {
            (Some(issued), Some(revoked)) => issued <= revoked + REVOCATION_LEEWAY,
            (None, _) | (_, None) => false,
        }
    }
}

/// A start that may come in.
struct Visit<'a> {
    user: &'a UserKey,
    instance: &'a InstanceId,
    /// `Some` of a guest.
    address: Option<[u8; 16]>,
    now: Timestamp,
}

impl Visit<'_> {
    /// Begins a family on the instance, which voids the former one.
    fn begin(
        &self,
        db: &Connection,
        known: &Known,
        profile: &Profile,
        family: FamilyId,
        generation: u64,
    ) -> rusqlite::Result<Admitted> {
        let guest = self.address.is_some();
        let was_guest = !guest && !known.registered && known.seen.is_some();
        let (app, username) = (&*self.user.app, self.user.username.as_str());
        if was_guest {
            db.prepare_cached(
                "UPDATE instances SET family = NULL, address = NULL WHERE app = ?1 AND username = ?2",
            )?
            .execute(params![app, username])?;
        }
        if known.registered == guest || known.profile != *profile || self.is_stale(known.seen) {
            db.prepare_cached(
                "INSERT INTO users (app, username, registered, name, properties, seen_ms) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6) \
                 ON CONFLICT DO UPDATE SET registered = excluded.registered, name = excluded.name, \
                    properties = excluded.properties, seen_ms = excluded.seen_ms",
            )?
            .execute(params![
                app,
                username,
                !guest,
                profile.name,
                profile.properties.as_ref().map(stagedoor_proto::Data::as_json),
                Ms(self.now),
            ])?;
        }
        db.prepare_cached(
            "INSERT INTO instances (app, username, instance, generation, family, address, seen_ms) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) \
             ON CONFLICT DO UPDATE SET generation = excluded.generation, family = excluded.family, \
                address = excluded.address, seen_ms = excluded.seen_ms",
        )?
        .execute(params![
            app,
            username,
            self.instance.as_str(),
            Generation(generation),
            Family(family),
            self.address,
            Ms(self.now)
        ])?;
        Ok(Admitted { family, guest, profile: profile.clone(), was_guest })
    }

    /// Goes on with the instance's family.
    fn go_on(&self, db: &Connection, known: Known, family: FamilyId) -> rusqlite::Result<Admitted> {
        let (app, username) = (&*self.user.app, self.user.username.as_str());
        if self.is_stale(known.seen) {
            db.prepare_cached("UPDATE users SET seen_ms = ?3 WHERE app = ?1 AND username = ?2")?
                .execute(params![app, username, Ms(self.now)])?;
        }
        if known.address != self.address || self.is_stale(known.instance_seen) {
            db.prepare_cached(
                "UPDATE instances SET address = ?4, seen_ms = ?5 \
                 WHERE app = ?1 AND username = ?2 AND instance = ?3",
            )?
            .execute(params![
                app,
                username,
                self.instance.as_str(),
                self.address,
                Ms(self.now)
            ])?;
        }
        let guest = self.address.is_some();
        Ok(Admitted { family, guest, profile: known.profile, was_guest: false })
    }

    fn is_stale(&self, seen: Option<Timestamp>) -> bool {
        seen.is_none_or(|seen| self.now.saturating_since(seen) > SEEN_STEP)
    }
}
