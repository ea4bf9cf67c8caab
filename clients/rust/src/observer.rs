//! Values that programs observe: the state of a session, its connection, a room.
//!
//! A property and its observers read one cell, so they never disagree. The session's task writes it.

use stagedoor_proto::{SessionId, SessionState};
use tokio::sync::watch;

use crate::Ending;

/// The state of a session at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SessionSnapshot {
    /// The state, as the gateway reported it last.
    pub state: SessionState,
    /// The id of the session; `None` before the first one.
    pub session: Option<SessionId>,
    /// Why the session ended or its client gave up; `None` while it goes on.
    pub ending: Option<Ending>,
}

impl SessionSnapshot {
    /// No session.
    pub(crate) const IDLE: Self =
        Self { state: SessionState::NotLoggedIn, session: None, ending: None };
}

/// Follows the state of a session.
pub type StateObserver = Observer<SessionSnapshot>;

/// Follows a value.
///
/// Only the newest value is kept: a slow observer skips values between, and memory stays flat.
#[derive(Clone, Debug)]
pub struct Observer<T> {
    values: watch::Receiver<T>,
}

impl<T: Clone> Observer<T> {
    /// The first call of [`Observer::next`] returns the current value.
    pub(crate) fn new(mut values: watch::Receiver<T>) -> Self {
        values.mark_changed();
        Self { values }
    }

    /// The value now.
    #[must_use]
    pub fn value(&self) -> T {
        self.values.borrow().clone()
    }

    /// The current value at the first call, then the next one; `None` when no other value can follow.
    ///
    /// # Cancel safety
    /// Dropping the future skips no value.
    pub async fn next(&mut self) -> Option<T> {
        self.values.changed().await.ok()?;
        Some(self.values.borrow_and_update().clone())
    }

    /// Waits until `is_wanted` and returns that value; `None` when no other value can follow.
    ///
    /// # Cancel safety
    /// Dropping the future skips no value.
    pub async fn wait_for(&mut self, is_wanted: impl FnMut(&T) -> bool) -> Option<T> {
        self.values.wait_for(is_wanted).await.ok().map(|value| value.clone())
    }
}
