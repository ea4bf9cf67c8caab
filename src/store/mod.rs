//! Durable state: users, blocks, revocations, room state, audit logs, outbox and signing keys.
//!
//! [`Store`] is called at every start, and by every command whose effect must survive a restart. `policy` decides, an
//! implementation (`sqlite`) reads and writes rows, [`Metered`] counts calls, and `conformance` tests any
//! implementation.
//! Not here: live sessions (`hub`), and the effect of a rejection on a connection (`session`).

mod admission;
mod api;
mod archive;
mod audit;
mod audit_log;
mod blocked;
mod bounds;
#[cfg(test)]
mod conformance;
mod error;
mod handoff;
mod journal;
mod key;
mod metered;
mod observed;
mod outbox;
mod policy;
mod sqlite;

pub use admission::{
    Admission, Admitted, AuthMethod, Block, BlockKind, BlockedGuests, BlockedIdentities, Check,
    CheckedUser, CredentialSource, FamilyGrant, FamilyRenewal, FamilyTokens, FormerFamily,
    InstanceLimit, NameClaim, Profile, Refusal, TokenPosition,
};
pub use api::Store;
pub use archive::{
    Archive, AuditSearch, CREATED_ROOM_RETENTION, CreatedRoom, EndedSession, EndedSessions,
    KnownUser, Page, StoredRoom,
};
pub use audit::{
    AuditActor, AuditEvent, AuditHash, AuditKey, AuditOutcome, AuditRow, ChainHead, FoundRow,
    InvalidHead, Tampered, VerifiedLog, Verifier,
};
pub use audit_log::AuditLog;
pub use blocked::{Blocked, Unblocked};
pub use bounds::{GuestPosition, IdleGuest, IdleGuests, StoreSizes};
pub use error::{StoreError, StoreFuture};
pub use handoff::Handoff;
pub use journal::{Journal, NewMessages, RoomWrite};
pub use key::{MAX_SIGNING_KEYS, Rename, SigningKey, UserKey};
pub use metered::{Meter, Metered};
pub use observed::{Observed, Observer};
pub use outbox::{
    Backlog, DeadLetters, DeliveryResult, DueMessages, Evicted, ExpiredMessages, Message,
    NewMessage, Outbox, OutboxCount,
};
pub use sqlite::{SqliteStore, backup, open_audit_log};
