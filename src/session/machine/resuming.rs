//! Taking a session up on a new connection.

use stagedoor_proto::{Disconnect, SessionState, Timestamp};

use super::super::link::Link;
use super::super::secret::SecretHash;
use super::Session;

/// Why a session cannot be taken up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResumeRefused {
    /// The secret is wrong, or `last_seq` was never sent.
    Denied,
    /// It ended; this is how.
    Ended(Disconnect),
    /// The window has passed.
    Expired,
}

/// A session that was taken up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// How many missed frames follow.
    pub replayed: usize,
    /// Requests whose replies are still to come.
    pub pending: Vec<u32>,
    /// Where the session stands.
    pub state: SessionState,
}

impl Session {
    /// Whether `secret` is this session's.
    #[must_use]
    pub fn is_proved_by(&self, secret: SecretHash) -> bool {
        self.secrets.accept(secret)
    }

    /// Takes the session up on the connection of `generation`, replaying what came after `last_seq`.
    ///
    /// # Errors
    /// [`ResumeRefused`]; the session is as it was.
    pub fn resume(
        &mut self,
        generation: u64,
        shown: SecretHash,
        next_secret: SecretHash,
        last_seq: u64,
        now: Timestamp,
    ) -> Result<Taken, ResumeRefused> {
        self.check_resume(shown, last_seq, now)?;
        if matches!(self.link, Link::Live { generation: newest } if newest >= generation) {
            return Err(ResumeRefused::Denied);
        }
        self.secrets.rotate(shown, next_secret);
        self.link = Link::Live { generation };
        if self.ring.has_hole_after(last_seq) {
            // Of half a room's frames a client can make nothing: its rooms are told anew.
            self.ring.drop_rooms();
            self.is_behind = true;
        }
        let replayed = self.ring.rewind(last_seq);
        Ok(Taken { replayed, pending: self.requests.pending().to_vec(), state: self.state })
    }

    /// Whether a client that shows this secret may take the session up.
    ///
    /// # Errors
    /// As [`Session::resume`].
    pub fn check_resume(
        &self,
        shown: SecretHash,
        last_seq: u64,
        now: Timestamp,
    ) -> Result<(), ResumeRefused> {
        if !self.secrets.accept(shown) {
            return Err(ResumeRefused::Denied);
        }
        match &self.link {
            Link::Ended { until, .. } if now >= *until => return Err(ResumeRefused::Denied),
            Link::Ended { ending, .. } => return Err(ResumeRefused::Ended((**ending).clone())),
            Link::Suspended { until } if now >= *until => return Err(ResumeRefused::Expired),
            Link::Live { .. } | Link::Suspended { .. } => {}
        }
        if self.ring.has_sent(last_seq) { Ok(()) } else { Err(ResumeRefused::Denied) }
    }
}
