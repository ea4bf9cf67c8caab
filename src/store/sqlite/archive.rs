//! [`Archive`] for the embedded store: passes each call to the writer, and queries users.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension as _, Row, params};
use stagedoor_proto::{RoomId, SessionId, Timestamp, Username};

use super::value::{Json, Ms, Number};
use super::{SqliteStore, audit, blocks, created, rooms, sessions};
use crate::room::{DurableChange, RoomKey};
use crate::store::{
    Archive, AuditEvent, BlockKind, CreatedRoom, EndedSession, EndedSessions, KnownUser, Page,
    Profile, StoreFuture, UserKey,
};

impl Archive for SqliteStore {
    fn record_sessions(&self, app: Arc<str>, ended: Vec<EndedSession>) -> StoreFuture<'static, ()> {
        let rows: Vec<_> = ended.iter().map(sessions::Row::of).collect();
        let now = ended.iter().map(|session| session.ended_ms).max().unwrap_or_default();
        self.write_bookkeeping(now, move |db| sessions::record(db, &app, &rows))
    }

    fn ended_session(&self, app: Arc<str>, id: SessionId) -> StoreFuture<'_, Option<EndedSession>> {
        self.read(move |db| sessions::find(db, &app, id))
    }

    fn ended_sessions(
        &self,
        app: Arc<str>,
        which: EndedSessions,
        page: Page<u64>,
    ) -> StoreFuture<'_, Vec<(u64, EndedSession)>> {
        self.read(move |db| sessions::list(db, &app, &which, &page))
    }

    fn prune_sessions(&self, before: Timestamp, most: u64) -> StoreFuture<'_, u64> {
        Box::pin(async move {
            let mut removed = 0;
            loop {
                let step =
                    self.persist_apart(move |db| sessions::prune_some(db, before, most)).await?;
                if step == 0 {
                    return Ok(removed);
                }
                removed += step;
            }
        })
    }

    fn user(&self, user: UserKey, now: Timestamp) -> StoreFuture<'_, Option<KnownUser>> {
        self.read(move |db| find_user(db, &user, now))
    }

    fn users(
        &self,
        app: Arc<str>,
        blocked: bool,
        page: Page<Username>,
        now: Timestamp,
    ) -> StoreFuture<'_, Vec<KnownUser>> {
        self.read(move |db| list_users(db, &app, blocked, &page, now))
    }

    fn create_room(
        &self,
        room: RoomKey,
        created: CreatedRoom,
        changes: Vec<DurableChange>,
        row: Option<AuditEvent>,
    ) -> StoreFuture<'_, bool> {
        let changes: Vec<_> = changes.iter().map(rooms::Change::of).collect();
        let (row, sizes) = (audit::NewRow::of(row.as_ref(), &room.app), self.sizes.clone());
        self.persist_apart(move |db| {
            row.append_if(db, created::create(db, &sizes, &room, &created, &changes)?)
        })
    }

    fn created_rooms(
        &self,
        app: Arc<str>,
        page: Page<RoomId>,
        now: Timestamp,
    ) -> StoreFuture<'_, Vec<(RoomId, CreatedRoom)>> {
        self.read(move |db| created::list(db, &app, &page, now))
    }
}

/// The columns of a user and of the joined row of `blocks b`.
const COLUMNS: &str = "u.registered, u.name, u.properties, u.seen_ms, u.revoked_ms, u.deleted_ms, \
                       b.kind, b.reason, b.since_ms, b.until_ms, b.set_by";

fn find_user(
    db: &Connection,
    user: &UserKey,
    now: Timestamp,
) -> rusqlite::Result<Option<KnownUser>> {
    // A blocked name may have no row in `users`.
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

/// `None`: the stored name is not a valid username.
fn known_user(row: &Row<'_>) -> rusqlite::Result<Option<KnownUser>> {
    let Ok(username) = row.get::<_, String>(0)?.parse() else { return Ok(None) };
    let time = |column| Ok::<_, rusqlite::Error>(row.get::<_, Option<Ms>>(column)?.map(|ms| ms.0));
    let kind: Option<BlockKind> = row.get(7)?;
    let block = kind.map(|_| blocks::from_columns(row, 7)).transpose()?;
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
