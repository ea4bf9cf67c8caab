//! The task that writes a session's frames, while it waits for the next one.

use std::task::Waker;

/// Who is to be woken for a session that has something to say.
#[derive(Debug, Default)]
pub(super) enum Writer {
    /// Nobody: it runs, was woken, or is not there.
    #[default]
    Busy,
    /// It waits.
    Waiting(Waker),
    /// It waits, and somebody who tells many has promised to wake it in its turn.
    Owed(Waker),
}

impl Writer {
    /// It waits from now on.
    pub(super) fn wait(&mut self, waker: &Waker) {
        *self = Self::Waiting(waker.clone());
    }

    /// Whom to wake now, if it waits; a promise to wake it is void then.
    pub(super) fn take(&mut self) -> Option<Waker> {
        match std::mem::take(self) {
            Self::Busy => None,
            Self::Waiting(waker) | Self::Owed(waker) => Some(waker),
        }
    }

    /// Promises to wake it; `false` when that is not needed, or somebody else has promised.
    pub(super) fn owe(&mut self) -> bool {
        let former = std::mem::take(self);
        let is_new = matches!(former, Self::Waiting(_));
        *self = match former {
            Self::Busy => Self::Busy,
            Self::Waiting(waker) | Self::Owed(waker) => Self::Owed(waker),
        };
        is_new
    }

    /// Whom to wake as promised, unless somebody else has woken it since.
    pub(super) fn take_owed(&mut self) -> Option<Waker> {
        match std::mem::take(self) {
            Self::Owed(waker) => Some(waker),
            other @ (Self::Busy | Self::Waiting(_)) => {
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
    fn deferred_wake_fires_once() {
        let mut writer = Writer::default();
        assert!(!writer.owe(), "it does not wait");
        writer.wait(Waker::noop());
        assert!(writer.owe());
        assert!(!writer.owe(), "one promise is enough");
        assert!(writer.take().is_some(), "somebody else is faster");
        assert!(writer.take_owed().is_none());
        writer.wait(Waker::noop());
        assert!(writer.take_owed().is_none(), "it waits for something newer");
        assert!(writer.owe());
        assert!(writer.take_owed().is_some());
        assert!(writer.take().is_none());
    }
}
