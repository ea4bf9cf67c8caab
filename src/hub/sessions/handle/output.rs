//! What a session's connection writes, and who wakes it for that.

use std::task::Waker;

use stagedoor_proto::{Disconnect, encode_ping};

use super::SessionHandle;
use crate::session::{Output, Session};

/// What [`SessionHandle::write`] came to.
#[derive(Debug)]
pub enum Written {
    /// There is more; the batch is full.
    More,
    /// All of it. The task will be woken when there is more.
    All,
    /// All of it; the connection is to close with this.
    Parted(Box<Disconnect>),
}

impl SessionHandle {
    /// Changes the session from elsewhere; `true` when its connection is to be woken for that by
    /// [`SessionHandle::wake_owed`].
    pub(in crate::hub) fn tell_owing(&self, change: impl FnOnce(&mut Session)) -> bool {
        let mut inner = self.lock();
        change(&mut inner.session);
        self.note_due(&mut inner);
        inner.writer.owe()
    }

    /// Wakes the connection as promised, unless that was done since.
    pub(in crate::hub) fn wake_owed(&self) {
        let waker = self.lock().writer.take_owed();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Hands what waits for the connection of `generation` to `write`, frame by frame, until that answers `false`.
    ///
    /// A frame without a number is a ping. When all is written, `waker` is kept for the next frame.
    pub fn write(
        &self,
        generation: u64,
        waker: &Waker,
        mut write: impl FnMut(Option<u64>, &[u8]) -> bool,
    ) -> Written {
        let mut inner = self.lock();
        if std::mem::take(&mut inner.ping) && !write(None, encode_ping()) {
            return Written::More;
        }
        loop {
            match inner.session.poll_output(generation) {
                Output::Frame(seq, body) => {
                    if !write(Some(seq), body) {
                        return Written::More;
                    }
                }
                Output::Idle => {
                    inner.writer.wait(waker);
                    return Written::All;
                }
                Output::Part(disconnect) => return Written::Parted(disconnect),
            }
        }
    }

    /// What the connection of `generation` is parted from with, if it is; otherwise `waker` is kept for that.
    pub fn parted(&self, generation: u64, waker: &Waker) -> Option<Box<Disconnect>> {
        let mut inner = self.lock();
        let parted = inner.session.parted(generation);
        if parted.is_none() {
            inner.writer.wait(waker);
        }
        parted
    }
}
