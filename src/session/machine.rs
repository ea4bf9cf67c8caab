//! The session itself: what each input does to state, frames, timers and link.

mod close;
mod handshake;
mod output;
mod resuming;
mod saved;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use stagedoor_proto::{
    CloseCode, CommandClass, Disconnect, ErrorCode, Push, SessionState, SessionStateChange,
    Timestamp, TokenExpiring, encode_push,
};

use super::expiry::ExpirySettings;
use super::link::Link;
use super::requests::Requests;
use super::ring::{Body, Ring, RingLimits};
use super::secret::{SecretHash, Secrets};
use super::state::{Input, next};
use super::timer::{Timer, Timers};
use crate::rate_limit::{Rate, RateLimiter};

pub use handshake::{Establishing, HandshakePush};
pub use output::Output;
pub use resuming::{ResumeClaim, ResumeError, ResumeOutcome};
pub use saved::{Inconsistent, MAX_SAVED_RING_BYTES, SavedSession};

/// The number of the first push of a session, the one that says `establishing`.
const ESTABLISHING_SEQ: u64 = 1;
/// The version of the state `establishing`.
const ESTABLISHING_VERSION: u64 = 1;

/// What an operator sets for every session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionSettings {
    /// How much the ring may hold.
    pub ring: RingLimits,
    /// How long a lost connection is waited for, and an ended session remembered.
    pub window: Duration,
    /// What follows from a token's expiry.
    pub expiry: ExpirySettings,
}

/// What an operator allows every session to ask for; may change while sessions live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestLimits {
    /// How many commands are taken.
    pub commands: Rate,
    /// How many requests may wait for their reply at a time.
    pub in_flight: usize,
}

/// One client instance's authenticated presence.
#[derive(Debug)]
pub struct Session {
    settings: Arc<SessionSettings>,
    state: SessionState,
    /// Of the state: grows by one with each change.
    version: u64,
    ring: Ring,
    /// When its token expires, or did.
    expires: Timestamp,
    timers: Timers,
    secrets: Secrets,
    link: Link,
    /// The connection that the gateway last closed, and what it is still to be told.
    pending_close: Option<(u64, Box<Disconnect>)>,
    requests: Requests,
    commands: RateLimiter,
    pongs: RateLimiter,
    /// Something of a room was not kept: the client's rooms are to be told anew.
    is_behind: bool,
    /// Commands refused for their rate since one was taken.
    refused: u32,
}

/// Why a request is not admitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AdmissionError {
    /// Too fast; the request is answered with an error and may come again.
    RateLimited(Duration),
    /// Too fast for too long: 4202.
    Flooding(Duration),
    /// Too many wait for their reply, or this id does already: 4503.
    InFlight,
    /// The state allows no command of this class.
    State(ErrorCode),
}

impl Session {
    /// What [`Establishing`] turns into.
    fn established(
        generation: u64,
        secret: SecretHash,
        expires: Timestamp,
        now: Timestamp,
        settings: Arc<SessionSettings>,
    ) -> Self {
        let mut timers = Timers::NONE;
        timers.begin_token(now, expires, settings.expiry);
        let mut session = Self {
            settings,
            state: SessionState::Establishing,
            version: ESTABLISHING_VERSION,
            ring: Ring::new(ESTABLISHING_SEQ + 1),
            expires,
            timers,
            secrets: Secrets::new(secret),
            link: Link::Live { generation },
            pending_close: None,
            requests: Requests::default(),
            commands: RateLimiter::default(),
            pongs: RateLimiter::default(),
            is_behind: false,
            refused: 0,
        };
        session.transition(Input::LetIn, None);
        session
    }

    /// Its state.
    #[must_use]
    pub const fn state(&self) -> SessionState {
        self.state
    }

    /// Whether it has a connection.
    #[must_use]
    pub const fn link(&self) -> &Link {
        &self.link
    }

    /// The generation of the connection that carries it, if one does.
    #[must_use]
    pub const fn generation(&self) -> Option<u64> {
        match self.link {
            Link::Live { generation } => Some(generation),
            Link::Suspended | Link::Ended { .. } => None,
        }
    }

    /// Whether `secret` is its resume secret.
    #[must_use]
    pub fn is_proved_by(&self, secret: SecretHash) -> bool {
        self.secrets.accept(secret)
    }

    /// When its token expires, or did.
    #[must_use]
    pub const fn expires(&self) -> Timestamp {
        self.expires
    }

    /// How it ended, for as long as a late `resume` is told.
    #[must_use]
    pub fn remembered_ending(&self, now: Timestamp) -> Option<&Disconnect> {
        match &self.link {
            Link::Ended { ending } if !self.timers.has_fired(Timer::Retention, now) => Some(ending),
            Link::Ended { .. } | Link::Live { .. } | Link::Suspended => None,
        }
    }

    /// When [`Session::handle_timeout`] has something to do next.
    #[must_use]
    pub fn next_timeout(&self) -> Timestamp {
        self.timers.next()
    }

    /// Admits a request of the client; it is pending until [`Session::reply`].
    ///
    /// # Errors
    /// [`AdmissionError`]. It is pending all the same where the state is the reason: that is answered with an error.
    pub fn admit(
        &mut self,
        id: u32,
        class: CommandClass,
        now: Timestamp,
        limits: RequestLimits,
    ) -> Result<(), AdmissionError> {
        if let Err(wait) = self.commands.take(limits.commands, now) {
            self.refused += 1;
            let is_flood = self.refused > limits.commands.burst();
            return Err(if is_flood {
                AdmissionError::Flooding(wait)
            } else {
                AdmissionError::RateLimited(wait)
            });
        }
        self.refused = 0;
        if !self.requests.begin(id, limits.in_flight) {
            return Err(AdmissionError::InFlight);
        }
        match self.state {
            SessionState::Established => Ok(()),
            SessionState::TokenExpired if class.is_allowed_while_expired() => Ok(()),
            SessionState::TokenExpired => Err(AdmissionError::State(ErrorCode::TokenExpired)),
            SessionState::NotLoggedIn | SessionState::Establishing | SessionState::Terminated => {
                Err(AdmissionError::State(ErrorCode::NotAllowedNow))
            }
        }
    }

    /// Answers a pending request with the body of its reply.
    pub fn reply(&mut self, id: u32, reply: Body, now: Timestamp) -> bool {
        self.requests.finish(id);
        self.push(reply, now)
    }

    /// Whether frames were sent of which the client has not said that it has them.
    #[must_use]
    pub fn has_unconfirmed(&self) -> bool {
        self.ring.keeps_sent()
    }

    /// The client has the frames up to `seq`.
    ///
    /// Pongs have an allowance of their own, as large as that of commands: no client needs it, and a flood finds its end.
    ///
    /// # Errors
    /// How long to wait, where there were too many: 4202.
    pub fn handle_pong(
        &mut self,
        seq: u64,
        now: Timestamp,
        limits: RequestLimits,
    ) -> Result<(), Duration> {
        self.ring.trim(seq);
        self.pongs.take(limits.commands, now)
    }

    /// The first frame arrived on the newest connection.
    pub fn confirm_resume(&mut self) {
        self.secrets.settle();
    }

    /// The connection of `generation` is gone; an older one's loss changes nothing.
    pub fn handle_lost_connection(&mut self, generation: u64, now: Timestamp) {
        if self.generation() == Some(generation) {
            self.link = Link::Suspended;
            self.timers.set(Timer::Window, now + self.settings.window);
            // What waits now is for the next connection, and not for one parted from before this one.
            self.pending_close = None;
        }
    }

    /// The token was renewed. A session that ended stays as it ended.
    pub fn renew(&mut self, expires: Timestamp, now: Timestamp) {
        if matches!(self.link, Link::Ended { .. }) {
            return;
        }
        self.expires = expires;
        self.timers.begin_token(now, expires, self.settings.expiry);
        // What was not told meanwhile is gone; the rooms are told anew.
        self.is_behind |= self.state == SessionState::TokenExpired;
        self.transition(Input::Renewed, None);
    }

    /// No token can be had now; when it will be asked for again.
    pub fn postpone(&mut self, now: Timestamp) -> Timestamp {
        if matches!(self.link, Link::Ended { .. }) {
            return now + self.settings.expiry.renewal_postponement;
        }
        self.timers.postpone_prompt(now, self.settings.expiry)
    }

    /// Does what each timer that has fired stands for; `true` when the session may be forgotten.
    pub fn handle_timeout(&mut self, now: Timestamp) -> bool {
        for timer in Timer::ALL {
            if !self.timers.has_fired(timer, now) {
                continue;
            }
            match timer {
                Timer::Retention => return true,
                Timer::Window => self.disconnect(Disconnect::new(CloseCode::ResumeExpired), now),
                Timer::Expiry => {
                    self.timers.expire_token(self.expires);
                    self.transition(Input::Expired, None);
                }
                Timer::Grace => self.disconnect(Disconnect::new(CloseCode::TokenExpired), now),
                Timer::Prompt => {
                    self.timers.stop(Timer::Prompt);
                    let expiring = TokenExpiring { expires_at_ms: self.expires, room: None };
                    self.push(encode_push(&Push::TokenExpiring(expiring)).into(), now);
                }
            }
        }
        false
    }

    /// Changes the state and tells the client; what is told last may overflow a full ring and is then told by the
    /// `disconnect` alone.
    fn transition(&mut self, input: Input, why: Option<&Disconnect>) {
        let Some(state) = next(self.state, input) else { return };
        self.state = state;
        self.version += 1;
        let change = SessionStateChange {
            state,
            version: self.version,
            code: why.map(|why| why.code),
            reason: why.map(|why| why.reason.clone()),
        };
        let _ = self.ring.push(
            encode_push(&Push::SessionState(change)).into(),
            None,
            self.settings.ring,
        );
    }
}
