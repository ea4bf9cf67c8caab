//! Resuming a session on a new connection.

use stagedoor_proto::{Disconnect, SessionState, Timestamp};

use super::super::link::Link;
use super::super::secret::SecretHash;
use super::super::timer::Timer;
use super::Session;

/// Why a session cannot be resumed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResumeError {
    /// The secret is wrong, or `last_seq` was never sent.
    Denied,
    /// It ended; this is how.
    Ended(Disconnect),
    /// The window has passed.
    Expired,
}

/// A session that was resumed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResumeOutcome {
    /// How many missed frames follow.
    pub replayed: usize,
    /// Requests whose replies are still to come.
    pub pending: Vec<u32>,
    /// Where the session stands.
    pub state: SessionState,
}

/// What a client shows to resume a session.
#[derive(Clone, Copy, Debug)]
pub struct ResumeClaim {
    /// The hash of the resume secret that it has.
    pub shown: SecretHash,
    /// The last frame that it has.
    pub last_seq: u64,
}

impl ResumeClaim {
    /// Whether the session can be resumed by it.
    ///
    /// # Errors
    /// [`ResumeError`].
    pub fn check(self, session: &Session, now: Timestamp) -> Result<(), ResumeError> {
        if !session.secrets.accept(self.shown) {
            return Err(ResumeError::Denied);
        }
        match &session.link {
            Link::Ended { .. } => {
                let ending = session.remembered_ending(now).cloned();
                return Err(ending.map_or(ResumeError::Denied, ResumeError::Ended));
            }
            Link::Suspended if session.timers.has_fired(Timer::Window, now) => {
                return Err(ResumeError::Expired);
            }
            Link::Live { .. } | Link::Suspended => {}
        }
        if session.ring.has_sent(self.last_seq) { Ok(()) } else { Err(ResumeError::Denied) }
    }

    /// Resumes the session on the connection of `generation`, replaying what came after `last_seq`.
    ///
    /// # Errors
    /// [`ResumeError`]; the session is as it was.
    pub fn resume(
        self,
        session: &mut Session,
        generation: u64,
        next_secret: SecretHash,
        now: Timestamp,
    ) -> Result<ResumeOutcome, ResumeError> {
        self.check(session, now)?;
        if session.generation().is_some_and(|newest| newest >= generation) {
            return Err(ResumeError::Denied);
        }
        session.secrets.rotate(self.shown, next_secret);
        session.link = Link::Live { generation };
        session.timers.stop(Timer::Window);
        if session.ring.has_hole_after(self.last_seq) {
            // Of half a room's frames a client can make nothing: it gets fresh snapshots.
            session.ring.drop_rooms();
            session.is_behind = true;
        }
        let replayed = session.ring.rewind(self.last_seq);
        let pending = session.requests.pending().to_vec();
        Ok(ResumeOutcome { replayed, pending, state: session.state })
    }
}
