//! The wake-up state of the task that writes a session's frames.

use std::task::Waker;

use stagedoor_proto::Disconnect;

/// The result of writing a batch of frames.
#[derive(Debug)]
pub enum Written {
    /// The batch is full, and more frames wait.
    More,
    /// All frames were written. The task is woken when there are more.
    All,
    /// All frames were written; the connection closes with this.
    Close(Box<Disconnect>),
}

/// The wake-up state of the task of a connection.
#[derive(Debug, Default)]
pub(super) enum WakeState {
    /// The task runs, was woken, or does not exist: it checks for output before it waits.
    #[default]
    Running,
    /// The task has written everything, and waits for more.
    Waiting(Waker),
    /// The socket is not writable; only the socket or a close wakes the task.
    Blocked(Waker),
    /// The task waits, there is output, and a fan-out will wake it.
    Deferred(Waker),
}

impl WakeState {
    /// The waker to call now. It cancels a deferred wake-up.
    pub(super) fn take(&mut self) -> Option<Waker> {
        match std::mem::take(self) {
            Self::Running => None,
            Self::Waiting(waker) | Self::Blocked(waker) | Self::Deferred(waker) => Some(waker),
        }
    }

    /// Defers the wake-up; `false` if another fan-out has deferred it already.
    pub(super) fn defer(&mut self) -> bool {
        let (next, is_new) = match std::mem::take(self) {
            Self::Running => (Self::Running, false),
            Self::Waiting(waker) | Self::Blocked(waker) => (Self::Deferred(waker), true),
            Self::Deferred(waker) => (Self::Deferred(waker), false),
        };
        *self = next;
        is_new
    }

    /// The waker of a deferred wake-up, unless the task was woken since.
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
    fn deferred_wake_happens_once() {
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
