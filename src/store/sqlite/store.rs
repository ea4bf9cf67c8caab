//! [`SqliteStore`]: each call of the trait as a function handed to the writer.
//!
//! Not here: what the functions do (`admit`, `blocks`, `users`, `rooms`, `audit`, `keys`, `handoff`), what operators
//! look up (`archive`), and how they are batched
//! (`writer`).

use std::path::Path;
use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use rusqlite::Connection;
use stagedoor_proto::{FamilyId, InstanceId, Timestamp, Username};

use super::lock::Lock;
use super::writer::Writer;
use super::{admit, audit, blocks, carry, handoff, keys, open, rooms, users};
use crate::clock::{Clock, Rng};
use crate::room::{Fact, Record, RoomKey};
use crate::store::{
    Admission, Admitted, AuditEvent, AuditRow, Block, BlockedIdentities, Check, Entry, Handoff,
    Refusal, SigningKey, Store, StoreError, UserKey,
};
use crate::telemetry::{Metrics, StoreFailure};

/// Durable facts in one `SQLite` file, for a gateway that shares them with no other.
///
/// Dropping it finishes the calls that wait, and then closes the file.
pub struct SqliteStore {
    pub(super) writer: Writer,
    meter: Meter,
}

/// Where its calls are counted, and the clock they are timed by; unless told otherwise, where nobody looks.
#[derive(Clone)]
struct Meter {
    metrics: Arc<Metrics>,
    clock: Clock,
}

impl SqliteStore {
    /// Opens the file at `path`, or creates it for its owner alone (mode 0600).
    ///
    /// No other gateway gets it until this is dropped. Blocks while it opens.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when it cannot be created, read or written, is no store, or another gateway has it
    /// open; [`StoreError::SchemaTooNew`] when a newer gateway wrote it.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let label = path.display().to_string();
        let (db, lock) = open::file(path, &label)?;
        Self::start(db, Some(lock), label)
    }

    /// A store that forgets everything when it is dropped, for tests and trials.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when there is no memory or thread to be had.
    pub fn in_memory() -> Result<Self, StoreError> {
        let label = ":memory:".to_owned();
        Self::start(open::memory(&label)?, None, label)
    }

    fn start(db: Connection, lock: Option<Lock>, path: String) -> Result<Self, StoreError> {
        audit::make_key(&db, &Rng.bytes()).map_err(|error| StoreError::Unavailable {
            path: path.clone(),
            reason: error.to_string(),
        })?;
        let meter = Meter { metrics: Arc::default(), clock: Clock::system() };
        Ok(Self { writer: Writer::start(db, lock, path)?, meter })
    }

    /// The same store, whose calls are counted in `metrics` and timed by `clock`.
    #[must_use]
    pub fn measured(mut self, metrics: Arc<Metrics>, clock: Clock) -> Self {
        metrics.store_up.set(1);
        self.meter = Meter { metrics, clock };
        self
    }

    /// Queues a call at once; its answer may be awaited later, or not at all.
    pub(super) fn call<T: Send + 'static>(
        &self,
        op: impl Fn(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> BoxFuture<'static, Result<T, StoreError>> {
        let (meter, began) = (self.meter.clone(), self.meter.clock.micros());
        let waiting = self.writer.call(op);
        async move { meter.count(began, waiting.await) }.boxed()
    }
}

impl Meter {
    fn count<T>(&self, began: u64, result: Result<T, StoreError>) -> Result<T, StoreError> {
        let metrics = &self.metrics;
        metrics.store_call_duration.observe(self.clock.since(began));
        metrics.store_up.set(i64::from(result.is_ok()));
        if let Err(error) = &result {
            metrics.store_failures.inc(match error {
                StoreError::Unavailable { .. } | StoreError::SchemaTooNew { .. } => {
                    StoreFailure::Unavailable
                }
                StoreError::Full { .. } => StoreFailure::Full,
                StoreError::Closed => StoreFailure::Closed,
            });
        }
        result
    }
}

impl Store for SqliteStore {
    fn admit(
        &self,
        admission: Admission,
    ) -> BoxFuture<'_, Result<Result<Admitted, Refusal>, StoreError>> {
        self.call(move |db| admit::admit(db, &admission))
    }

    fn check(&self, check: Check) -> BoxFuture<'_, Result<Result<(), Refusal>, StoreError>> {
        let Check { user, instance, address, family, now } = check;
        let entry = Entry::Family(family);
        let admission =
            Admission { user, instance, address, entry, new_family: family, generation: 0, now };
        self.call(move |db| Ok(admit::admit(db, &admission)?.map(drop)))
    }

    fn block(
        &self,
        user: UserKey,
        block: Block,
        address: bool,
        row: Option<AuditEvent>,
    ) -> BoxFuture<'_, Result<BlockedIdentities, StoreError>> {
        let row = audit::NewRow::of(row.as_ref(), &user.app);
        self.call(move |db| {
            let reach = blocks::block(db, &user, &block, address)?;
            row.append(db).map(|()| reach)
        })
    }

    fn unblock(
        &self,
        user: UserKey,
        now: Timestamp,
        row: Option<AuditEvent>,
    ) -> BoxFuture<'_, Result<bool, StoreError>> {
        let row = audit::NewRow::of(row.as_ref(), &user.app);
        self.call(move |db| row.append_if(db, blocks::unblock(db, &user, now)?))
    }

    fn delete_user(
        &self,
        user: UserKey,
        is_here: bool,
        now: Timestamp,
        row: Option<AuditEvent>,
    ) -> BoxFuture<'_, Result<bool, StoreError>> {
        let row = audit::NewRow::of(row.as_ref(), &user.app);
        self.call(move |db| row.append_if(db, users::delete(db, &user, is_here, now)?))
    }

    fn revoke_user(
        &self,
        user: UserKey,
        now: Timestamp,
        row: Option<AuditEvent>,
    ) -> BoxFuture<'_, Result<(), StoreError>> {
        let row = audit::NewRow::of(row.as_ref(), &user.app);
        self.call(move |db| {
            users::revoke(db, &user, now)?;
            row.append(db)
        })
    }

    fn revoke_family(
        &self,
        user: UserKey,
        instance: InstanceId,
        family: FamilyId,
    ) -> BoxFuture<'_, Result<(), StoreError>> {
        self.call(move |db| users::revoke_family(db, &user, &instance, family))
    }

    fn load_room(
        &self,
        room: RoomKey,
        now: Timestamp,
    ) -> BoxFuture<'_, Result<Record, StoreError>> {
        self.call(move |db| rooms::load(db, &room, now))
    }

    fn persist_room(
        &self,
        room: RoomKey,
        facts: Vec<Fact>,
    ) -> BoxFuture<'static, Result<(), StoreError>> {
        // Told as text by the caller, whose thread is not the only one there is.
        let changes: Vec<_> = facts.iter().map(rooms::Change::of).collect();
        self.call(move |db| rooms::keep(db, &room, &changes))
    }

    fn migrate_user(
        &self,
        from: UserKey,
        to: Username,
        now: Timestamp,
    ) -> BoxFuture<'_, Result<Vec<RoomKey>, StoreError>> {
        self.call(move |db| carry::carry(db, &from, &to, now))
    }

    fn mark_rooms_empty(&self, keep_until: Timestamp) -> BoxFuture<'_, Result<(), StoreError>> {
        self.call(move |db| rooms::vacate(db, keep_until))
    }

    fn audit(
        &self,
        app: Arc<str>,
        events: Vec<AuditEvent>,
    ) -> BoxFuture<'static, Result<(), StoreError>> {
        let events: Vec<_> = events.iter().map(audit::text_of).collect();
        self.call(move |db| audit::append(db, &app, &events))
    }

    fn audit_rows(
        &self,
        app: Arc<str>,
        after: u64,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<AuditRow>, StoreError>> {
        self.call(move |db| audit::rows(db, &app, after, limit))
    }

    fn signing_keys(
        &self,
        first: SigningKey,
    ) -> BoxFuture<'_, Result<Vec<SigningKey>, StoreError>> {
        self.call(move |db| keys::signing_keys(db, &first))
    }

    fn save_handoff(&self, handed: Handoff) -> BoxFuture<'_, Result<(), StoreError>> {
        self.call(move |db| handoff::put(db, &handed))
    }

    fn take_handoff(&self) -> BoxFuture<'_, Result<Option<Handoff>, StoreError>> {
        self.call(handoff::take)
    }

    fn prune_guests(&self, before: Timestamp) -> BoxFuture<'_, Result<u64, StoreError>> {
        Box::pin(async move {
            let mut dropped = 0;
            loop {
                let step = self.call(move |db| users::drop_some_unseen_guests(db, before)).await?;
                dropped += step;
                if step < users::GUESTS_DROPPED_AT_ONCE {
                    return Ok(dropped);
                }
            }
        })
    }

    fn ready(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        self.call(open::write_version)
    }
}
