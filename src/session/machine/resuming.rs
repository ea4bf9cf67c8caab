//! Resuming a session on a new connection.

use std::time::Duration;

use stagedoor_proto::{Disconnect, SessionState};

use super::super::link::Link;
use super::super::secret::SecretHash;
use super::super::timer::Timer;
use super::Session;
use crate::rate_limit::{Rate, RateLimiter};
use crate::time::Now;

/// Why a session cannot be resumed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResumeError {
    Denied,
    /// The session ended with this `disconnect`.
    Ended(Disconnect),
    Expired,
    /// The session was resumed too often; it can be resumed after this time.
    TooMany(Duration),
}

/// The result of a resume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResumeOutcome {
    /// Number of missed frames that follow.
    pub replayed: usize,
    /// Pending requests, whose replies follow.
    pub pending: Vec<u32>,
    pub state: SessionState,
}

/// The arguments of a resume.
#[derive(Clone, Copy, Debug)]
pub struct ResumeClaim {
    /// The hash of the client's resume secret.
    pub shown: SecretHash,
    /// The last frame that the client received.
    pub last_seq: u64,
    /// The rate of resumes of one session.
    pub rate: Rate,
    /// The rate of those after which the client receives its rooms as a whole.
    pub resets: Rate,
}

impl ResumeClaim {
    /// Checks whether the session can be resumed with these arguments.
    ///
    /// # Errors
    /// [`ResumeError`].
    pub fn check(self, session: &Session, now: Now) -> Result<(), ResumeError> {
        if !session.secrets.accept(self.shown) {
            return Err(ResumeError::Denied);
        }
        match &session.link {
            Link::Ended { .. } => {
                let ending = session.remembered_ending(now).cloned();
                return Err(ending.map_or(ResumeError::Denied, ResumeError::Ended));
            }
            Link::Suspended if session.timers.has_fired(Timer::Window, now.monotonic) => {
                return Err(ResumeError::Expired);
            }
            Link::Live { .. } | Link::Suspended => {}
        }
        if !session.ring.has_sent(self.last_seq) {
            return Err(ResumeError::Denied);
        }
        let (mut resumes, mut resets) = (session.resumes, session.resets);
        self.take(&mut resumes, &mut resets, self.resets_rooms(session), now)
    }

    /// Whether the client receives new snapshots of its rooms.
    fn resets_rooms(self, session: &Session) -> bool {
        self.last_seq == 0 || session.ring.has_hole_after(self.last_seq)
    }

    fn take(
        self,
        resumes: &mut RateLimiter,
        resets: &mut RateLimiter,
        resets_rooms: bool,
        now: Now,
    ) -> Result<(), ResumeError> {
        resumes.take(self.rate, now.monotonic).map_err(ResumeError::TooMany)?;
        if resets_rooms {
            resets.take(self.resets, now.monotonic).map_err(ResumeError::TooMany)?;
        }
        Ok(())
    }

    /// Resumes the session on the connection of `generation`, and replays the frames after `last_seq`.
    ///
    /// # Errors
    /// [`ResumeError`]; the session does not change.
    pub fn resume(
        self,
        session: &mut Session,
        generation: u64,
        next_secret: SecretHash,
        now: Now,
    ) -> Result<ResumeOutcome, ResumeError> {
        self.check(session, now)?;
        if session.generation().is_some_and(|newest| newest >= generation) {
            return Err(ResumeError::Denied);
        }
        let resets_rooms = self.resets_rooms(session);
        self.take(&mut session.resumes, &mut session.resets, resets_rooms, now)?;
        session.secrets.rotate(self.shown, next_secret);
        session.link = Link::Live { generation };
        session.timers.stop(Timer::Window);
        if session.ring.has_hole_after(self.last_seq) {
            // A client cannot use an incomplete series of a room's frames, so it receives new snapshots.
            session.ring.drop_rooms();
            session.is_behind = true;
        }
        if self.last_seq == 0 {
            // The client knows nothing of its rooms: snapshots follow the frames.
            session.is_behind = true;
        }
        let replayed = session.ring.rewind(self.last_seq);
        let pending = session.requests.pending().to_vec();
        Ok(ResumeOutcome { replayed, pending, state: session.state })
    }
}
