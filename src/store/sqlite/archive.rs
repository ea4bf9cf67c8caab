//! [`Archive`] of the embedded store: each call as a function handed to the writer, and the users as operators see them.

use std::sync::Arc;

use futures::future::BoxFuture;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use stagedoor_proto::{RoomId, SessionId, Timestamp, Username};

use super::value::{Json, Ms, Number};
use super::{SqliteStore, audit, created, rooms, sessions};
use crate::room::{Fact, RoomKey};
use crate::store::audit::Verifier;
use crate::store::{
    Archive, AuditEvent, AuditRow, Block, ChainHead, CreatedRoom, EndedSession, EndedSessions,
    KnownUser, Page, Profile, StoreError, Tampered, UserKey, Verified,
};

/// Rows of the audit log checked in one call of the writer.
const CHECKED_AT_ONCE: usize = 1_000;

impl Archive for SqliteStore {
    fn record_sessions(
        &self,
        app: Arc<str>,
        ended: Vec<EndedSession>,
    ) -> BoxFuture<'static, Result<(), StoreError>> {
        let rows: Vec<_> = ended.iter().map(sessions::Row::of).collect();
        self.call(move |db| sessions::keep(db, &app, &rows))
    }

    fn ended_session(
        &self,
        app: Arc<str>,
        id: SessionId,
    ) -> BoxFuture<'_, Result<Option<EndedSession>, StoreError>> {
        self.call(move |db| sessions::find(db, &app, id))
    }

    fn ended_sessions(
        &self,
        app: Arc<str>,
        which: EndedSessions,
        page: Page<u64>,
    ) -> BoxFuture<'_, Result<Vec<(u64, EndedSession)>, StoreError>> {
        self.call(move |db| sessions::list(db, &app, &which, &page))
    }

    fn prune_sessions(
        &self,
        before: Timestamp,
        most: u64,
    ) -> BoxFuture<'_, Result<u64, StoreError>> {
        Box::pin(async move {
            let mut forgotten = 0;
            loop {
                let step = self.call(move |db| sessions::forget_some(db, before, most)).await?;
                if step == 0 {
                    return Ok(forgotten);
                }
                forgotten += step;
            }
        })
    }

    fn user(
        &self,
        user: UserKey,
        now: Timestamp,
    ) -> BoxFuture<'_, Result<Option<KnownUser>, StoreError>> {
        self.call(move |db| find_user(db, &user, now))
    }

    fn users(
        &self,
        app: Arc<str>,
        blocked: bool,
        page: Page<Username>,
        now: Timestamp,
    ) -> BoxFuture<'_, Result<Vec<KnownUser>, StoreError>> {
        self.call(move |db| list_users(db, &app, blocked, &page, now))
    }

    fn create_room(
        &self,
        room: RoomKey,
        created: CreatedRoom,
        facts: Vec<Fact>,
        row: Option<AuditEvent>,
    ) -> BoxFuture<'_, Result<bool, StoreError>> {
        let facts: Vec<_> = facts.iter().map(rooms::Change::of).collect();
        let row = audit::NewRow::of(row.as_ref(), &room.app);
        self.call(move |db| row.append_if(db, created::create(db, &room, &created, &facts)?))
    }

    fn created_room(
        &self,
        room: RoomKey,
        now: Timestamp,
    ) -> BoxFuture<'_, Result<Option<CreatedRoom>, StoreError>> {
        self.call(move |db| created::find(db, &room, now))
    }

    fn created_rooms(
        &self,
        app: Arc<str>,
        page: Page<RoomId>,
        now: Timestamp,
    ) -> BoxFuture<'_, Result<Vec<(RoomId, CreatedRoom)>, StoreError>> {
        self.call(move |db| created::list(db, &app, &page, now))
    }

    fn audit_rows_before(
        &self,
        app: Arc<str>,
        before: u64,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<AuditRow>, StoreError>> {
        self.call(move |db| audit::rows_before(db, &app, before, limit))
    }

    fn audit_head(&self, app: Arc<str>) -> BoxFuture<'_, Result<ChainHead, StoreError>> {
        self.call(move |db| match audit::head(db, &app)? {
            Some(head) => Ok(head),
            None => audit::key(db).map(|key| key.start(&app)),
        })
    }

    fn verify_audit(
        &self,
        app: Arc<str>,
        told: Option<ChainHead>,
    ) -> BoxFuture<'_, Result<Result<Verified, Tampered>, StoreError>> {
        Box::pin(async move {
            let of = Arc::clone(&app);
            let (key, head) =
                self.call(move |db| Ok((audit::key(db)?, audit::head(db, &of)?))).await?;
            // What is appended meanwhile belongs to a later head.
            let end = head.map_or(u64::MAX, |head| head.number);
            let mut verifier = Verifier::new(key, &app, told);
            loop {
                let (of, after) = (Arc::clone(&app), verifier.last().number);
                let rows = self
                    .call(move |db| audit::some_found(db, &of, after, end, CHECKED_AT_ONCE))
                    .await?;
                let is_last = rows.len() < CHECKED_AT_ONCE;
                let rows = rows.into_iter().map(Ok::<_, StoreError>);
                if let Err(tampered) = verifier.take(rows)? {
                    return Ok(Err(tampered));
                }
                if is_last {
                    return Ok(verifier.finish(head.as_ref()));
                }
            }
        })
    }
}

/// The columns of a user, and of the block that `blocks b` joins to it.
const COLUMNS: &str = "u.registered, u.name, u.properties, u.seen_ms, u.revoked_ms, u.deleted_ms, \
                       b.kind, b.reason, b.since_ms, b.until_ms";

fn find_user(
    db: &Connection,
    user: &UserKey,
    now: Timestamp,
) -> rusqlite::Result<Option<KnownUser>> {
    // A block may be of a name that has no row of its own.
    let sql = format!(
        "SELECT n.username, {COLUMNS} FROM (SELECT ?1 AS app, ?2 AS username) n \
         LEFT JOIN users u ON u.app = n.app AND u.username = n.username \
         LEFT JOIN blocks b ON b.app = n.app AND b.username = n.username AND (b.until_ms IS NULL OR b.until_ms > ?3) \
         WHERE u.username IS NOT NULL OR b.username IS NOT NULL"
    );
    let named = params![&*user.app, user.username.as_str(), Ms(now)];
    Ok(db.prepare_cached(&sql)?.query_row(named, known_user).optional()?.flatten())
}

fn list_users(
    db: &Connection,
    app: &str,
    blocked: bool,
    page: &Page<Username>,
    now: Timestamp,
) -> rusqlite::Result<Vec<KnownUser>> {
    let names = if blocked {
        "blocks b LEFT JOIN users u ON u.app = b.app AND u.username = b.username \
         WHERE b.app = ?1 AND b.username > ?2 AND (b.until_ms IS NULL OR b.until_ms > ?3) ORDER BY b.username"
    } else {
        "users u LEFT JOIN blocks b ON b.app = u.app AND b.username = u.username \
            AND (b.until_ms IS NULL OR b.until_ms > ?3) \
         WHERE u.app = ?1 AND u.username > ?2 ORDER BY u.username"
    };
    let name = if blocked { "b.username" } else { "u.username" };
    let sql = format!("SELECT {name}, {COLUMNS} FROM {names} LIMIT ?4");
    let mut statement = db.prepare_cached(&sql)?;
    let after = page.after.as_ref().map_or("", Username::as_str);
    let rows =
        statement.query_map(params![app, after, Ms(now), Number(page.limit as u64)], known_user)?;
    rows.filter_map(Result::transpose).collect()
}

/// `None`: the name is none that could come in.
fn known_user(row: &Row<'_>) -> rusqlite::Result<Option<KnownUser>> {
    let Ok(username) = row.get::<_, String>(0)?.parse() else { return Ok(None) };
    let time = |column| Ok::<_, rusqlite::Error>(row.get::<_, Option<Ms>>(column)?.map(|ms| ms.0));
    let block = match row.get::<_, Option<_>>(7)? {
        None => None,
        Some(kind) => Some(Block {
            kind,
            reason: row.get(8)?,
            since: time(9)?.unwrap_or_default(),
            until: time(10)?,
        }),
    };
    Ok(Some(KnownUser {
        username,
        registered: row.get::<_, Option<bool>>(1)?.unwrap_or(false),
        profile: Profile {
            name: row.get(2)?,
            properties: row.get::<_, Option<Json>>(3)?.map(|json| json.0),
        },
        seen: time(4)?,
        revoked: time(5)?,
        deleted: time(6)?,
        block,
    }))
}
