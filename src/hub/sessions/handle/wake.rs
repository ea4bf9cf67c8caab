//! The task that writes a session's frames: whether it waits, and for what.

use std::task::Waker;

use stagedoor_proto::Disconnect;

/// What a write of the session's frames came to.
#[derive(Debug)]
pub enum Written {
    /// There is more; the batch is full.
    More,
    /// All of it. The task is woken when there is more.
    All,
    /// All of it; the connection is to close with this.
    Close(Box<Disconnect>),
}

/// The state of the connection's task, as far as it has to be woken.
#[derive(Debug, Default)]
pub(super) enum WakeState {
    /// It runs, was woken, or there is none: it looks for output before it waits again.
    #[default]
    Running,
    /// It has written everything, and waits for more.
    Waiting(Waker),
    /// Its socket takes nothing; besides the socket only a close is worth waking it for.
    Blocked(Waker),
    /// It waits, there is output, and a fan-out has promised to wake it in its turn.
    Deferred(Waker),
}

impl WakeState {
    /// The waker to call now. A promise to wake the task later is void then.
    pub(super) fn take(&mut self) -> Option<Waker> {
        match std::mem::take(self) {
            Self::Running => None,
            Self::Waiting(waker) | Self::Blocked(waker) | Self::Deferred(waker) => Some(waker),
        }
    }

    /// Promises to wake the task later; `false` when another fan-out has promised it already.
    pub(super) fn defer(&mut self) -> bool {
        let (next, is_new) = match std::mem::take(self) {
            Self::Running => (Self::Running, false),
            Self::Waiting(waker) | Self::Blocked(waker) => (Self::Deferred(waker), true),
            Self::Deferred(waker) => (Self::Deferred(waker), false),
        };
        *self = next;
        is_new
    }

    /// The waker to call as promised, unless the task was woken since.
    pub(super) fn take_deferred(&mut self) -> Option<Waker> {
        match std::mem::take(self) {
            Self::Deferred(waker) => Some(waker),
            other @ (Self::Running | Self::Waiting(_) | Self::Blocked(_)) => {
                *self = other;
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deferred_wake_is_done_once_by_whichever_comes_first() {
        let mut state = WakeState::default();
        assert!(!state.defer(), "it does not wait");
        state = WakeState::Waiting(Waker::noop().clone());
        assert!(state.defer());
        assert!(!state.defer(), "one promise is enough");
        assert!(state.take().is_some(), "another change is faster");
        assert!(state.take_deferred().is_none());
        state = WakeState::Waiting(Waker::noop().clone());
        assert!(state.take_deferred().is_none(), "it waits for something newer");
        assert!(state.defer());
        assert!(state.take_deferred().is_some());
        assert!(state.take().is_none());
    }
}
