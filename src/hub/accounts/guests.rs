//! Forgets guests: those who were not seen for the retention, and of an app that has nearly too many first those who
//! were not seen for longest.
//!
//! Those with a session stay, and of an app with too many those with a block, mute, role or exemption. The access
//! tokens of the others are void then; they start again as guests.

use std::sync::Arc;
use std::time::Duration;

use super::Accounts;
use crate::engine::DirectoryKey;
use crate::hub::errors::CallError;
use crate::store::{IdleGuest, StoreError};
use crate::time::Monotonic;

/// Longer than a start takes from its admission until its session is in the directory.
const MIN_IDLE: Duration = Duration::from_mins(1);
/// Pause after a run that left too many, because most have a session or something is held of them.
const PAUSE: Duration = Duration::from_mins(1);

/// A run. Its end, also by a panic, lets another begin.
struct Run(Arc<Accounts>);

impl Drop for Run {
    fn drop(&mut self) {
        self.0.forgetting.end();
    }
}

/// Begins to forget guests of apps that have 95 % of `guests_per_app`, down to 90 %.
pub(in crate::hub) fn forget_surplus_guests(accounts: &Arc<Accounts>, now: Monotonic) {
    let max = accounts.context.limits().guests_per_app;
    let apps = accounts.context.apps.keys();
    let full: Vec<_> = apps.filter(|app| accounts.has_surplus(app, max)).map(Arc::clone).collect();
    if full.is_empty() || !accounts.forgetting.begin(now) {
        return;
    }
    let run = Run(Arc::clone(accounts));
    accounts.context.lifecycle.spawn(async move {
        let accounts = &run.0;
        for app in &full {
            match accounts.forget_guests(app, max - max / 10).await {
                Ok(guests) => tracing::info!(app = &**app, guests, "forgot idle guests"),
                Err(error) => tracing::warn!(app = &**app, %error, "cannot forget idle guests"),
            }
        }
        if full.iter().any(|app| accounts.has_surplus(app, max)) {
            accounts.forgetting.pause(accounts.context.clock.monotonic(), PAUSE);
        }
    });
}

/// Removes guests who were not seen for `retention`. Those with a session stay: they can renew it, and a user who
/// registers their name ends it. Returns how many were removed.
///
/// # Errors
/// If the store fails.
pub(in crate::hub) async fn prune_guests(
    accounts: &Accounts,
    retention: Duration,
) -> Result<u64, StoreError> {
    let (store, now) = (&accounts.context.store, accounts.context.clock.wall());
    // Starts, resumes, renewals and joins have recorded the others.
    let recent = now - retention / 2;
    let present = accounts.sessions.select(|session| {
        session.meta().guest && session.meta().started < recent && !session.has_ended()
    });
    for session in present {
        accounts.access.record_presence(&session).await?;
    }
    store.prune_guests(now - retention).await
}

impl Accounts {
    fn has_surplus(&self, app: &str, max: usize) -> bool {
        self.context.store.sizes(app).guests >= max - max / 20
    }

    /// Forgets guests until fewer than `target` are left, or all were examined. Returns how many were forgotten.
    async fn forget_guests(&self, app: &Arc<str>, target: usize) -> Result<usize, CallError> {
        let store = &self.context.store;
        let (mut forgotten, mut after) = (0, None);
        loop {
            let now = self.context.clock.wall();
            let page = store.idle_guests(Arc::clone(app), after, now - MIN_IDLE).await?;
            let mut idle = self.without_session(page.guests).await?.into_iter();
            loop {
                // Something may be held of some of them, so that they stay.
                let surplus = (store.sizes(app).guests + 1).saturating_sub(target);
                if surplus == 0 {
                    return Ok(forgotten);
                }
                let oldest: Vec<_> = idle.by_ref().take(surplus).collect();
                if oldest.is_empty() {
                    break;
                }
                forgotten += store.forget_guests(Arc::clone(app), oldest, now).await?;
            }
            after = page.next;
            if after.is_none() {
                return Ok(forgotten);
            }
        }
    }

    /// Those of these guests who have no session on any node.
    async fn without_session(&self, guests: Vec<IdleGuest>) -> Result<Vec<IdleGuest>, CallError> {
        let mut idle = Vec::new();
        for guest in guests {
            let rows = self.engine.rows(DirectoryKey::of(&guest.user)).await?;
            if rows.iter().all(|row| row.instance != guest.instance) {
                idle.push(guest);
            }
        }
        Ok(idle)
    }
}
