//! Commands denied for missing permission, counted by actor, command and minute for the audit log.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use stagedoor_proto::{ModerationCommand, Target, Timestamp, Username};

use crate::hub::context::Context;
use crate::store::{AuditActor, AuditEvent, AuditOutcome};
use crate::sync::Mutex;

/// The interval of one count; it is persisted when the interval ends.
const MINUTE: Duration = Duration::from_mins(1);
/// Maximum number of different counts; further denials are not counted.
const MAX_COUNTS: usize = 10_000;

/// Denials of the current minute. The lock is held for a map access, and nothing is called under it.
#[derive(Default)]
pub(super) struct DenialCounter(Mutex<HashMap<DenialKey, u64>>);

#[derive(PartialEq, Eq, Hash)]
struct DenialKey {
    app: Arc<str>,
    username: Username,
    command: ModerationCommand,
    minute: u64,
}

impl DenialCounter {
    pub(super) fn count(
        &self,
        app: &Arc<str>,
        username: Username,
        command: ModerationCommand,
        now: Timestamp,
    ) {
        let key = DenialKey { app: Arc::clone(app), username, command, minute: minute_of(now) };
        let mut counts = self.0.lock();
        if counts.len() < MAX_COUNTS || counts.contains_key(&key) {
            *counts.entry(key).or_default() += 1;
        }
    }

    /// Persists the counts of past minutes.
    pub(super) fn flush(&self, context: &Context, now: Timestamp) {
        for (denied, times) in self.take_before(now) {
            let event = AuditEvent {
                at_ms: Timestamp::from_secs(denied.minute * MINUTE.as_secs()),
                actor: AuditActor::User(denied.username),
                command: denied.command.as_str().into(),
                room: None,
                version: None,
                target: Target::default(),
                reason: None,
                ref_: None,
                outcome: AuditOutcome::Denied { times },
            };
            let written = context.store.audit(denied.app, vec![event]);
            context.lifecycle.spawn(async move {
                if let Err(error) = written.await {
                    tracing::error!(%error, "cannot write audit rows");
                }
            });
        }
    }

    /// Takes the counts of past minutes.
    fn take_before(&self, now: Timestamp) -> Vec<(DenialKey, u64)> {
        let minute = minute_of(now);
        let mut counts = self.0.lock();
        counts.extract_if(|key, _| key.minute != minute).collect()
    }
}

const fn minute_of(now: Timestamp) -> u64 {
    now.as_secs() / MINUTE.as_secs()
}
