//! Verbs refused for want of permission, counted by actor, verb and minute for the audit log.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use stagedoor_proto::{Target, Timestamp, Username, Verb};

use crate::hub::Hub;
use crate::store::{AuditActor, AuditEvent, AuditOutcome};

/// Counts are written when their minute is over.
const MINUTE: Duration = Duration::from_mins(1);
/// How many different counts are held; what goes beyond them is not counted.
const MAX_COUNTS: usize = 10_000;

/// Denials of the current minute. Its lock is held for a map access.
#[derive(Default)]
pub(in crate::hub) struct Denials(Mutex<HashMap<Denied, u64>>);

#[derive(PartialEq, Eq, Hash)]
struct Denied {
    app: Arc<str>,
    username: Username,
    verb: Verb,
    minute: u64,
}

impl Denials {
    pub(super) fn count(&self, app: &Arc<str>, username: Username, verb: Verb, now: Timestamp) {
        let denied = Denied { app: Arc::clone(app), username, verb, minute: minute_of(now) };
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.len() < MAX_COUNTS || counts.contains_key(&denied) {
            *counts.entry(denied).or_default() += 1;
        }
    }

    /// Takes the counts of minutes that are over.
    fn take_before(&self, now: Timestamp) -> Vec<(Denied, u64)> {
        let minute = minute_of(now);
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.extract_if(|denied, _| denied.minute < minute).collect()
    }
}

impl Hub {
    /// Writes what was refused in minutes that are over.
    pub(in crate::hub) fn keep_denials(&self, now: Timestamp) {
        for (denied, times) in self.denials.take_before(now) {
            let event = AuditEvent {
                at_ms: Timestamp::from_secs(denied.minute * MINUTE.as_secs()),
                actor: AuditActor::User(denied.username),
                verb: denied.verb.as_str().into(),
                room: None,
                version: None,
                target: Target::default(),
                reason: None,
                ref_: None,
                outcome: AuditOutcome::Denied { times },
            };
            let kept = self.store.audit(denied.app, vec![event]);
            self.lifecycle.spawn(async move {
                if let Err(error) = kept.await {
                    tracing::error!(%error, "the audit log could not be written");
                }
            });
        }
    }
}

const fn minute_of(now: Timestamp) -> u64 {
    now.as_secs() / MINUTE.as_secs()
}
