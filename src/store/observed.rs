//! [`Observed`]: a store that passes each of its calls through an observer.

use std::sync::Arc;
use std::time::Duration;

use stagedoor_proto::{BlockSource, FamilyId, InstanceId, RoomId, SessionId, Timestamp, Username};

use super::admission::{
    Admission, Admitted, Block, BlockedGuests, Check, CheckedUser, FamilyRenewal, FormerFamily,
    Refusal,
};
use super::api::Store;
use super::archive::{
    Archive, CreatedRoom, EndedSession, EndedSessions, KnownUser, Page, StoredRoom,
};
use super::audit::{AuditEvent, AuditRow, ChainHead, Tampered, VerifiedLog};
use super::audit_log::AuditLog;
use super::blocked::{Blocked, Unblocked};
use super::bounds::{GuestPosition, IdleGuest, IdleGuests, StoreSizes};
use super::error::StoreFuture;
use super::handoff::Handoff;
use super::journal::{Journal, RoomWrite};
use super::key::{Rename, SigningKey, UserKey};
use super::outbox::{
    Backlog, DeadLetters, DeliveryResult, DueMessages, Evicted, ExpiredMessages, Message,
    NewMessage, Outbox, OutboxCount,
};
use crate::room::{DurableChange, RoomKey};

/// What happens around each call of an [`Observed`] store.
pub trait Observer: Send + Sync + 'static {
    /// Makes `call`, whose method is `name`, and returns its answer.
    fn around<'a, T: 'a>(
        &self,
        name: &'static str,
        call: impl FnOnce() -> StoreFuture<'a, T>,
    ) -> StoreFuture<'a, T>;
}

/// A store whose calls go through an observer.
pub struct Observed<S, O> {
    store: S,
    observer: O,
}

impl<S, O> Observed<S, O> {
    /// Wraps `store`.
    #[must_use]
    pub const fn by(observer: O, store: S) -> Self {
        Self { store, observer }
    }

    /// The observer.
    #[must_use]
    pub const fn observer(&self) -> &O {
        &self.observer
    }
}

/// Implements a trait of the store by delegating to the inner store.
macro_rules! observed {
    ($trait:ident {
        $(fn $call:ident($($argument:ident: $type:ty),* $(,)?) -> $life:lifetime $answer:ty;)*
    } $($unobserved:item)*) => {
        impl<S: Store, O: Observer> $trait for Observed<S, O> {
            $($unobserved)*
            $(
                fn $call(&self $(, $argument: $type)*) -> StoreFuture<$life, $answer> {
                    self.observer.around(stringify!($call), || self.store.$call($($argument),*))
                }
            )*
        }
    };
}

observed! {
    Store {
        fn admit(admission: Admission) -> '_ Result<Admitted, Refusal>;
        fn withdraw_admission(
            user: UserKey,
            instance: InstanceId,
            family: FamilyId,
            former: FormerFamily,
        ) -> '_ ();
        fn check(check: Check) -> '_ Result<CheckedUser, Refusal>;
        fn block(
            user: UserKey,
            block: Block,
            guests: Option<BlockedGuests>,
            by_address: bool,
            journal: Journal,
        ) -> '_ Blocked;
        fn unblock(user: UserKey, slot: BlockSource, now: Timestamp, row: Option<AuditEvent>) -> '_ Unblocked;
        fn delete_user(
            user: UserKey,
            is_here: bool,
            now: Timestamp,
            row: Option<AuditEvent>,
        ) -> '_ bool;
        fn revoke_user(user: UserKey, now: Timestamp, row: Option<AuditEvent>) -> '_ Timestamp;
        fn revoke_app(
            app: Arc<str>,
            before: Timestamp,
            voids_families: bool,
            row: Option<AuditEvent>,
        ) -> '_ Timestamp;
        fn app_revoked(app: Arc<str>) -> '_ Option<Timestamp>;
        fn revoke_family(
            user: UserKey,
            instance: InstanceId,
            family: FamilyId,
            row: Option<AuditEvent>,
        ) -> '_ bool;
        fn renew_family(renewal: FamilyRenewal) -> '_ Option<u64>;
        fn load_room(room: RoomKey, now: Timestamp) -> '_ StoredRoom;
        fn persist_room(write: RoomWrite) -> 'static Evicted;
        fn migrate_user(rename: Rename, max_records: usize, now: Timestamp) -> '_ Option<Vec<RoomKey>>;
        fn mark_rooms_empty(retain_until: Timestamp) -> '_ ();
        fn audit(app: Arc<str>, events: Vec<AuditEvent>) -> 'static ();
        fn signing_keys(first: SigningKey) -> '_ Vec<SigningKey>;
        fn rotate_signing_key(new: SigningKey, former_until: Timestamp) -> '_ Option<Vec<SigningKey>>;
        fn save_handoff(handoff: Handoff) -> '_ ();
        fn take_handoff() -> '_ Option<Handoff>;
        fn prune_guests(before: Timestamp) -> '_ u64;
        fn idle_guests(
            app: Arc<str>,
            after: Option<GuestPosition>,
            unseen_since: Timestamp,
        ) -> '_ IdleGuests;
        fn forget_guests(app: Arc<str>, guests: Vec<IdleGuest>, now: Timestamp) -> '_ usize;
        fn ready() -> '_ ();
    }

    fn sizes(&self, app: &str) -> StoreSizes {
        self.store.sizes(app)
    }
}

observed! {
    Archive {
        fn record_sessions(app: Arc<str>, ended: Vec<EndedSession>) -> 'static ();
        fn ended_session(app: Arc<str>, id: SessionId) -> '_ Option<EndedSession>;
        fn ended_sessions(
            app: Arc<str>,
            which: EndedSessions,
            page: Page<u64>,
        ) -> '_ Vec<(u64, EndedSession)>;
        fn prune_sessions(before: Timestamp, most: u64) -> '_ u64;
        fn user(user: UserKey, now: Timestamp) -> '_ Option<KnownUser>;
        fn users(
            app: Arc<str>,
            blocked: bool,
            page: Page<Username>,
            now: Timestamp,
        ) -> '_ Vec<KnownUser>;
        fn create_room(
            room: RoomKey,
            created: CreatedRoom,
            changes: Vec<DurableChange>,
            row: Option<AuditEvent>,
        ) -> '_ bool;
        fn created_rooms(
            app: Arc<str>,
            page: Page<RoomId>,
            now: Timestamp,
        ) -> '_ Vec<(RoomId, CreatedRoom)>;
    }
}

observed! {
    AuditLog {
        fn audited_apps() -> '_ Vec<String>;
        fn audit_rows(app: Arc<str>, after: u64, limit: usize) -> '_ Vec<AuditRow>;
        fn audit_rows_before(app: Arc<str>, before: u64, limit: usize) -> '_ Vec<AuditRow>;
        fn audit_head(app: Arc<str>) -> '_ ChainHead;
        fn prune_audit(app: Arc<str>, now: Timestamp, retention: Duration) -> '_ bool;
        fn verify_audit(app: Arc<str>, recorded: Option<ChainHead>) -> '_ Result<VerifiedLog, Tampered>;
    }
}

observed! {
    Outbox {
        fn put_messages(
            app: Arc<str>,
            messages: Vec<NewMessage>,
            max: u64,
            now: Timestamp,
        ) -> 'static Evicted;
        fn due_messages(
            app: Arc<str>,
            endpoint: Arc<str>,
            now: Timestamp,
            limit: usize,
        ) -> 'static DueMessages;
        fn record_delivery(number: u64, result: DeliveryResult) -> 'static ();
        fn expire_messages(now: Timestamp, pending_before: Timestamp, dead_before: Timestamp) -> 'static ExpiredMessages;
        fn shift_messages(step_ms: i64, now: Timestamp, after: u64) -> 'static Option<u64>;
        fn dead_letters(app: Arc<str>, after: u64, limit: usize) -> '_ Vec<Message>;
        fn replay_messages(
            app: Arc<str>,
            which: DeadLetters,
            now: Timestamp,
            row: Option<AuditEvent>,
        ) -> '_ u64;
        fn count_messages(app: Arc<str>) -> '_ Vec<OutboxCount>;
        fn backlog() -> 'static Backlog;
    }
}
