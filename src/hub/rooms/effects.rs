//! Applies entries of rooms' logs: the room decides, and its effects are executed before the next entry.
//!
//! Invariant: executing effects appends no entry, because it would wait for itself; it has no engine to append with.
//! Effects that append again, such as the end of a session, run in a task (`deferred`).

#![deny(clippy::wildcard_enum_match_arm)]

use std::sync::Arc;

use stagedoor_proto::{Error, ModerationReport, Reply};

use super::deferred::{DeferredEffects, DeferredExecutor, not_persisted};
use super::denials::DenialCounter;
use super::fan_out::{close_room, push_reset, push_to, run_blocking};
use super::handle::{RoomHandle, RoomInner, RoomPin};
use super::metrics::count_effect;
use super::registry::RoomRegistry;
use super::retry::BlockChange;
use crate::hub::context::Context;
use crate::hub::events::{self, Events};
use crate::room::{
    Appender, Audit, Effect, Entry, Everywhere, LocalRoom, NodeEpoch, Origin, RoomCommand, RoomKey,
};
use crate::session::reserve_reply;
use crate::store::{AuditActor, AuditEvent, AuditOutcome};
use crate::telemetry::Limit;
use crate::time::Now;
use crate::webhook::Event;

/// Applies entries to the rooms of this node. Holds the lock of the room, and the locks of sessions one at a time.
pub(super) struct Executor {
    /// This node's id in entries.
    pub(super) node: NodeEpoch,
    pub(super) context: Arc<Context>,
    pub(super) events: Arc<Events>,
    pub(super) registry: Arc<RoomRegistry>,
    pub(super) denials: DenialCounter,
    pub(super) deferred: Arc<DeferredExecutor>,
}

impl Executor {
    /// Applies the next entry of a room's log. Returns whether it closed the room.
    pub(super) fn apply(&self, key: &RoomKey, entry: Entry) -> bool {
        let room = self.registry.find_or_create(key);
        let is_verb = matches!(entry.command, RoomCommand::Moderate { .. });
        // A command in a large room visits all its sessions.
        let is_long = is_verb && room.lock().is_large();
        run_blocking(is_long, || self.apply_to(&room, entry, is_verb))
    }

    /// Some replies to moderation commands wait for durability; other replies keep their order among the pushes.
    fn apply_to(&self, room: &RoomPin, entry: Entry, is_verb: bool) -> bool {
        let (key, now, request) = (room.key(), entry.now, entry.command.request());
        let is_own = entry.origin == self.node;
        let webhooks = self.events.webhooks(&key.app).cloned();
        let mut inner = room.lock();
        let has_events = is_own && webhooks.is_some();
        let mut deferred = DeferredEffects::new(RoomPin::clone(room), now.wall, request, webhooks);
        deferred.retry_writes(&mut inner);
        let mut effects = inner.room.apply(entry, has_events);
        if is_own {
            deferred.replies_when_durable = is_verb && waits_for_store(&inner, &effects);
            let is_unwritten = is_verb && effects.iter().any(changes_store);
            deferred.unwritten = is_unwritten.then(|| inner.room.version());
            put_reply_first(&inner, &mut effects, deferred.replies_when_durable);
        }
        for effect in effects {
            match effect {
                Effect::Everywhere(effect) => {
                    self.execute_here(room, &mut inner, effect, &mut deferred);
                }
                Effect::Appender(effect) if is_own => {
                    self.execute_once(&mut inner, effect, &mut deferred);
                }
                // The appending node does this.
                Effect::Appender(_) => {}
            }
        }
        for session in std::mem::take(&mut deferred.removed) {
            let RoomInner { room: state, local, .. } = &mut *inner;
            local.remove(state, session, now.monotonic);
            if let Some(session) = inner.sessions.remove(&session) {
                session.update_memberships(|rooms, _| rooms.remove(room.tag()));
            }
        }
        if deferred.has_disbanded {
            inner.sessions.clear();
            inner.local.remove_all();
        }
        room.update_due(&inner, now.monotonic);
        let writes = deferred.begin_persist(&self.context, inner.room.version());
        drop(inner);
        let has_closed = deferred.has_closed;
        if has_closed {
            self.registry.remove_if_idle(key);
        }
        self.deferred.spawn(deferred, writes);
        has_closed
    }

    /// Retries failed writes of rooms that no entry has retried yet.
    pub(super) fn retry_writes(&self, now: Now) {
        for room in self.deferred.take_failing(now.monotonic) {
            let mut inner = room.lock();
            let mut deferred = DeferredEffects::new(room.clone(), now.wall, None, None);
            deferred.retry_writes(&mut inner);
            let writes = deferred.begin_persist(&self.context, inner.room.version());
            drop(inner);
            self.deferred.spawn(deferred, writes);
        }
    }

    /// Effects for this node's own sessions and calls, regardless of the appending node.
    fn execute_here(
        &self,
        room: &RoomHandle,
        inner: &mut RoomInner,
        effect: Everywhere,
        deferred: &mut DeferredEffects,
    ) {
        match effect {
            Everywhere::Push { to, push } => push_to(&self.context, room, inner, &to, &push),
            Everywhere::Reset { to, snapshot } => {
                push_reset(&self.context, room, inner, &to, &snapshot);
            }
            Everywhere::Withdraw(audience) => inner.for_each_session(&audience, |session| {
                session.update(|session| session.discard_unsent(room.tag()));
            }),
            Everywhere::MembershipCreated { session, .. } => {
                if let Some(session) = self.deferred.sessions.find(session) {
                    let (tag, id) = (room.tag(), &room.key().room);
                    let grant = inner.room.grant_version(session.id());
                    let entered = session
                        .update_memberships(|rooms, state| rooms.enter(tag, id, grant, state));
                    if !entered {
                        deferred.changed.push(Arc::clone(&session));
                    }
                    inner.sessions.insert(session.id(), session);
                }
            }
            Everywhere::RemoveMemberships(audience) => {
                inner.room.for_each_session(&audience, |session| deferred.removed.push(session));
            }
            Everywhere::CloseRoom(push) => {
                close_room(&self.context, room, inner, &push);
                deferred.has_disbanded = true;
            }
            Everywhere::EndSessions(user) => deferred.terminations.push(user),
            Everywhere::Report { node, origin, report } => {
                self.report(room, inner, (node, origin), *report, deferred);
            }
            Everywhere::Closed => {
                inner.local = LocalRoom::default();
                deferred.has_closed = true;
            }
        }
    }

    /// Sends a receipt to the session of its command, or to the call on its node. Only the node that appended a command
    /// knows whether it is durable.
    fn report(
        &self,
        room: &RoomHandle,
        inner: &mut RoomInner,
        (node, origin): (NodeEpoch, Origin),
        mut report: ModerationReport,
        deferred: &mut DeferredEffects,
    ) {
        let is_own = node == self.node;
        if is_own {
            if deferred.unwritten == Some(report.version) {
                deferred.commands.insert(report.version);
                let dropped = inner.unwritten.insert(origin, report.clone());
                let repeated = dropped.into_iter().flat_map(|command| command.repeated);
                let rejected = repeated.map(|(origin, _)| (origin, Err(not_persisted())));
                deferred.replies.extend(rejected);
            } else {
                report.durable = inner.unwritten.update(&report);
            }
        }
        match origin {
            Origin::Session { session, .. } => {
                self.deferred.send_receipt(room, inner, session, report);
            }
            Origin::Call(call) if is_own => self.deferred.calls.report(call, report),
            Origin::Call(_) => {}
        }
    }

    /// Effects that only the appending node executes.
    fn execute_once(
        &self,
        inner: &mut RoomInner,
        effect: Appender,
        deferred: &mut DeferredEffects,
    ) {
        count_effect(&self.context.metrics, &effect, &inner.room);
        match effect {
            Appender::Reply { origin, result } if deferred.replies_when_durable => {
                if let Ok(Reply::Accepted(accepted)) = &result {
                    let version = accepted.version;
                    if let Some(change) = inner.failed.take_block(version) {
                        if let BlockChange::Block(user) = &change {
                            deferred.terminations.push(user.clone());
                        }
                        deferred.blocks.push(change);
                        deferred.commands.insert(version);
                    } else if !deferred.commands.contains(&version)
                        && let Some(command) = inner.unwritten.get_mut(version)
                    {
                        // The write of its first attempt answers the repetition.
                        command.repeated.push((origin, result));
                        return;
                    }
                }
                deferred.replies.push((origin, result));
            }
            Appender::Reply { origin, result } => {
                let session = match origin {
                    Origin::Session { session, .. } => inner.sessions.get(&session),
                    Origin::Call(_) => None,
                };
                self.deferred.reply(session, origin, &result);
            }
            Appender::BlockUser(user) => deferred.blocks.push(BlockChange::Block(user)),
            Appender::UnblockUser(username) => {
                deferred.blocks.push(BlockChange::Unblock(username));
            }
            Appender::Persist(fact) => deferred.changes.push(fact),
            Appender::Audit(row) => {
                if deferred.webhooks.is_some() {
                    let event = events::of_moderation(&row, deferred.key(), deferred.now);
                    deferred.events.push(event);
                }
                deferred.audit.push(audit_event(*row, deferred));
            }
            Appender::Emit { event, request } => {
                let version = inner.room.version();
                let event = events::of_room_event(*event, deferred.key(), version, deferred.now);
                deferred.events.push(Event { request, ..event });
            }
            Appender::Denied { username, command } => {
                let max = self.context.limits().audit_denials_per_minute;
                let app = &deferred.key().app;
                if !self.denials.count(app, username, command, max, deferred.now) {
                    self.context.hit(Limit::AuditDenials);
                }
            }
        }
    }
}

/// Whether the reply to a command waits for the store: of a call, which is answered when the command is durable; of a
/// repeated command, whose first attempt may have failed; and of one that says what the store holds.
fn waits_for_store(inner: &RoomInner, effects: &[Effect]) -> bool {
    effects.iter().any(|effect| match reply_of(effect) {
        Some((Origin::Call(_), _)) => true,
        Some((Origin::Session { .. }, Ok(Reply::Accepted(accepted)))) => {
            accepted.version != inner.room.version()
        }
        Some((Origin::Session { .. }, _)) => false,
        None => matches!(effect, Effect::Appender(Appender::UnblockUser(_))),
    })
}

/// The reply in an effect, and whose it is.
const fn reply_of(effect: &Effect) -> Option<(Origin, &Result<Reply, Error>)> {
    match effect {
        Effect::Appender(Appender::Reply { origin, result }) => Some((*origin, result)),
        Effect::Appender(
            Appender::BlockUser(_)
            | Appender::UnblockUser(_)
            | Appender::Persist(_)
            | Appender::Audit(_)
            | Appender::Emit { .. }
            | Appender::Denied { .. },
        )
        | Effect::Everywhere(_) => None,
    }
}

/// Whether an effect changes what the store holds, besides the audit log.
const fn changes_store(effect: &Effect) -> bool {
    match effect {
        Effect::Appender(
            Appender::BlockUser(_) | Appender::UnblockUser(_) | Appender::Persist(_),
        ) => true,
        Effect::Appender(
            Appender::Reply { .. }
            | Appender::Audit(_)
            | Appender::Emit { .. }
            | Appender::Denied { .. },
        )
        | Effect::Everywhere(_) => false,
    }
}

/// A reply precedes the pushes of its command. One that is sent later gets its place in the order now.
fn put_reply_first(inner: &RoomInner, effects: &mut [Effect], is_sent_later: bool) {
    if is_sent_later {
        let replies = effects.iter().filter_map(reply_of);
        let sessions = replies.filter_map(|(origin, _)| match origin {
            Origin::Session { session, request } => Some((session, request)),
            Origin::Call(_) => None,
        });
        for (session, request) in sessions {
            if let Some(session) = inner.sessions.get(&session) {
                session.update(|session| reserve_reply(session, request));
            }
        }
    } else {
        // Stable: the other effects keep their order.
        effects.sort_by_key(|effect| reply_of(effect).is_none());
    }
}

fn audit_event(row: Audit, deferred: &DeferredEffects) -> AuditEvent {
    let actor = match (row.username, row.server) {
        (Some(username), _) => AuditActor::User(username),
        (None, Some(server)) => AuditActor::Server(server),
        (None, None) => AuditActor::Gateway,
    };
    AuditEvent {
        at_ms: deferred.now,
        actor,
        command: row.command.as_str().into(),
        room: Some(deferred.key().room.clone()),
        version: Some(row.version),
        target: row.target,
        reason: row.reason.map(|reason| reason.as_str().into()),
        ref_: row.ref_,
        outcome: AuditOutcome::Receipts { counts: row.counts, elapsed_ms: row.elapsed_ms },
    }
}
