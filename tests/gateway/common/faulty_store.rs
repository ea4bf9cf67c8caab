//! A store of which one call panics.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use stagedoor::room::{DurableChange, RoomKey};
use stagedoor::store::{
    Admission, Admitted, Archive, AuditEvent, AuditLog, AuditRow, Backlog, Block, Blocked,
    ChainHead, Check, CheckedUser, CreatedRoom, DeadLetters, DeliveryResult, DueMessages,
    EndedSession, EndedSessions, Evicted, ExpiredMessages, FamilyRenewal, FormerFamily, Handoff,
    Journal, KnownUser, Message, NewMessage, Outbox, OutboxCount, Page, Refusal, Rename, RoomWrite,
    SigningKey, SqliteStore, Store, StoreFuture, StoredRoom, Tampered, Unblocked, UserKey,
    VerifiedLog,
};
use stagedoor_proto::{BlockSource, FamilyId, InstanceId, RoomId, SessionId, Timestamp, Username};

/// A store in memory. Calls of one name panic, a limited number of times.
pub struct FaultyStore {
    store: SqliteStore,
    call: &'static str,
    left: AtomicU64,
}

impl FaultyStore {
    /// The next `times` calls of `call` panic.
    pub async fn panicking(call: &'static str, times: u64) -> Arc<Self> {
        let store = SqliteStore::in_memory().await.unwrap();
        Arc::new(Self { store, call, left: AtomicU64::new(times) })
    }

    /// How many calls are still to panic.
    pub fn left(&self) -> u64 {
        self.left.load(Ordering::Relaxed)
    }

    fn check(&self, call: &str) {
        if call == self.call {
            let left = self
                .left
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
            assert!(left.is_err(), "{call} panics");
        }
    }
}

/// Implements a trait of the store by delegating, after the check.
macro_rules! faulty {
    ($trait:ident {
        $(fn $call:ident($($argument:ident: $type:ty),* $(,)?) -> $life:lifetime $answer:ty;)*
    }) => {
        impl $trait for FaultyStore {
            $(
                fn $call(&self $(, $argument: $type)*) -> StoreFuture<$life, $answer> {
                    self.check(stringify!($call));
                    self.store.$call($($argument),*)
                }
            )*
        }
    };
}

faulty! {
    Store {
        fn admit(admission: Admission) -> '_ Result<Admitted, Refusal>;
        fn withdraw_admission(
            user: UserKey,
            instance: InstanceId,
            family: FamilyId,
            former: FormerFamily,
        ) -> '_ ();
        fn check(check: Check) -> '_ Result<CheckedUser, Refusal>;
        fn block(user: UserKey, block: Block, by_address: bool, journal: Journal) -> '_ Blocked;
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
        fn migrate_user(rename: Rename, now: Timestamp) -> '_ Vec<RoomKey>;
        fn mark_rooms_empty(retain_until: Timestamp) -> '_ ();
        fn audit(app: Arc<str>, events: Vec<AuditEvent>) -> 'static ();
        fn signing_keys(first: SigningKey) -> '_ Vec<SigningKey>;
        fn rotate_signing_key(new: SigningKey, former_until: Timestamp) -> '_ Option<Vec<SigningKey>>;
        fn save_handoff(handoff: Handoff) -> '_ ();
        fn take_handoff() -> '_ Option<Handoff>;
        fn prune_guests(before: Timestamp) -> '_ u64;
        fn ready() -> '_ ();
    }
}

faulty! {
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

faulty! {
    AuditLog {
        fn audited_apps() -> '_ Vec<String>;
        fn audit_rows(app: Arc<str>, after: u64, limit: usize) -> '_ Vec<AuditRow>;
        fn audit_rows_before(app: Arc<str>, before: u64, limit: usize) -> '_ Vec<AuditRow>;
        fn audit_head(app: Arc<str>) -> '_ ChainHead;
        fn prune_audit(app: Arc<str>, before: Timestamp) -> '_ bool;
        fn verify_audit(app: Arc<str>, recorded: Option<ChainHead>) -> '_ Result<VerifiedLog, Tampered>;
    }
}

faulty! {
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
        fn expire_messages(pending_before: Timestamp, dead_before: Timestamp) -> 'static ExpiredMessages;
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
