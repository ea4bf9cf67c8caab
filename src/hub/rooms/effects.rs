//! The effects of one entry: told to sessions at once, kept and followed up from a task of its own.

#![deny(clippy::wildcard_enum_match_arm)]

use std::collections::BTreeSet;
use std::sync::Arc;

use futures::future::{BoxFuture, OptionFuture};
use stagedoor_proto::{
    Error, ErrorCode, Reason, Reply, SessionId, Timestamp, Username, encode_reply,
};

use super::handle::{Inside, Place};
use crate::hub::sessions::SessionHandle;
use crate::hub::{CallError, Hub, events};
use crate::request::RequestId;
use crate::room::{Audit, Effect, Fact, Origin, RoomKey, Subject};
use crate::store::{AuditActor, AuditEvent, AuditOutcome, Block, BlockKind, StoreError, UserKey};
use crate::webhook::{Event, Webhooks};

/// What an entry leaves to be done once it is applied.
pub(super) struct Later {
    place: Arc<Place>,
    now: Timestamp,
    /// What asked for the entry, for the log.
    request: Option<RequestId>,
    answers_late: bool,
    pub(super) has_closed: bool,
    /// Nobody is in the room any more; who was is still there for what else the entry tells them.
    pub(super) has_disbanded: bool,
    facts: Vec<Fact>,
    audit: Vec<AuditEvent>,
    /// Who is told of what happens in the room's app, if anybody.
    webhooks: Option<Arc<Webhooks>>,
    events: Vec<Event>,
    ending: Vec<Ending>,
    replies: Vec<(Origin, Result<Reply, Error>)>,
    forgotten: Vec<SessionId>,
    /// Sessions that changed while they entered.
    strays: Vec<Arc<SessionHandle>>,
}

/// A user all of whose sessions are to end.
#[derive(Clone)]
pub(super) struct Ending {
    username: Username,
    until: Option<Timestamp>,
    reason: Option<Reason>,
    request: Option<RequestId>,
}

/// Whether the store took something. What it is about stands beside it, should it be owed.
type Kept = BoxFuture<'static, Result<(), StoreError>>;

/// What is being written: the room's facts, the audit log, and what the app's own servers are told.
pub(super) struct Keeping {
    facts: Option<(BTreeSet<Subject>, Kept)>,
    audit: Option<(Vec<AuditEvent>, Kept)>,
    events: Option<BoxFuture<'static, ()>>,
}

impl Later {
    pub(super) const fn new(
        place: Arc<Place>,
        answers_late: bool,
        now: Timestamp,
        request: Option<RequestId>,
        webhooks: Option<Arc<Webhooks>>,
    ) -> Self {
        Self {
            place,
            now,
            request,
            answers_late,
            has_closed: false,
            has_disbanded: false,
            facts: Vec::new(),
            audit: Vec::new(),
            webhooks,
            events: Vec::new(),
            ending: Vec::new(),
            replies: Vec::new(),
            forgotten: Vec::new(),
            strays: Vec::new(),
        }
    }

    /// What the store did not take before comes first, so that what the entry decides has the last word.
    pub(super) fn take_up_debts(&mut self, inside: &mut Inside) {
        (self.facts, self.audit) = inside.debts.take(&inside.room);
    }

    fn key(&self) -> &RoomKey {
        self.place.key()
    }

    /// The place in the log of the verb that is answered, be it again.
    fn verb(&self) -> Option<u64> {
        self.replies.iter().find_map(|(_, result)| match result {
            Ok(Reply::Accepted(accepted)) => Some(accepted.version),
            _ => None,
        })
    }

    pub(super) fn take_forgotten(&mut self) -> Vec<SessionId> {
        std::mem::take(&mut self.forgotten)
    }

    fn is_done(&self) -> bool {
        self.ending.is_empty() && self.replies.is_empty() && self.strays.is_empty()
    }
}

impl Keeping {
    const fn is_nothing(&self) -> bool {
        self.facts.is_none() && self.audit.is_none() && self.events.is_none()
    }
}

impl Hub {
    pub(super) fn carry_out(
        &self,
        place: &Arc<Place>,
        inside: &mut Inside,
        effect: Effect,
        later: &mut Later,
    ) {
        self.count_effect(&effect, &inside.room);
        match effect {
            Effect::Reply { origin, result } if later.answers_late => {
                if let Ok(Reply::Accepted(accepted)) = &result {
                    later.ending.extend(inside.debts.take_ending(accepted.version));
                }
                later.replies.push((origin, result));
            }
            Effect::Reply { origin, result } => self.answer(origin, &result),
            Effect::Push { to, push } => self.push_to(place, inside, &to, &push),
            Effect::Withdraw(audience) => inside.each_in(&audience, |session| {
                session.change(|session| session.withdraw(place.tag()));
            }),
            Effect::Forget(audience) => {
                inside.room.each_in(&audience, |session| later.forgotten.push(session));
            }
            Effect::Disband(push) => {
                self.disband(place, inside, &push);
                later.has_disbanded = true;
            }
            Effect::Enrolled { session, .. } => {
                if let Some(session) = self.registry.find(session) {
                    if !session.enter(place) {
                        later.strays.push(Arc::clone(&session));
                    }
                    inside.sessions.insert(session.id(), session);
                }
            }
            Effect::EndSessions { username, until, reason, request, .. } => {
                later.ending.push(Ending { username, until, reason, request });
            }
            Effect::Report { call, report } => self.calls.report(call, *report),
            Effect::Persist(fact) => later.facts.push(fact),
            Effect::Audit(row) => {
                if later.webhooks.is_some() {
                    later.events.push(events::of_moderation(&row, later.key(), later.now));
                }
                later.audit.push(audit_event(*row, later.key(), later.now));
            }
            Effect::Happened { what, request } => {
                let version = inside.room.version();
                let event = events::of_happening(*what, later.key(), version, later.now);
                later.events.push(Event { request, ..event });
            }
            Effect::Denied { username, verb } => {
                self.denials.count(&later.key().app, username, verb, later.now);
            }
            Effect::Closed => later.has_closed = true,
        }
    }

    /// Hands what is to be kept to the store's queue; what comes of it is for [`Hub::finish_later`].
    pub(super) fn begin_keeping(&self, later: &mut Later) -> Keeping {
        let (facts, audit) = (std::mem::take(&mut later.facts), std::mem::take(&mut later.audit));
        let key = later.key();
        Keeping {
            facts: (!facts.is_empty()).then(|| {
                let subjects = facts.iter().map(Fact::subject).collect();
                (subjects, self.store.keep_room(key.clone(), facts))
            }),
            audit: (!audit.is_empty())
                .then(|| (audit.clone(), self.store.audit(Arc::clone(&key.app), audit))),
            events: later.webhooks.as_ref().and_then(|webhooks| webhooks.tell(&later.events)),
        }
    }

    /// Answers once all is on disk, and ends the sessions that are to end.
    pub(super) fn finish_later(&self, later: Later, keeping: Keeping) {
        if later.is_done() && keeping.is_nothing() {
            return;
        }
        let Some(hub) = self.me.upgrade() else { return };
        self.lifecycle.spawn(async move { hub.finish(later, keeping).await });
    }

    async fn finish(&self, later: Later, Keeping { facts, audit, events }: Keeping) {
        for session in &later.strays {
            self.settle(session);
        }
        let mut durable = Ok(());
        if let Some((subjects, kept)) = facts {
            let kept = kept.await.inspect_err(|_| later.place.lock().debts.owe_facts(subjects));
            durable = durable.and(kept);
        }
        if let Some((rows, kept)) = audit {
            let kept = kept.await.inspect_err(|_| later.place.lock().debts.owe_audit(rows));
            durable = durable.and(kept);
        }
        OptionFuture::from(events).await;
        for ending in &later.ending {
            let kept = self.end_everywhere(&later.key().app, ending.clone()).await;
            if let (Err(_), Some(verb)) = (&kept, later.verb()) {
                later.place.lock().debts.owe_ending(verb, ending.clone());
            }
            durable = durable.and(kept);
        }
        if let Err(error) = &durable {
            let request = later.request.as_ref().map(tracing::field::display);
            tracing::error!(request, %error, "what a room decided holds until the gateway stops, and was not kept");
        }
        for (origin, result) in later.replies {
            let result = if durable.is_ok() { result } else { result.and(Err(not_kept())) };
            self.answer(origin, &result);
        }
    }

    /// Removes a user from the app: the block first, then the sessions.
    async fn end_everywhere(&self, app: &Arc<str>, ending: Ending) -> Result<(), StoreError> {
        let Ending { username, until, reason, request } = ending;
        let user = UserKey { app: Arc::clone(app), username };
        let reason = reason.map(|reason| reason.as_str().to_owned());
        let block = Block { kind: BlockKind::Kick, reason, since: self.clock.now(), until };
        let parting = crate::hub::errors::parting_word(&block);
        let kept = match until {
            Some(_) => {
                let by_address = self.app(app).is_some_and(|app| app.rules().ban_guest_addresses);
                let request = request.as_ref();
                match self.block_user(user.clone(), block, by_address, None, request).await {
                    Err(CallError::Store(error)) => Err(error),
                    // It is kept; those who are elsewhere may have been out of reach.
                    Ok(_)
                    | Err(CallError::NoRoom | CallError::RoomExists | CallError::Refused(_)) => {
                        Ok(())
                    }
                }
            }
            None => Ok(()),
        };
        // What could not be kept holds at least for those who are here.
        if let Err(error) = self.end_all(&user, &parting, request.as_ref()).await {
            tracing::warn!(%error, "not all sessions of a removed user could be ended");
        }
        kept
    }

    /// Answers a request of a local session, or a call; those of another node are answered there.
    pub(super) fn answer(&self, origin: Origin, result: &Result<Reply, Error>) {
        match origin {
            Origin::Session { session, request } => {
                let Some(session) = self.registry.find(session) else { return };
                let (now, body) = (self.clock.now(), encode_reply(request, result).into());
                session.tell(|session| session.finish(request, body, now, &self.session));
            }
            Origin::Call(call) => self.calls.answer(call, result),
        }
    }
}

fn not_kept() -> Error {
    Error::new(
        ErrorCode::Overloaded,
        "it was done, and could not be kept: it ends when the gateway stops; try again, under the same `ref` if it has one",
    )
}

fn audit_event(row: Audit, key: &RoomKey, now: Timestamp) -> AuditEvent {
    let actor = match (row.username, row.server) {
        (Some(username), _) => AuditActor::User(username),
        (None, Some(server)) => AuditActor::Server(server),
        (None, None) => AuditActor::Gateway,
    };
    AuditEvent {
        at_ms: now,
        actor,
        verb: row.verb.as_str().into(),
        room: Some(key.room.clone()),
        version: Some(row.version),
        target: row.target,
        reason: row.reason.map(|reason| reason.as_str().into()),
        ref_: row.ref_,
        outcome: AuditOutcome::Receipts { counts: row.counts, elapsed_ms: row.elapsed_ms },
    }
}
