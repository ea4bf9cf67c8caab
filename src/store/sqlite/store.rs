//! [`SqliteStore`]: passes each call of [`Store`] to the writer.
//!
//! Not here: the queries (`admit`, `check`, `blocks`, `users`, `rooms`, `audit`, `keys`, `handoff`), the other
//! traits (`archive`, `audit_log`, `outbox_calls`), and batching (`writer`).

use std::path::Path;
use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use rusqlite::Connection;
use stagedoor_proto::{BlockSource, FamilyId, InstanceId, Timestamp};

use super::recent::{Known, Recent};
use super::sizes::Sizes;
use super::writer::{Durability, Opened, Writer};
use super::{
    admit, app_revocations, audit, blocks, check, created, guests, handoff, keys, migrate, open,
    outbox, rooms, users,
};
use crate::clock::Rng;
use crate::room::RoomKey;
use crate::store::{
    Admission, Admitted, AuditEvent, Block, Blocked, BlockedGuests, Check, CheckedUser, Evicted,
    FamilyRenewal, FormerFamily, GuestPosition, Handoff, IdleGuest, IdleGuests, Journal, Refusal,
    Rename, RoomWrite, SigningKey, Store, StoreError, StoreFuture, StoreSizes, StoredRoom,
    Unblocked, UserKey,
};

/// Durable state in one `SQLite` file, for a single gateway.
///
/// Dropping it finishes the queued calls and then closes the file.
pub struct SqliteStore {
    pub(super) writer: Writer,
    pub(super) sizes: Sizes,
    pub(super) recent: Recent,
}

impl SqliteStore {
    /// Opens or creates the file at `path` (mode 0600) on the store's own thread, and locks it against other gateways
    /// until dropped.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the file cannot be created, read or written, is not a store, or is open in
    /// another gateway; [`StoreError::SchemaTooNew`] when a newer gateway wrote it.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        let (path, label) = (path.to_owned(), path.display().to_string());
        Self::start(label.clone(), move |sizes| {
            let (db, lock) = open::file(&path, &label)?;
            prepare(&db, sizes, &label)?;
            Ok((db, Some(lock)))
        })
        .await
    }

    /// A store in memory, for tests and trials.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when there is no memory or thread for it.
    pub async fn in_memory() -> Result<Self, StoreError> {
        let label = ":memory:";
        Self::start(label.to_owned(), |sizes| {
            let db = open::memory(label)?;
            prepare(&db, sizes, label)?;
            Ok((db, None))
        })
        .await
    }

    /// Opens the file at `path` read-only, while no gateway has it open.
    pub(super) async fn open_for_reading(path: &Path) -> Result<Self, StoreError> {
        let (path, label) = (path.to_owned(), path.display().to_string());
        Self::start(label.clone(), move |_| {
            let (db, lock) = open::for_reading(&path, &label)?;
            Ok((db, Some(lock)))
        })
        .await
    }

    async fn start(
        label: String,
        open: impl FnOnce(&Sizes) -> Result<Opened, StoreError> + Send + 'static,
    ) -> Result<Self, StoreError> {
        let sizes = Sizes::default();
        let counted = sizes.clone();
        let writer = Writer::start(label, sizes.clone(), move || open(&counted)).await?;
        Ok(Self { writer, sizes, recent: Recent::default() })
    }

    /// Queues a call that reads, or removes expired rows. The future may be dropped.
    pub(super) fn read<T: Send + 'static>(
        &self,
        op: impl Fn(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> BoxFuture<'static, Result<T, StoreError>> {
        self.writer.call(Durability::Read, op).boxed()
    }

    /// Queues a call that writes bookkeeping; `now` is the caller's time.
    pub(super) fn write_bookkeeping<T: Send + 'static>(
        &self,
        now: Timestamp,
        op: impl Fn(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> BoxFuture<'static, Result<T, StoreError>> {
        self.writer.call(Durability::Bookkeeping(now), op).boxed()
    }

    /// Queues a call whose writes are durable. They may decide the checks of any user.
    pub(super) fn persist<T: Send + 'static>(
        &self,
        op: impl Fn(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> BoxFuture<'static, Result<T, StoreError>> {
        let recent = self.recent.clone();
        self.persist_apart(move |db| {
            recent.count_change();
            op(db)
        })
    }

    /// As [`Self::persist`], of rows that no check reads.
    pub(super) fn persist_apart<T: Send + 'static>(
        &self,
        op: impl Fn(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> BoxFuture<'static, Result<T, StoreError>> {
        self.writer.call(Durability::Durable, op).boxed()
    }

    /// As [`Self::write_bookkeeping`]; remembers the rows that `op` found, which are committed when it is answered.
    fn write_and_remember<T: Send + 'static>(
        &self,
        now: Timestamp,
        op: impl Fn(&Connection, &Recent) -> rusqlite::Result<(T, Option<Known>)> + Send + 'static,
    ) -> BoxFuture<'static, Result<T, StoreError>> {
        let (counting, recent) = (self.recent.clone(), self.recent.clone());
        let call = self.writer.call(Durability::Bookkeeping(now), move |db| op(db, &counting));
        async move {
            let (result, known) = call.await?;
            if let Some(known) = known {
                recent.remember(known);
            }
            Ok(result)
        }
        .boxed()
    }
}

/// Makes the key of the audit log if there is none, and counts rows.
fn prepare(db: &Connection, sizes: &Sizes, store: &str) -> Result<(), StoreError> {
    let prepared = audit::make_key(db, &Rng.bytes()).and_then(|()| sizes.load(db));
    prepared.map_err(|error| StoreError::Unavailable {
        store: store.to_owned(),
        reason: error.to_string(),
    })
}

impl Store for SqliteStore {
    fn admit(&self, admission: Admission) -> StoreFuture<'_, Result<Admitted, Refusal>> {
        let (lost_after, sizes) = (self.writer.lost_after().clone(), self.sizes.clone());
        self.write_and_remember(admission.now, move |db, recent| {
            let (admitted, known) = admit::admit(db, &sizes, recent, &admission, lost_after.get())?;
            if admitted.as_ref().is_ok_and(|admitted| admitted.forgotten > 0) {
                // From here on, missing instances were forgotten, not lost.
                lost_after.raise(admission.now);
            }
            Ok((admitted, known))
        })
    }

    fn withdraw_admission(
        &self,
        user: UserKey,
        instance: InstanceId,
        family: FamilyId,
        former: FormerFamily,
    ) -> StoreFuture<'_, ()> {
        self.persist(move |db| admit::withdraw(db, &user, &instance, family, &former))
    }

    fn check(&self, check: Check) -> StoreFuture<'_, Result<CheckedUser, Refusal>> {
        if let Some(checked) = self.recent.check(&check) {
            return std::future::ready(Ok(Ok(checked))).boxed();
        }
        let sizes = self.sizes.clone();
        self.write_and_remember(check.now, move |db, recent| {
            check::check(db, &sizes, recent, &check)
        })
    }

    fn block(
        &self,
        user: UserKey,
        block: Block,
        guests: Option<BlockedGuests>,
        by_address: bool,
        journal: Journal,
    ) -> StoreFuture<'_, Blocked> {
        let Journal { audit, messages } = journal;
        let (row, sizes) = (audit::NewRow::of(audit.as_ref(), &user.app), self.sizes.clone());
        self.persist(move |db| {
            let blocked = blocks::block(db, &sizes, &user, &block, guests.as_ref(), by_address)?;
            let (identities, holding) = blocked;
            row.append(db)?;
            let evicted = outbox::put_if_any(db, &user.app, messages.as_ref())?;
            Ok(Blocked { identities, holding, evicted })
        })
    }

    fn unblock(
        &self,
        user: UserKey,
        slot: BlockSource,
        now: Timestamp,
        row: Option<AuditEvent>,
    ) -> StoreFuture<'_, Unblocked> {
        let (row, sizes) = (audit::NewRow::of(row.as_ref(), &user.app), self.sizes.clone());
        self.persist(move |db| {
            let unblocked = blocks::unblock(db, &sizes, &user, slot, now)?;
            row.append_if(db, unblocked.was_blocked)?;
            Ok(unblocked)
        })
    }

    fn delete_user(
        &self,
        user: UserKey,
        is_here: bool,
        now: Timestamp,
        row: Option<AuditEvent>,
    ) -> StoreFuture<'_, bool> {
        let (row, sizes) = (audit::NewRow::of(row.as_ref(), &user.app), self.sizes.clone());
        self.persist(move |db| row.append_if(db, users::delete(db, &sizes, &user, is_here, now)?))
    }

    fn revoke_user(
        &self,
        user: UserKey,
        now: Timestamp,
        row: Option<AuditEvent>,
    ) -> StoreFuture<'_, Timestamp> {
        let row = audit::NewRow::of(row.as_ref(), &user.app);
        self.persist(move |db| {
            let at = users::revoke(db, &user, now)?;
            row.append(db)?;
            Ok(at)
        })
    }

    fn revoke_app(
        &self,
        app: Arc<str>,
        before: Timestamp,
        voids_families: bool,
        row: Option<AuditEvent>,
    ) -> StoreFuture<'_, Timestamp> {
        let row = audit::NewRow::of(row.as_ref(), &app);
        self.persist(move |db| {
            let revoked = app_revocations::revoke(db, &app, before, voids_families)?;
            row.append(db)?;
            Ok(revoked)
        })
    }

    fn app_revoked(&self, app: Arc<str>) -> StoreFuture<'_, Option<Timestamp>> {
        self.read(move |db| app_revocations::find(db, &app))
    }

    fn revoke_family(
        &self,
        user: UserKey,
        instance: InstanceId,
        family: FamilyId,
        row: Option<AuditEvent>,
    ) -> StoreFuture<'_, bool> {
        let row = audit::NewRow::of(row.as_ref(), &user.app);
        self.persist(move |db| {
            row.append_if(db, users::revoke_family(db, &user, &instance, family)?)
        })
    }

    fn renew_family(&self, renewal: FamilyRenewal) -> StoreFuture<'_, Option<u64>> {
        self.write_bookkeeping(renewal.now, move |db| admit::renew(db, &renewal))
    }

    fn load_room(&self, room: RoomKey, now: Timestamp) -> StoreFuture<'_, StoredRoom> {
        let sizes = self.sizes.clone();
        self.write_bookkeeping(now, move |db| {
            let created = created::find(db, &room, now)?;
            Ok(StoredRoom { durable_state: rooms::load(db, &sizes, &room, now)?, created })
        })
    }

    fn persist_room(&self, write: RoomWrite) -> StoreFuture<'static, Evicted> {
        let RoomWrite { room, version: _, changes, audit: events, messages } = write;
        // Serialize on the caller's thread, because there is only one writer thread.
        let changes: Vec<_> = changes.iter().map(rooms::Change::of).collect();
        let events: Vec<_> = events.iter().map(audit::text_of).collect();
        let sizes = self.sizes.clone();
        self.persist_apart(move |db| {
            rooms::persist(db, &sizes, &room, &changes)?;
            audit::append(db, &room.app, &events)?;
            outbox::put_if_any(db, &room.app, messages.as_ref())
        })
    }

    fn migrate_user(
        &self,
        rename: Rename,
        max_records: usize,
        now: Timestamp,
    ) -> StoreFuture<'_, Option<Vec<RoomKey>>> {
        let sizes = self.sizes.clone();
        self.persist(move |db| migrate::migrate(db, &sizes, &rename, max_records, now))
    }

    fn mark_rooms_empty(&self, retain_until: Timestamp) -> StoreFuture<'_, ()> {
        self.persist_apart(move |db| rooms::mark_empty(db, retain_until))
    }

    fn audit(&self, app: Arc<str>, events: Vec<AuditEvent>) -> StoreFuture<'static, ()> {
        let events: Vec<_> = events.iter().map(audit::text_of).collect();
        self.persist_apart(move |db| audit::append(db, &app, &events))
    }

    fn signing_keys(&self, first: SigningKey) -> StoreFuture<'_, Vec<SigningKey>> {
        self.persist_apart(move |db| keys::signing_keys(db, &first))
    }

    fn rotate_signing_key(
        &self,
        new: SigningKey,
        former_until: Timestamp,
    ) -> StoreFuture<'_, Option<Vec<SigningKey>>> {
        self.persist_apart(move |db| keys::rotate(db, &new, former_until))
    }

    fn save_handoff(&self, handoff: Handoff) -> StoreFuture<'_, ()> {
        self.persist_apart(move |db| handoff::put(db, &handoff))
    }

    fn take_handoff(&self) -> StoreFuture<'_, Option<Handoff>> {
        self.persist_apart(handoff::take)
    }

    fn prune_guests(&self, before: Timestamp) -> StoreFuture<'_, u64> {
        // From here on, a missing guest from before that time was removed, not lost.
        self.writer.lost_after().raise(before);
        Box::pin(async move {
            let (mut removed, mut cursor) = (0, None);
            loop {
                let (after, sizes): (Option<users::GuestCursor>, _) = (cursor, self.sizes.clone());
                let step = self.persist(move |db| {
                    users::prune_some_guests(db, &sizes, before, after.as_ref())
                });
                let (some, next) = step.await?;
                removed += some;
                if next.is_none() {
                    break;
                }
                cursor = next;
            }
            loop {
                let sizes = self.sizes.clone();
                if !self.persist(move |db| blocks::prune_some(db, &sizes, before)).await? {
                    return Ok(removed);
                }
            }
        })
    }

    fn sizes(&self, app: &str) -> StoreSizes {
        self.sizes.of(app)
    }

    fn idle_guests(
        &self,
        app: Arc<str>,
        after: Option<GuestPosition>,
        unseen_since: Timestamp,
    ) -> StoreFuture<'_, IdleGuests> {
        self.read(move |db| guests::idle(db, &app, after.as_ref(), unseen_since))
    }

    fn forget_guests(
        &self,
        app: Arc<str>,
        guests: Vec<IdleGuest>,
        now: Timestamp,
    ) -> StoreFuture<'_, usize> {
        // From here on, a missing guest was forgotten, not lost.
        self.writer.lost_after().raise(now);
        let sizes = self.sizes.clone();
        self.persist(move |db| guests::forget(db, &sizes, &app, &guests, now))
    }

    fn ready(&self) -> StoreFuture<'_, ()> {
        self.persist_apart(open::write_version)
    }
}
