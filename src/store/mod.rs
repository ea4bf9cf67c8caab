//! Durable facts: who is known, who may not come in, which tokens still count, and the gateway's own keys.
//!
//! The [`Store`] is asked at every start, and told of every verb that must outlive a restart. A call that returned `Ok`
//! survives `kill -9`. Writes of many callers are committed together.
//! Not here: live sessions (`hub`), and what a fact means for a connection (`session`).

mod admission;
mod archive;
mod audit;
#[cfg(test)]
mod conformance;
mod outbox;
mod sqlite;

use std::sync::Arc;

use futures::future::BoxFuture;
use stagedoor_proto::{FamilyId, InstanceId, Timestamp, Username};

use crate::room::{Fact, Record, RoomKey};

pub use admission::{
    Admission, Admitted, Block, BlockKind, BlockedIdentities, Check, Entry, Profile,
    REVOCATION_LEEWAY, Refusal,
};
pub use archive::{
    Archive, AuditSearch, CREATED_ROOM_LIFE, CreatedRoom, EndedSession, EndedSessions, KnownUser,
    Page,
};
pub use audit::{
    AuditActor, AuditEvent, AuditHash, AuditKey, AuditOutcome, AuditRow, ChainHead, FoundRow,
    InvalidHead, Tampered, Verified, Verifier, verify as verify_audit,
};
pub use outbox::{
    Backlog, DeadLetters, DeliveryResult, Due, Expired, Message, NewMessage, Outbox, OutboxCount,
};
pub use sqlite::{AuditFile, SqliteStore, backup};

/// A user of an app; nothing crosses apps.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct UserKey {
    /// The app's id.
    pub app: Arc<str>,
    /// The unique name in it.
    pub username: Username,
}

/// A symmetric key of the gateway, for its access tokens.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningKey {
    /// Names it in a token's header.
    pub kid: Box<str>,
    /// 32 bytes.
    pub secret: [u8; 32],
    /// When it was made; the newest signs.
    pub created: Timestamp,
}

/// What a stopping gateway leaves to the next; what it says is for these two.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Handoff {
    /// What the rest is, and how much of it there is.
    pub head: Arc<[u8]>,
    /// A room each.
    pub rooms: Vec<Arc<[u8]>>,
    /// A session each.
    pub sessions: Vec<Arc<[u8]>>,
    /// What sessions' frames say; many share one.
    pub bodies: Vec<Arc<[u8]>>,
}

impl std::fmt::Debug for Handoff {
    /// Says how much there is, and nothing of what users said.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { head: _, rooms, sessions, bodies } = self;
        f.debug_struct("Handoff")
            .field("rooms", &rooms.len())
            .field("sessions", &sessions.len())
            .field("bodies", &bodies.len())
            .finish_non_exhaustive()
    }
}

/// Why the store did not do it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file or server cannot be read or written.
    #[error("store {path}: {reason}")]
    Unavailable {
        /// Which one.
        path: String,
        /// What went wrong.
        reason: String,
    },
    /// A newer gateway wrote it.
    #[error(
        "store {path} has schema version {found}; this gateway knows up to {known}: run the newer gateway, or restore a backup made before it"
    )]
    SchemaTooNew {
        /// Which one.
        path: String,
        /// Its version.
        found: u32,
        /// The newest version known here.
        known: u32,
    },
    /// More calls wait than may; try again.
    #[error("the store is behind: {waiting} calls wait")]
    Full {
        /// How many wait.
        waiting: usize,
    },
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
}

/// Durable facts. Every call is one atomic step; an `Ok` is on disk.
///
/// All calls fail with [`StoreError::Unavailable`], [`StoreError::Full`] or [`StoreError::Closed`], and change nothing
/// then. They are cancel-safe in that a dropped call has happened wholly or not at all. A call that takes a `row` appends
/// it to the app's audit log in the same step, if it did anything: neither is there without the other.
pub trait Store: Archive + Outbox {
    /// Checks a start against blocks, deletion, registration and revocation, and records it.
    fn admit(
        &self,
        admission: Admission,
    ) -> BoxFuture<'_, Result<Result<Admitted, Refusal>, StoreError>>;

    /// Checks somebody who is in already, and counts as having seen them.
    fn check(&self, check: Check) -> BoxFuture<'_, Result<Result<(), Refusal>, StoreError>>;

    /// Blocks a user from the app; a later block takes an earlier one's place. A guest's block is also of the instances
    /// it is known by and, with `address`, of their addresses, for other guests there: that is what is answered.
    fn block(
        &self,
        user: UserKey,
        block: Block,
        address: bool,
        row: Option<AuditEvent>,
    ) -> BoxFuture<'_, Result<BlockedIdentities, StoreError>>;

    /// Lifts a user's block; whether one stood.
    fn unblock(
        &self,
        user: UserKey,
        now: Timestamp,
        row: Option<AuditEvent>,
    ) -> BoxFuture<'_, Result<bool, StoreError>>;

    /// Deletes a user for good: profile, families and registration; the name stays refused. Whether it did: a name of
    /// which nothing is known is left alone, unless somebody `is_here` under it.
    fn delete_user(
        &self,
        user: UserKey,
        is_here: bool,
        now: Timestamp,
        row: Option<AuditEvent>,
    ) -> BoxFuture<'_, Result<bool, StoreError>>;

    /// Voids all families of a user, and what was issued to them up to `now` plus [`REVOCATION_LEEWAY`].
    fn revoke_user(
        &self,
        user: UserKey,
        now: Timestamp,
        row: Option<AuditEvent>,
    ) -> BoxFuture<'_, Result<(), StoreError>>;

    /// Voids one family, if it is still the instance's.
    fn revoke_family(
        &self,
        user: UserKey,
        instance: InstanceId,
        family: FamilyId,
    ) -> BoxFuture<'_, Result<(), StoreError>>;

    /// What outlived a room's participants, expired rows left out.
    fn load_room(&self, room: RoomKey, now: Timestamp)
    -> BoxFuture<'_, Result<Record, StoreError>>;

    /// Keeps facts of a room, in their order. Calls for one room take effect in the order in which they are made.
    fn persist_room(
        &self,
        room: RoomKey,
        facts: Vec<Fact>,
    ) -> BoxFuture<'static, Result<(), StoreError>>;

    /// Lays on `to` what was laid on `from` in any room of the app (locked mutes, roles, blocks), in one step; in which
    /// rooms. What is `from`'s stays.
    fn migrate_user(
        &self,
        from: UserKey,
        to: Username,
        now: Timestamp,
    ) -> BoxFuture<'_, Result<Vec<RoomKey>, StoreError>>;

    /// Nobody is in any room: what has no end while somebody is ends then. For the only gateway on a store, before it
    /// opens a room: whoever was in one was lost with the process before.
    fn mark_rooms_empty(&self, keep_until: Timestamp) -> BoxFuture<'_, Result<(), StoreError>>;

    /// Appends events to an app's audit log, in their order.
    fn audit(
        &self,
        app: Arc<str>,
        events: Vec<AuditEvent>,
    ) -> BoxFuture<'static, Result<(), StoreError>>;

    /// At most `limit` rows of an app's audit log after number `after`, oldest first.
    fn audit_rows(
        &self,
        app: Arc<str>,
        after: u64,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<AuditRow>, StoreError>>;

    /// The gateway's keys, newest first; `first` becomes the only one of a new store.
    fn signing_keys(&self, first: SigningKey)
    -> BoxFuture<'_, Result<Vec<SigningKey>, StoreError>>;

    /// Keeps what a stopping gateway leaves to the next, in the place of what was left before.
    fn save_handoff(&self, handed: Handoff) -> BoxFuture<'_, Result<(), StoreError>>;

    /// Takes what the gateway before left; it is there once.
    fn take_handoff(&self) -> BoxFuture<'_, Result<Option<Handoff>, StoreError>>;

    /// Forgets guests not seen since `before` that nothing blocks; how many. Each guest is a step of its own: a failure
    /// leaves the others for the next time.
    fn prune_guests(&self, before: Timestamp) -> BoxFuture<'_, Result<u64, StoreError>>;

    /// Whether it can be written to now.
    fn ready(&self) -> BoxFuture<'_, Result<(), StoreError>>;
}
