//! Whether a connection has to look at its socket for input.
//!
//! A task that is woken to write, as every recipient of a signal is, would ask its socket for input each time and be told
//! that there is none. The socket wakes the task through an [`InputWaker`] instead, which leaves a mark.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Waker;

use futures::task::{ArcWake, AtomicWaker, WakerRef, waker_ref};

/// What the socket wakes.
pub(super) struct InputWaker {
    /// The socket woke it since input was last looked for.
    is_flagged: AtomicBool,
    task: AtomicWaker,
}

impl InputWaker {
    /// One that is marked: nothing is known of the socket yet.
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self { is_flagged: AtomicBool::new(true), task: AtomicWaker::new() })
    }

    /// Wakes `task` from now on.
    pub(super) fn register(&self, task: &Waker) {
        self.task.register(task);
    }

    /// Whether there may be input; the mark is gone then, so whoever asks reads until there is no more, or marks again.
    pub(super) fn take_flag(&self) -> bool {
        self.is_flagged.swap(false, Ordering::AcqRel)
    }

    /// Marks it again: input was left unread.
    pub(super) fn flag(&self) {
        self.is_flagged.store(true, Ordering::Release);
    }

    /// What reading is to wake.
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
