//! The session machine: how each input changes state, frames, timers and link.

mod clock_step;
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
use super::ring::{Body, ReplayMemory, Ring, RingLimits};
use super::secret::{SecretHash, Secrets};
use super::state::{Input, next};
use super::timer::{Timer, Timers};
use crate::rate_limit::{Rate, RateLimiter};
use crate::time::{Monotonic, Now};

pub use clock_step::ClockStep;
pub use handshake::{Establishing, HandshakePush};
pub use output::{Output, ReplayRelief, has_headroom, reserve_reply};
pub use resuming::{ResumeClaim, ResumeError, ResumeOutcome};
pub use saved::{Inconsistent, MAX_SAVED_RING_BYTES, SavedSession};

/// The number of the first push of a session, `establishing`.
const ESTABLISHING_SEQ: u64 = 1;
const ESTABLISHING_VERSION: u64 = 1;

/// The settings of all sessions.
#[derive(Clone, Debug)]
pub struct SessionSettings {
    pub ring: RingLimits,
    /// Counts the memory of all replay buffers.
    pub memory: ReplayMemory,
    /// How long a suspended session can be resumed, and an ended session is retained.
    pub window: Duration,
    /// The same after the client closed its connection because its page goes away; at most `window`.
    pub going_away_window: Duration,
    pub expiry: ExpirySettings,
}

/// The limits of all sessions, which a reload may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestLimits {
    pub commands: Rate,
    /// Pings and pongs of any kind.
    pub keepalives: Rate,
    /// Maximum number of pending requests.
    pub in_flight: usize,
}

/// The session of an authenticated client instance.
#[derive(Debug)]
pub struct Session {
    settings: Arc<SessionSettings>,
    state: SessionState,
    /// The version of the state: increases by one with each change.
    version: u64,
    ring: Ring,
    /// When the token expires or expired.
    expires: Timestamp,
    timers: Timers,
    secrets: Secrets,
    link: Link,
    /// The connection that the gateway last closed, and its unsent `disconnect`.
    pending_close: Option<(u64, Box<Disconnect>)>,
    requests: Requests,
    commands: RateLimiter,
    keepalives: RateLimiter,
    resumes: RateLimiter,
    /// Resumes after which the client's rooms are reset.
    resets: RateLimiter,
    /// Frames of rooms were dropped: the client's rooms need a reset.
    is_behind: bool,
    /// Commands rejected by the rate limiter since the last accepted one.
    refused: u32,
}

/// How the connection of a session was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectionLoss {
    /// The client closed it because its page goes away, and rarely comes back.
    GoingAway,
    Other,
}

/// Why a request is rejected before execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AdmissionError {
    /// The rate limit is exceeded: the request is answered with an error and may be repeated.
    RateLimited(Duration),
    /// The rate limit was exceeded for too long: the connection is closed with 4202.
    Flooding(Duration),
    /// Too many requests are pending, or one with this id: the connection is closed with 4503.
    InFlight,
    /// The state allows no command of this class.
    State(ErrorCode),
}

impl Session {
    /// The session of a successful [`Establishing`].
    fn established(
        generation: u64,
        secret: SecretHash,
        expires: Timestamp,
        now: Now,
        settings: Arc<SessionSettings>,
    ) -> Self {
        let mut timers = Timers::NONE;
        timers.begin_token(now, expires, settings.expiry);
        let mut session = Self {
            ring: Ring::new(ESTABLISHING_SEQ + 1, settings.memory.clone()),
            settings,
            state: SessionState::Establishing,
            version: ESTABLISHING_VERSION,
            expires,
            timers,
            secrets: Secrets::new(secret),
            link: Link::Live { generation },
            pending_close: None,
            requests: Requests::default(),
            commands: RateLimiter::default(),
            keepalives: RateLimiter::default(),
            resumes: RateLimiter::default(),
            resets: RateLimiter::default(),
            is_behind: false,
            refused: 0,
        };
        session.transition(Input::Admitted, None);
        session
    }

    #[must_use]
    pub const fn state(&self) -> SessionState {
        self.state
    }

    #[must_use]
    pub const fn link(&self) -> &Link {
        &self.link
    }

    /// The generation of the connection that serves the session, if there is one.
    #[must_use]
    pub const fn generation(&self) -> Option<u64> {
        match self.link {
            Link::Live { generation } => Some(generation),
            Link::Suspended | Link::Ended { .. } => None,
        }
    }

    #[must_use]
    pub fn is_proved_by(&self, secret: SecretHash) -> bool {
        self.secrets.accept(secret)
    }

    /// When the token expires or expired.
    #[must_use]
    pub const fn expires(&self) -> Timestamp {
        self.expires
    }

    /// How the session ended, while a late `resume` is answered with it.
    #[must_use]
    pub fn remembered_ending(&self, now: Now) -> Option<&Disconnect> {
        match &self.link {
            Link::Ended { ending } if !self.timers.has_fired(Timer::Retention, now.monotonic) => {
                Some(ending)
            }
            Link::Ended { .. } | Link::Live { .. } | Link::Suspended => None,
        }
    }

    /// When [`Session::handle_timeout`] must be called next.
    #[must_use]
    pub fn next_timeout(&self) -> Monotonic {
        self.timers.next()
    }

    /// Admits a request of the client, which is pending until [`Session::reply`].
    ///
    /// # Errors
    /// [`AdmissionError`]. A request rejected because of the state is pending too: the caller replies with an error.
    pub fn admit(
        &mut self,
        id: u32,
        class: CommandClass,
        now: Now,
        limits: RequestLimits,
    ) -> Result<(), AdmissionError> {
        if let Err(wait) = self.commands.take(limits.commands, now.monotonic) {
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

    /// Replies to a pending request with an encoded body.
    pub fn reply(&mut self, id: u32, reply: Body, now: Now) -> bool {
        self.requests.finish(id);
        match self.ring.fill(id, reply, self.settings.ring) {
            Ok(()) => true,
            Err(reply) => self.push(reply, now),
        }
    }

    /// Whether the client has not acknowledged all sent frames.
    #[must_use]
    pub fn has_unacknowledged(&self) -> bool {
        self.ring.keeps_sent()
    }

    /// Counts a ping or pong, of the protocol or of WebSocket: they share one limiter, apart from that of commands.
    /// Removes the frames up to `confirmed`, which the client acknowledged.
    ///
    /// # Errors
    /// The time until the limiter accepts the next one; the connection is closed with 4202.
    pub fn handle_keepalive(
        &mut self,
        confirmed: Option<u64>,
        now: Now,
        limits: RequestLimits,
    ) -> Result<(), Duration> {
        if let Some(seq) = confirmed {
            self.ring.trim(seq);
        }
        self.keepalives.take(limits.keepalives, now.monotonic)
    }

    /// The first frame arrived on the newest connection.
    pub fn confirm_resume(&mut self) {
        self.secrets.settle();
    }

    /// The connection of `generation` is gone; the loss of an older one has no effect.
    pub fn handle_lost_connection(&mut self, generation: u64, loss: ConnectionLoss, now: Now) {
        if self.generation() == Some(generation) {
            self.link = Link::Suspended;
            let window = match loss {
                ConnectionLoss::GoingAway => self.settings.going_away_window,
                ConnectionLoss::Other => self.settings.window,
            };
            self.timers.set(Timer::Window, now.monotonic + window);
            // The queued frames are for the next connection, not for one that was closed earlier.
            self.pending_close = None;
        }
    }

    /// The token was renewed. An ended session does not change.
    pub fn renew(&mut self, expires: Timestamp, now: Now) {
        if matches!(self.link, Link::Ended { .. }) {
            return;
        }
        self.expires = expires;
        self.timers.begin_token(now, expires, self.settings.expiry);
        // Pushes were dropped while the token was expired, so the rooms are reset.
        self.is_behind |= self.state == SessionState::TokenExpired;
        self.transition(Input::Renewed, None);
    }

    /// Postpones the renewal. Returns when the client is prompted again.
    ///
    /// `until` bounds by how much postponing extends the session.
    pub fn postpone(&mut self, until: Timestamp, now: Now) -> Timestamp {
        if matches!(self.link, Link::Ended { .. }) {
            return now.wall + self.settings.expiry.renewal_postponement;
        }
        now.wall_at(self.timers.postpone_prompt(until, now, self.settings.expiry))
    }

    /// Handles all due timers; `true` if the session can be removed.
    pub fn handle_timeout(&mut self, now: Now) -> bool {
        for timer in Timer::ALL {
            if !self.timers.has_fired(timer, now.monotonic) {
                continue;
            }
            match timer {
                Timer::Retention => return true,
                Timer::Window => self.disconnect(Disconnect::new(CloseCode::ResumeExpired), now),
                Timer::Expiry => {
                    self.timers.expire_token();
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

    /// Changes the state and queues a push. The last push may overflow a full ring; then only the `disconnect` reports
    /// the state.
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
