//! [`Store`]: the calls by which durable facts are read and changed.
//!
//! A call is a transaction: what it reads, decides (`policy`) and writes is one step. Its writes have one of two
//! durabilities. *Facts* are on disk before the call returns. *Bookkeeping* (who was seen where, which family an instance
//! has, sessions that ended) survives `kill -9`, but a failure of the machine may lose its last second.

use std::sync::Arc;

use stagedoor_proto::{FamilyId, InstanceId, Timestamp, Username};

use super::admission::{Admission, Admitted, Block, Check, Refusal};
use super::archive::{Archive, StoredRoom};
use super::audit::AuditEvent;
use super::audit_log::AuditLog;
use super::blocked::Blocked;
use super::error::StoreFuture;
use super::handoff::Handoff;
use super::journal::{Journal, RoomWrite};
use super::key::{SigningKey, UserKey};
use super::outbox::Outbox;
use crate::room::RoomKey;

/// Durable facts.
///
/// All calls fail with [`Unavailable`], [`Full`] or [`Closed`], and change nothing then. They are cancel-safe in that a
/// dropped call has happened wholly or not at all; it takes its turn when it is made, not when its future is first
/// polled. A store whose transactions can conflict repeats them by itself. A call that takes a `row` or a [`Journal`]
/// writes it in the same step, if it did anything: neither is there without the other.
///
/// [`Unavailable`]: super::StoreError::Unavailable
/// [`Full`]: super::StoreError::Full
/// [`Closed`]: super::StoreError::Closed
pub trait Store: Archive + AuditLog + Outbox {
    /// Checks a start, and records it as bookkeeping.
    fn admit(&self, admission: Admission) -> StoreFuture<'_, Result<Admitted, Refusal>>;

    /// Checks a user whose session has started, and records as bookkeeping that they were seen.
    fn check(&self, check: Check) -> StoreFuture<'_, Result<(), Refusal>>;

    /// Blocks a user from the app; a later block takes an earlier one's place. A guest's block is also of the instances
    /// it is known by and, with `by_address`, of their addresses.
    fn block(
        &self,
        user: UserKey,
        block: Block,
        by_address: bool,
        journal: Journal,
    ) -> StoreFuture<'_, Blocked>;

    /// Lifts a user's block; whether one was in force.
    fn unblock(
        &self,
        user: UserKey,
        now: Timestamp,
        row: Option<AuditEvent>,
    ) -> StoreFuture<'_, bool>;

    /// Deletes a user for good: profile, families and registration; the name stays refused. Whether it did: a name of
    /// which nothing is known is left alone, unless a session `is_here` under it.
    fn delete_user(
        &self,
        user: UserKey,
        is_here: bool,
        now: Timestamp,
        row: Option<AuditEvent>,
    ) -> StoreFuture<'_, bool>;

    /// Voids all families of a user, and what was issued to them up to `now` plus [`super::REVOCATION_LEEWAY`].
    fn revoke_user(
        &self,
        user: UserKey,
        now: Timestamp,
        row: Option<AuditEvent>,
    ) -> StoreFuture<'_, ()>;

    /// Voids one family, if it is still the instance's.
    fn revoke_family(
        &self,
        user: UserKey,
        instance: InstanceId,
        family: FamilyId,
    ) -> StoreFuture<'_, ()>;

    /// What is stored of a room, expired rows left out. Asking keeps a created room for another
    /// [`super::CREATED_ROOM_RETENTION`].
    fn load_room(&self, room: RoomKey, now: Timestamp) -> StoreFuture<'_, StoredRoom>;

    /// Persists what an entry of a room's log leaves; how many older messages were evicted. Calls for one room take
    /// effect in the order in which they are made.
    fn persist_room(&self, write: RoomWrite) -> StoreFuture<'static, u64>;

    /// Copies to `to` what moderators laid on `from` in any room of the app, as far as it follows a user to another name;
    /// in which rooms. What is `from`'s stays.
    fn migrate_user(
        &self,
        from: UserKey,
        to: Username,
        now: Timestamp,
    ) -> StoreFuture<'_, Vec<RoomKey>>;

    /// No room has participants: what has no end while there are some ends then. For the only gateway on a store, before
    /// it opens a room: the participants were lost with the process before.
    fn mark_rooms_empty(&self, retain_until: Timestamp) -> StoreFuture<'_, ()>;

    /// Appends events to an app's audit log, in their order.
    fn audit(&self, app: Arc<str>, events: Vec<AuditEvent>) -> StoreFuture<'static, ()>;

    /// The gateway's keys, newest first; `first` becomes the only one of a new store.
    fn signing_keys(&self, first: SigningKey) -> StoreFuture<'_, Vec<SigningKey>>;

    /// Saves what a stopping gateway leaves to the next, in the place of what was left before.
    fn save_handoff(&self, handoff: Handoff) -> StoreFuture<'_, ()>;

    /// Takes what the gateway before left; it is there once.
    fn take_handoff(&self) -> StoreFuture<'_, Option<Handoff>>;

    /// Removes guests not seen since `before` that nothing blocks; how many. Each few hundred are a step of their own: a
    /// failure leaves the others for the next time.
    fn prune_guests(&self, before: Timestamp) -> StoreFuture<'_, u64>;

    /// Whether it can be written to now.
    fn ready(&self) -> StoreFuture<'_, ()>;
}
