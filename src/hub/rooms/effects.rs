//! An entry of a room's log: the room decides, and its effects are executed before the next entry.
//!
//! Invariant: what executes effects appends nothing, for it would wait for itself; it has no engine to append with. What
//! has to append again (a session that ends because of an effect) does so from a task (`deferred`).

#![deny(clippy::wildcard_enum_match_arm)]

use std::sync::Arc;

use stagedoor_proto::Reply;

use super::deferred::{DeferredEffects, DeferredExecutor};
use super::denials::DenialCounter;
use super::fan_out::{close_room, push_to, run_blocking};
use super::handle::{RoomHandle, RoomInner};
use super::metrics::count_effect;
use super::registry::RoomRegistry;
use super::retry::SessionTermination;
use crate::engine::NodeHandler;
use crate::hub::context::Context;
use crate::hub::events::{self, Events};
use crate::room::{Audit, Effect, Entry, RoomCommand, RoomKey};
use crate::store::{AuditActor, AuditEvent, AuditOutcome};
use crate::webhook::Event;

/// Applies entries to the rooms of this node. It holds a room's lock while it does, and sessions' one after the other.
pub(super) struct Executor {
    pub(super) context: Arc<Context>,
    pub(super) events: Arc<Events>,
    pub(super) registry: Arc<RoomRegistry>,
    pub(super) denials: DenialCounter,
    pub(super) deferred: Arc<DeferredExecutor>,
}

impl NodeHandler for Executor {
    fn apply(&self, key: &RoomKey, entry: Entry) {
        let room = self.registry.find_or_create(key);
        let is_verb = matches!(entry.command, RoomCommand::Moderate { .. });
        // A command about a large room goes through all of it.
        let is_long = is_verb && room.lock().is_large();
        run_blocking(is_long, || self.apply_to(&room, entry, is_verb));
    }

    fn applied_version(&self, key: &RoomKey) -> u64 {
        self.registry.find(key).map_or(0, |room| room.lock().room.version())
    }
}

impl Executor {
    /// What a moderator did is answered when it is durable; all else is answered in its order among the pushes.
    fn apply_to(&self, room: &Arc<RoomHandle>, entry: Entry, replies_when_durable: bool) {
        let (key, now, request) = (room.key(), entry.now, entry.command.request());
        let webhooks = self.events.webhooks(&key.app).cloned();
        let mut inner = room.lock();
        inner.room.tell_happenings(webhooks.is_some());
        let mut deferred =
            DeferredEffects::new(Arc::clone(room), replies_when_durable, now, request, webhooks);
        deferred.retry_writes(&mut inner);
        let effects = inner.room.apply(entry);
        for effect in effects {
            self.execute(room, &mut inner, effect, &mut deferred);
        }
        for session in std::mem::take(&mut deferred.removed) {
            if let Some(session) = inner.sessions.remove(&session) {
                session.leave(room.tag());
            }
        }
        if deferred.has_disbanded {
            inner.sessions.clear();
        }
        room.update_due(&inner);
        let writes = deferred.begin_persist(&self.context, inner.room.version());
        drop(inner);
        if deferred.has_closed {
            self.registry.remove_if_idle(key);
        }
        self.deferred.spawn(deferred, writes);
    }

    fn execute(
        &self,
        room: &RoomHandle,
        inner: &mut RoomInner,
        effect: Effect,
        deferred: &mut DeferredEffects,
    ) {
        let context = &*self.context;
        count_effect(&context.metrics, &effect, &inner.room);
        match effect {
            Effect::Reply { origin, result } if deferred.replies_when_durable => {
                if let Ok(Reply::Accepted(accepted)) = &result {
                    let termination = inner.failed.take_termination(accepted.version);
                    deferred.terminations.extend(termination);
                }
                deferred.replies.push((origin, result));
            }
            Effect::Reply { origin, result } => self.deferred.reply(origin, &result),
            Effect::Push { to, push } => push_to(context, room, inner, &to, &push),
            Effect::Withdraw(audience) => inner.each_in(&audience, |session| {
                session.change(|session| session.withdraw(room.tag()));
            }),
            Effect::Forget(audience) => {
                inner.room.each_in(&audience, |session| deferred.removed.push(session));
            }
            Effect::Disband(push) => {
                close_room(context, room, inner, &push);
                deferred.has_disbanded = true;
            }
            Effect::Enrolled { session, .. } => {
                if let Some(session) = self.deferred.sessions.find(session) {
                    if !session.enter(room.tag(), &room.key().room) {
                        deferred.changed.push(Arc::clone(&session));
                    }
                    inner.sessions.insert(session.id(), session);
                }
            }
            Effect::EndSessions { username, until, reason, request, .. } => {
                let termination = SessionTermination { username, until, reason, request };
                deferred.terminations.push(termination);
            }
            Effect::Report { call, report } => self.deferred.calls.report(call, *report),
            Effect::Persist(fact) => deferred.facts.push(fact),
            Effect::Audit(row) => {
                if deferred.webhooks.is_some() {
                    let event = events::of_moderation(&row, deferred.key(), deferred.now);
                    deferred.events.push(event);
                }
                deferred.audit.push(audit_event(*row, deferred));
            }
            Effect::Happened { what, request } => {
                let version = inner.room.version();
                let event = events::of_happening(*what, deferred.key(), version, deferred.now);
                deferred.events.push(Event { request, ..event });
            }
            Effect::Denied { username, verb } => {
                self.denials.count(&room.key().app, username, verb, deferred.now);
            }
            Effect::Closed => deferred.has_closed = true,
        }
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
        verb: row.verb.as_str().into(),
        room: Some(deferred.key().room.clone()),
        version: Some(row.version),
        target: row.target,
        reason: row.reason.map(|reason| reason.as_str().into()),
        ref_: row.ref_,
        outcome: AuditOutcome::Receipts { counts: row.counts, elapsed_ms: row.elapsed_ms },
    }
}
