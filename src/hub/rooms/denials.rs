//! Commands denied for missing permission, counted by actor, command and minute for the audit log.
//!
//! The rows of an app and minute are limited: one more row counts the denials beyond the limit.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use stagedoor_proto::{ModerationCommand, Target, Timestamp, Username};

use crate::hub::context::Context;
use crate::store::{AuditActor, AuditEvent, AuditOutcome};
use crate::sync::Mutex;

/// The interval of one count; it is persisted when the interval ends.
const MINUTE: Duration = Duration::from_mins(1);
/// Maximum rows of all apps that wait to be written, without those that count the rest.
const MAX_COUNTS: usize = 10_000;
/// The command of the row that counts the denials beyond the limit.
const OTHER_DENIALS: &str = "denied_commands";

/// Denials of the current minute. Its lock is held for a few map accesses, and nothing is called under it.
#[derive(Default)]
pub(super) struct DenialCounter(Mutex<Counts>);

#[derive(Default)]
struct Counts {
    rows: HashMap<DenialKey, u64>,
    /// Rows and denials beyond the limit, by app and minute.
    apps: HashMap<(Arc<str>, u64), AppCounts>,
}

#[derive(Clone, Copy, Default)]
struct AppCounts {
    rows: usize,
    others: u64,
}

#[derive(PartialEq, Eq, Hash)]
struct DenialKey {
    app: Arc<str>,
    username: Username,
    command: ModerationCommand,
    minute: u64,
}

/// A row for the audit log. `None` for actor and command: all others of the app.
struct DenialRow {
    app: Arc<str>,
    minute: u64,
    denied: Option<(Username, ModerationCommand)>,
    times: u64,
}

impl DenialCounter {
    /// Counts a denial; `false` if it is beyond the `max_rows` of its app and minute.
    pub(super) fn count(
        &self,
        app: &Arc<str>,
        username: Username,
        command: ModerationCommand,
        max_rows: usize,
        now: Timestamp,
    ) -> bool {
        let minute = minute_of(now);
        let key = DenialKey { app: Arc::clone(app), username, command, minute };
        let Counts { rows, apps } = &mut *self.0.lock();
        if let Some(times) = rows.get_mut(&key) {
            *times += 1;
            return true;
        }
        let of_app = apps.entry((Arc::clone(app), minute)).or_default();
        if of_app.rows >= max_rows || rows.len() >= MAX_COUNTS {
            of_app.others += 1;
            return false;
        }
        of_app.rows += 1;
        rows.insert(key, 1);
        true
    }

    /// Persists the counts of past minutes.
    pub(super) fn flush(&self, context: &Context, now: Timestamp) {
        for DenialRow { app, minute, denied, times } in self.take_before(now) {
            let (actor, command) = match denied {
                Some((username, command)) => (AuditActor::User(username), command.as_str().into()),
                None => (AuditActor::Gateway, OTHER_DENIALS.into()),
            };
            let event = AuditEvent {
                at_ms: Timestamp::from_secs(minute * MINUTE.as_secs()),
                actor,
                command,
                room: None,
                version: None,
                target: Target::default(),
                reason: None,
                ref_: None,
                outcome: AuditOutcome::Denied { times },
            };
            let written = context.store.audit(app, vec![event]);
            context.lifecycle.spawn(async move {
                if let Err(error) = written.await {
                    tracing::error!(%error, "cannot write audit rows");
                }
            });
        }
    }

    /// Takes the counts of other minutes: the wall clock may have stepped back.
    fn take_before(&self, now: Timestamp) -> Vec<DenialRow> {
        let current = minute_of(now);
        let Counts { rows, apps } = &mut *self.0.lock();
        let counted = rows.extract_if(|key, _| key.minute != current).map(|(key, times)| {
            let DenialKey { app, username, command, minute } = key;
            DenialRow { app, minute, denied: Some((username, command)), times }
        });
        let mut taken: Vec<_> = counted.collect();
        let ended = apps.extract_if(|(_, minute), _| *minute != current);
        taken.extend(ended.filter(|(_, counts)| counts.others > 0).map(
            |((app, minute), AppCounts { others, .. })| DenialRow {
                app,
                minute,
                denied: None,
                times: others,
            },
        ));
        taken
    }
}

const fn minute_of(now: Timestamp) -> u64 {
    now.as_secs() / MINUTE.as_secs()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn denials_beyond_the_limit_are_one_row() {
        let (counter, now) = (DenialCounter::default(), Timestamp::from_secs(6_000));
        let [one, other]: [Arc<str>; 2] = ["one".into(), "other".into()];
        let count = |app: &Arc<str>, name: &str| {
            let command = ModerationCommand::LockRoom;
            counter.count(app, name.parse().unwrap(), command, 2, now)
        };
        let within_limit = ["ada", "bob", "eve", "ada", "zoe"].map(|name| count(&one, name));
        assert_eq!(within_limit, [true, true, false, true, false]);
        assert!(count(&other, "eve"), "each app has rows of its own");
        assert!(counter.take_before(now).is_empty());

        let rows = counter.take_before(now + MINUTE);
        let of_one = rows.iter().filter(|row| *row.app == *"one");
        let mut times: Vec<_> = of_one
            .map(|row| (row.denied.as_ref().map(|(name, _)| name.as_str()), row.times))
            .collect();
        times.sort_unstable();
        assert_eq!(times, [(None, 2), (Some("ada"), 2), (Some("bob"), 1)]);
        assert!(counter.take_before(now + MINUTE).is_empty());
    }
}
