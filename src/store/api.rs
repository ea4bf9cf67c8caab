//! [`Store`]: reads and changes durable state.
//!
//! Each call is a transaction: its reads, decision (`policy`) and writes are one step. Its writes have one of two
//! durabilities. *Durable* writes are on disk before the call returns. *Bookkeeping* (when users were seen, token
//! families, ended sessions) survives `kill -9`, but a machine failure may lose the last second.

use std::sync::Arc;

use stagedoor_proto::{BlockSource, FamilyId, InstanceId, Timestamp};

use super::admission::{
    Admission, Admitted, Block, BlockedGuests, Check, CheckedUser, FamilyRenewal, FormerFamily,
    Refusal,
};
use super::archive::{Archive, StoredRoom};
use super::audit::AuditEvent;
use super::audit_log::AuditLog;
use super::blocked::{Blocked, Unblocked};
use super::bounds::{GuestPosition, IdleGuest, IdleGuests, StoreSizes};
use super::error::StoreFuture;
use super::handoff::Handoff;
use super::journal::{Journal, RoomWrite};
use super::key::{Rename, SigningKey, UserKey};
use super::outbox::{Evicted, Outbox};
use crate::room::RoomKey;

/// Durable state of all apps.
///
/// Calls fail with [`Unavailable`], [`Full`] or [`Closed`] and then change nothing. A call is queued when it is made,
/// not when its future is first polled; a dropped future still happens as a whole or not at all. A store whose
/// transactions can conflict retries them itself. A call that takes a `row` or a [`Journal`] writes it in the same
/// transaction, and only if it changed something.
///
/// [`Unavailable`]: super::StoreError::Unavailable
/// [`Full`]: super::StoreError::Full
/// [`Closed`]: super::StoreError::Closed
pub trait Store: Archive + AuditLog + Outbox {
    /// Checks a start, and records an admitted one as bookkeeping.
    fn admit(&self, admission: Admission) -> StoreFuture<'_, Result<Admitted, Refusal>>;

    /// Undoes an admission that led to no session: makes `former` the instance's family again, if `family` is the
    /// current one. Durable.
    fn withdraw_admission(
        &self,
        user: UserKey,
        instance: InstanceId,
        family: FamilyId,
        former: FormerFamily,
    ) -> StoreFuture<'_, ()>;

    /// Checks a user whose session has started, and records the time as bookkeeping.
    ///
    /// Sees every change that was answered before the call. It may miss one that was called before and is not answered.
    fn check(&self, check: Check) -> StoreFuture<'_, Result<CheckedUser, Refusal>>;

    /// Blocks a user from the app. Replaces the setter's earlier block; of those of several setters the one with the
    /// latest end holds. A guest's block covers the guest's known instances and, with `by_address`, their addresses.
    ///
    /// With `guests` it covers these guests alone, and replaces the setter's earlier block of them.
    fn block(
        &self,
        user: UserKey,
        block: Block,
        guests: Option<BlockedGuests>,
        by_address: bool,
        journal: Journal,
    ) -> StoreFuture<'_, Blocked>;

    /// Lifts a user's blocks in this slot.
    fn unblock(
        &self,
        user: UserKey,
        slot: BlockSource,
        now: Timestamp,
        row: Option<AuditEvent>,
    ) -> StoreFuture<'_, Unblocked>;

    /// Deletes a user's profile, families and registration for good. The name stays rejected. Returns whether it did:
    /// an unknown name is left alone, unless a session `is_here` under it.
    fn delete_user(
        &self,
        user: UserKey,
        is_here: bool,
        now: Timestamp,
        row: Option<AuditEvent>,
    ) -> StoreFuture<'_, bool>;

    /// Voids all families of a user, and credentials issued before `now` (see [`crate::revocation`]). Returns the time
    /// of the revocation, which is never before an earlier one.
    fn revoke_user(
        &self,
        user: UserKey,
        now: Timestamp,
        row: Option<AuditEvent>,
    ) -> StoreFuture<'_, Timestamp>;

    /// Voids an app's credentials issued before `before` (see [`crate::revocation`]), and with `voids_families` all its
    /// families. Returns the time of the revocation, which is never before an earlier one.
    fn revoke_app(
        &self,
        app: Arc<str>,
        before: Timestamp,
        voids_families: bool,
        row: Option<AuditEvent>,
    ) -> StoreFuture<'_, Timestamp>;

    /// The time of an app's last revocation.
    fn app_revoked(&self, app: Arc<str>) -> StoreFuture<'_, Option<Timestamp>>;

    /// Voids a family if it is the instance's current one. Returns whether it was.
    fn revoke_family(
        &self,
        user: UserKey,
        instance: InstanceId,
        family: FamilyId,
        row: Option<AuditEvent>,
    ) -> StoreFuture<'_, bool>;

    /// Records the grant of a renewal as bookkeeping. Returns the serial number of its access token; `None`, without a
    /// change, if the family is void or a renewal that arrived later was recorded.
    fn renew_family(&self, renewal: FamilyRenewal) -> StoreFuture<'_, Option<u64>>;

    /// The unexpired stored state of a room. Extends a created room's retention by [`super::CREATED_ROOM_RETENTION`].
    fn load_room(&self, room: RoomKey, now: Timestamp) -> StoreFuture<'_, StoredRoom>;

    /// Persists the changes of a room's log entry. Returns the number of evicted messages. Calls for one room take
    /// effect in call order.
    fn persist_room(&self, write: RoomWrite) -> StoreFuture<'static, Evicted>;

    /// Copies penalties and roles below moderator in all rooms of the app from one principal to another. The former one
    /// keeps its own. Returns the rooms; `None`, and nothing changed, if the app has `max_records` moderation records.
    fn migrate_user(
        &self,
        rename: Rename,
        max_records: usize,
        now: Timestamp,
    ) -> StoreFuture<'_, Option<Vec<RoomKey>>>;

    /// Sets the expiry of state that has none while its room is occupied. Call before the first room opens, on a store
    /// with one gateway: participants did not survive the previous process.
    fn mark_rooms_empty(&self, retain_until: Timestamp) -> StoreFuture<'_, ()>;

    /// Appends events to an app's audit log in order.
    fn audit(&self, app: Arc<str>, events: Vec<AuditEvent>) -> StoreFuture<'static, ()>;

    /// The gateway's signing keys, newest first. A new store adopts `first`.
    fn signing_keys(&self, first: SigningKey) -> StoreFuture<'_, Vec<SigningKey>>;

    /// Adds a signing key, newer than all. The former ones end at `former_until`, unless they end earlier, and ended
    /// ones are removed. Returns the keys, newest first; `None`, and nothing changed, if there are too many.
    fn rotate_signing_key(
        &self,
        new: SigningKey,
        former_until: Timestamp,
    ) -> StoreFuture<'_, Option<Vec<SigningKey>>>;

    /// Saves the state of a stopping gateway; replaces an earlier one.
    fn save_handoff(&self, handoff: Handoff) -> StoreFuture<'_, ()>;

    /// Reads and removes the state saved by the previous gateway.
    fn take_handoff(&self) -> StoreFuture<'_, Option<Handoff>>;

    /// Removes guests not seen since `before`, unless they are blocked, and blocks that ended before. Returns the
    /// number of guests. Works in batches: a failure leaves the rest for the next call.
    fn prune_guests(&self, before: Timestamp) -> StoreFuture<'_, u64>;

    /// The numbers of rows of an app. Calls nothing and does not wait.
    fn sizes(&self, app: &str) -> StoreSizes;

    /// A page of an app's guests who have not started since `unseen_since`, from the first or after a page before.
    /// Guests who were not seen for longest come first.
    fn idle_guests(
        &self,
        app: Arc<str>,
        after: Option<GuestPosition>,
        unseen_since: Timestamp,
    ) -> StoreFuture<'_, IdleGuests>;

    /// Forgets guests, except those who started or renewed since they were read, and those with a block, a mute, a role
    /// or an exemption in the app or a room. Returns the number of forgotten client instances.
    fn forget_guests(
        &self,
        app: Arc<str>,
        guests: Vec<IdleGuest>,
        now: Timestamp,
    ) -> StoreFuture<'_, usize>;

    /// Checks that the store accepts writes.
    fn ready(&self) -> StoreFuture<'_, ()>;
}
