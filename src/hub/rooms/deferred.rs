//! Effects of an entry after it is applied: writes, ends of sessions, replies that wait for the disk, and receipts of
//! commands that are durable.
//!
//! They run in a separate task without the lock of the room, so an effect may append another entry here.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use stagedoor_proto::{
    BlockSource, Error, ErrorCode, ModerationReport, Push, Reply, SessionId, Timestamp, Username,
    encode_push,
};

use super::fan_out::push_to;
use super::handle::{RoomHandle, RoomInner, RoomPin};
use super::retry::BlockChange;
use crate::config::GuestNames;
use crate::hub::access_control::{AccessControl, NewBlock};
use crate::hub::context::Context;
use crate::hub::errors::{CallError, block_disconnect};
use crate::hub::pending_calls::PendingCalls;
use crate::hub::sessions::{SessionHandle, Sessions};
use crate::principal::NameCoverage;
use crate::request::RequestId;
use crate::room::{Audience, DurableChange, DurableKey, Origin, RemovedUser, RoomKey};
use crate::store::{
    AuditEvent, Block, BlockKind, BlockedGuests, Evicted, RoomWrite, StoreError, StoreFuture,
    Unblocked, UserKey,
};
use crate::sync::Mutex;
use crate::time::Monotonic;
use crate::webhook::{Event, QueuedMessages, Webhooks};

/// How often failed writes are retried, unless an entry of their room retries them before.
const RETRY_INTERVAL: Duration = Duration::from_secs(5);

/// The deferred effects of one entry. Collected under the room's lock.
pub(super) struct DeferredEffects {
    room: RoomPin,
    pub(super) now: Timestamp,
    /// The request that caused the entry, for the log.
    request: Option<RequestId>,
    /// Whether replies wait until the changes are on disk.
    pub(super) replies_when_durable: bool,
    /// The version of the entry, if it is a moderation command with changes for the store.
    pub(super) unwritten: Option<u64>,
    /// The versions of the commands that are durable once the changes are written.
    pub(super) commands: BTreeSet<u64>,
    pub(super) has_closed: bool,
    /// The room has no participants any more. Its sessions stay in the map until all effects are executed.
    pub(super) has_disbanded: bool,
    pub(super) changes: Vec<DurableChange>,
    pub(super) audit: Vec<AuditEvent>,
    pub(super) webhooks: Option<Arc<Webhooks>>,
    pub(super) events: Vec<Event>,
    pub(super) blocks: Vec<BlockChange>,
    pub(super) terminations: Vec<RemovedUser>,
    pub(super) replies: Vec<(Origin, Result<Reply, Error>)>,
    pub(super) removed: Vec<SessionId>,
    /// Sessions that changed while they joined.
    pub(super) changed: Vec<Arc<SessionHandle>>,
}

/// The transaction of an entry; `None` if it writes nothing.
pub(super) struct PendingWrites(Option<PendingWrite>);

/// A pending write, and its retry after an error: changes by their key, audit rows unchanged.
struct PendingWrite {
    subjects: BTreeSet<DurableKey>,
    audit: Vec<AuditEvent>,
    queued: Option<QueuedMessages>,
    written: StoreFuture<'static, Evicted>,
}

impl DeferredEffects {
    pub(super) const fn new(
        room: RoomPin,
        now: Timestamp,
        request: Option<RequestId>,
        webhooks: Option<Arc<Webhooks>>,
    ) -> Self {
        Self {
            room,
            now,
            request,
            replies_when_durable: false,
            unwritten: None,
            commands: BTreeSet::new(),
            has_closed: false,
            has_disbanded: false,
            changes: Vec::new(),
            audit: Vec::new(),
            webhooks,
            events: Vec::new(),
            blocks: Vec::new(),
            terminations: Vec::new(),
            replies: Vec::new(),
            removed: Vec::new(),
            changed: Vec::new(),
        }
    }

    /// Adds earlier failed writes. They come first, so that the changes of this entry win.
    pub(super) fn retry_writes(&mut self, inner: &mut RoomInner) {
        (self.changes, self.audit, self.commands) = inner.failed.take(&inner.room);
    }

    /// Queues the writes of an entry with this version in the store. Called under the room's lock, so that changes
    /// reach the store in the order of the log.
    pub(super) fn begin_persist(&mut self, context: &Context, version: u64) -> PendingWrites {
        let (changes, audit) = (std::mem::take(&mut self.changes), std::mem::take(&mut self.audit));
        let prepared = self.webhooks.as_ref().and_then(|webhooks| webhooks.prepare(&self.events));
        let (messages, queued) = prepared.unzip();
        let (room, subjects) =
            (self.room.key().clone(), changes.iter().map(DurableChange::key).collect());
        let write = RoomWrite { room, version, changes, audit: audit.clone(), messages };
        if write.is_empty() {
            return PendingWrites(None);
        }
        let written = context.store.persist_room(write);
        PendingWrites(Some(PendingWrite { subjects, audit, queued, written }))
    }

    pub(super) fn key(&self) -> &RoomKey {
        self.room.key()
    }

    /// The version of the command, or of the one that it repeats.
    fn command_version(&self) -> Option<u64> {
        let repeated = || {
            self.replies.iter().find_map(|(_, result)| match result {
                Ok(Reply::Accepted(accepted)) => Some(accepted.version),
                _ => None,
            })
        };
        self.unwritten.or_else(repeated)
    }

    fn is_empty(&self) -> bool {
        self.blocks.is_empty()
            && self.terminations.is_empty()
            && self.replies.is_empty()
            && self.commands.is_empty()
            && self.changed.is_empty()
    }
}

/// Executes deferred effects, and replies. It has no state.
pub(super) struct DeferredExecutor {
    pub(super) context: Arc<Context>,
    pub(super) sessions: Arc<Sessions>,
    pub(super) access: Arc<AccessControl>,
    pub(super) calls: Arc<PendingCalls>,
    /// Rooms with failed writes.
    pub(super) failing: Mutex<FailingRooms>,
}

/// Rooms with failed writes, until these are retried.
#[derive(Default)]
pub(super) struct FailingRooms {
    rooms: HashMap<RoomKey, RoomPin>,
    retried: Monotonic,
}

impl DeferredExecutor {
    /// Executes the deferred effects of an entry in a separate task, if there are any.
    pub(super) fn spawn(self: &Arc<Self>, deferred: DeferredEffects, writes: PendingWrites) {
        if deferred.is_empty() && writes.0.is_none() {
            return;
        }
        let executor = Arc::clone(self);
        self.context.lifecycle.spawn(async move { executor.execute(deferred, writes).await });
    }

    /// Takes the rooms whose failed writes are due for a retry.
    pub(super) fn take_failing(&self, now: Monotonic) -> Vec<RoomPin> {
        let mut failing = self.failing.lock();
        if failing.rooms.is_empty() || now.saturating_since(failing.retried) < RETRY_INTERVAL {
            return Vec::new();
        }
        failing.retried = now;
        failing.rooms.drain().map(|(_, room)| room).collect()
    }

    /// Replies once all changes are on disk, and ends sessions.
    async fn execute(&self, deferred: DeferredEffects, writes: PendingWrites) {
        for session in &deferred.changed {
            self.sessions.notify(session);
        }
        // A removal takes effect at once.
        self.end_removed(&deferred).await;
        let mut durable = Ok(());
        if let PendingWrites(Some(PendingWrite { subjects, audit, queued, written })) = writes {
            let written = written.await;
            if let Some(queued) = queued {
                queued.finish(written.as_ref().copied());
            }
            durable = written.map(drop).inspect_err(|_| {
                let failed = &mut deferred.room.lock().failed;
                failed.queue_facts(subjects);
                failed.queue_audit(audit);
            });
        }
        let is_written = durable.is_ok();
        if !is_written {
            let room = RoomPin::clone(&deferred.room);
            self.failing.lock().rooms.insert(deferred.key().clone(), room);
        }
        let mut still_holding = None;
        for change in &deferred.blocks {
            let app = &deferred.key().app;
            let written = match change {
                BlockChange::Block(user) => self.block_from_app(app, user).await,
                BlockChange::Unblock(username) => {
                    let unblocked = self.unblock_in_app(app, username).await;
                    unblocked.map(|unblocked| still_holding = unblocked.holding)
                }
            };
            if let (Err(_), Some(version)) = (&written, deferred.command_version()) {
                deferred.room.lock().failed.queue_block(version, change.clone());
            }
            durable = durable.and(written);
        }
        // Those who came back before the block was stored; also if it could not be.
        self.end_removed(&deferred).await;
        if let Err(error) = &durable {
            let request = deferred.request.as_ref().map(tracing::field::display);
            tracing::error!(request, %error, "room state could not be persisted; it will be lost on restart");
        }
        self.finish_commands(&deferred.room, deferred.commands, is_written);
        for (origin, mut result) in deferred.replies {
            if let (Ok(Reply::Accepted(accepted)), Some(block)) = (&mut result, &still_holding) {
                accepted.block = Some(block.active());
            }
            let result = if durable.is_ok() { result } else { result.and(Err(not_persisted())) };
            self.reply(None, origin, &result);
        }
    }

    /// Ends the sessions of users who were removed from the app.
    async fn end_removed(&self, deferred: &DeferredEffects) {
        for user in &deferred.terminations {
            let (key, block) = self.removal_of(&deferred.key().app, user);
            let disconnect = block_disconnect(&block).caused_by(user.ref_.as_ref());
            let request = user.request.as_ref();
            let ended = self.access.end_covered(&key.app, &user.coverage, &disconnect, request);
            if let Err(error) = ended.await {
                tracing::warn!(%error, "cannot end all sessions of a removed user");
            }
        }
    }

    /// Reports commands of sessions as durable if their changes are `written`, and answers their repetitions.
    fn finish_commands(&self, room: &RoomPin, commands: BTreeSet<u64>, written: bool) {
        let mut replies = Vec::new();
        {
            let inner = &mut *room.lock();
            for &version in &commands {
                if written && !inner.failed.has_block(version) {
                    let Some(command) = inner.unwritten.take(version) else { continue };
                    replies.extend(command.repeated);
                    if let Origin::Session { session, .. } = command.origin {
                        let report = ModerationReport { durable: true, ..command.report };
                        self.send_receipt(room, inner, session, report);
                    }
                } else if let Some(command) = inner.unwritten.get_mut(version) {
                    let repeated = std::mem::take(&mut command.repeated);
                    let rejected = repeated.into_iter();
                    replies.extend(rejected.map(|(origin, _)| (origin, Err(not_persisted()))));
                }
            }
            if !written {
                inner.failed.queue_commands(commands);
            }
        }
        for (origin, result) in replies {
            self.reply(None, origin, &result);
        }
    }

    /// Sends a receipt to a session of this node, also if the command removed it from the room.
    pub(super) fn send_receipt(
        &self,
        room: &RoomHandle,
        inner: &RoomInner,
        session: SessionId,
        report: ModerationReport,
    ) {
        let push = Push::Moderation(report);
        if inner.sessions.contains_key(&session) {
            push_to(&self.context, room, inner, &Audience::One(session), &push);
        } else if let Some(session) = self.sessions.find(session) {
            let (body, now) = (encode_push(&push).into(), self.context.clock.now());
            session.update(|session| session.push(body, now));
        }
    }

    /// Lifts what moderators set for a user in the app. What still holds comes with the reply.
    async fn unblock_in_app(
        &self,
        app: &Arc<str>,
        username: &Username,
    ) -> Result<Unblocked, StoreError> {
        let user = UserKey { app: Arc::clone(app), username: username.clone() };
        let now = self.context.clock.wall();
        self.context.store.unblock(user, BlockSource::Moderator, now, None).await
    }

    /// Persists the block of a user who was removed from the app, before their sessions end.
    async fn block_from_app(&self, app: &Arc<str>, user: &RemovedUser) -> Result<(), StoreError> {
        let (key, block) = self.removal_of(app, user);
        let app = self.context.app(app);
        let by_address = app.is_some_and(|app| app.rules().ban_guest_addresses);
        let is_shared = app.is_some_and(|app| app.rules().guest_names == GuestNames::Shared);
        let by_name = match user.coverage.name {
            NameCoverage::All => None,
            NameCoverage::Guests => Some(true),
            // Of an exclusive name, all instances that hold it are one guest.
            NameCoverage::None => Some(!is_shared),
        };
        let instances = || user.coverage.guests.keys().cloned().collect();
        let guests = by_name.map(|by_name| BlockedGuests { instances: instances(), by_name });
        let new = NewBlock { user: key, block, guests, by_address, ref_: user.ref_.clone() };
        match self.access.block(new, None, user.request.as_ref()).await {
            Err(CallError::Store(error)) => Err(error),
            // The block is persisted; sessions on other nodes may have been unreachable.
            Ok(_) | Err(CallError::NoRoom | CallError::RoomExists | CallError::Refused(_)) => {
                Ok(())
            }
        }
    }

    fn removal_of(&self, app: &Arc<str>, user: &RemovedUser) -> (UserKey, Block) {
        let reason = user.reason.as_ref().map(|reason| reason.as_str().to_owned());
        let (since, until) = (self.context.clock.wall(), user.until);
        let key = UserKey { app: Arc::clone(app), username: user.coverage.username.clone() };
        (key, Block { kind: BlockKind::Kick, set_by: user.set_by.clone(), reason, since, until })
    }

    ///
    /// Replies to a local session or a call. `session` is the requester, if the caller has it already.
    pub(super) fn reply(
        &self,
        session: Option<&Arc<SessionHandle>>,
        origin: Origin,
        result: &Result<Reply, Error>,
    ) {
        match origin {
            Origin::Session { session: id, request } => {
                let found = if session.is_some() { None } else { self.sessions.find(id) };
                if let Some(session) = session.or(found.as_ref()) {
                    session.reply(request, result, self.context.clock.now());
                }
            }
            Origin::Call(call) => self.calls.answer(call, result),
        }
    }
}

pub(super) fn not_persisted() -> Error {
    Error::new(ErrorCode::Overloaded, "applied but not persisted; retry with the same `ref`")
}
