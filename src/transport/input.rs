//! Tracks whether a connection's socket may have input.
//!
//! A task that is woken to write, as all recipients of a signal are, would otherwise also poll its socket for input in
//! vain. The socket wakes the task through an [`InputWaker`], which sets a flag.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Waker;

use futures::task::{ArcWake, AtomicWaker, WakerRef, waker_ref};

/// The waker for the socket's input.
pub(super) struct InputWaker {
    /// Whether the socket woke the task since the flag was last taken.
    is_flagged: AtomicBool,
    task: AtomicWaker,
}

impl InputWaker {
    /// Starts with the flag set: the socket has not been polled yet.
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self { is_flagged: AtomicBool::new(true), task: AtomicWaker::new() })
    }

    /// Sets the task to wake.
    pub(super) fn register(&self, task: &Waker) {
        self.task.register(task);
    }

    /// Whether there may be input. Clears the flag, so the caller reads until the socket is empty or sets the flag
    /// again.
    pub(super) fn take_flag(&self) -> bool {
        self.is_flagged.swap(false, Ordering::AcqRel)
    }

    /// Sets the flag: input was left unread.
    pub(super) fn flag(&self) {
        self.is_flagged.store(true, Ordering::Release);
    }

    /// The waker to pass to the socket.
    pub(super) fn waker(self: &Arc<Self>) -> WakerRef<'_> {
        waker_ref(self)
    }
}

impl ArcWake for InputWaker {
    fn wake_by_ref(this: &Arc<Self>) {
        this.flag();
        this.task.wake();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn socket_wake_sets_the_flag_and_write_wake_does_not() {
        let input = InputWaker::new();
        assert!(input.take_flag(), "nothing is known at first");
        input.register(Waker::noop());
        assert!(!input.take_flag());
        input.waker().wake_by_ref();
        assert!(input.take_flag());
        assert!(!input.take_flag(), "a mark is taken once");
    }
}
