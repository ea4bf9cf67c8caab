//! The session itself: what each input does to state, frames, token life and link.

mod close;
mod output;
mod resuming;
mod saved;
#[cfg(test)]
mod tests;

use std::time::Duration;

use stagedoor_proto::{
    CloseCode, Disconnect, ErrorCode, Push, SessionState, SessionStateChange, Timestamp,
    TokenExpiring, encode_push,
};

use super::lifetime::{Lifetime, LifetimeEvent, LifetimeSettings};
use super::link::Link;
use super::requests::Requests;
use super::ring::{Body, Ring, RingLimits};
use super::secret::{SecretHash, Secrets};
use super::state::{Input, next};
use crate::rate_limit::{Rate, RateLimiter};

/// The number of the push that says `establishing`; it is sent before there is a session to number it.
const ESTABLISHING_SEQ: u64 = 1;

pub use output::Output;
pub use resuming::{ResumeRefused, Taken};
pub use saved::{Inconsistent, MAX_SAVED_RING_BYTES, SavedSession};

/// What an operator sets for every session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionSettings {
    /// How much the ring may hold.
    pub ring: RingLimits,
    /// How long a lost connection is waited for, and an ended session remembered.
    pub window: Duration,
    /// How the token's life is watched.
    pub lifetime: LifetimeSettings,
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
    state: SessionState,
    /// Of the state: grows by one with each change.
    version: u64,
    ring: Ring,
    life: Lifetime,
    secrets: Secrets,
    link: Link,
    /// What the connection that was last detached by the gateway is to be told.
    parting: Option<(u64, Box<Disconnect>)>,
    requests: Requests,
    commands: RateLimiter,
    pongs: RateLimiter,
    /// Something of a room was not kept: the client's rooms are to be told anew.
    is_behind: bool,
    /// Commands refused for their rate since one was taken.
    refused: u32,
}

/// Why a request is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestRefused {
    /// Too fast; the request is answered with an error and may come again.
    RateLimited(Duration),
    /// Too fast for too long: 4202.
    Flood(Duration),
    /// Too many wait for their reply, or this id does already: 4503.
    InFlight,
}

impl Session {
    /// A session that was just let in, on the connection of this generation.
    ///
    /// Its client has been told `establishing` by [`Session::establishing`]; `established` is the first frame.
    #[must_use]
    pub fn established(
        generation: u64,
        secret: SecretHash,
        expires: Timestamp,
        now: Timestamp,
        settings: &SessionSettings,
    ) -> Self {
        let mut session = Self {
            state: SessionState::Establishing,
            version: 1,
            ring: Ring::new(ESTABLISHING_SEQ + 1),
            life: Lifetime::new(now, expires, settings.lifetime),
            secrets: Secrets::new(secret),
            link: Link::Live { generation },
            parting: None,
            requests: Requests::default(),
            commands: RateLimiter::default(),
            pongs: RateLimiter::default(),
            is_behind: false,
            refused: 0,
        };
        session.turn(Input::LetIn, None, settings);
        session
    }

    /// The number and body of the push that a start is answered with at once.
    #[must_use]
    pub fn establishing() -> (u64, Vec<u8>) {
        let change = SessionStateChange {
            state: SessionState::Establishing,
            version: 1,
            code: None,
            reason: None,
        };
        (ESTABLISHING_SEQ, encode_push(&Push::SessionState(change)))
    }

    /// Where it stands.
    #[must_use]
    pub const fn state(&self) -> SessionState {
        self.state
    }

    /// Whether it has a connection.
    #[must_use]
    pub const fn link(&self) -> &Link {
        &self.link
    }

    /// Whether the connection of `generation` carries it.
    #[must_use]
    pub fn is_served_by(&self, generation: u64) -> bool {
        matches!(self.link, Link::Live { generation: newest } if newest == generation)
    }

    /// When its token runs out.
    #[must_use]
    pub const fn expires(&self) -> Timestamp {
        self.life.expires()
    }

    /// When [`Session::handle_time`] has something to do next.
    #[must_use]
    pub fn due(&self) -> Timestamp {
        match &self.link {
            Link::Live { .. } => self.life.due(),
            Link::Suspended { until } => self.life.due().min(*until),
            Link::Ended { until, .. } => *until,
        }
    }

    /// Takes a request of the client; it stays pending until [`Session::finish`].
    ///
    /// # Errors
    /// [`RequestRefused`]; nothing is pending then.
    pub fn begin(
        &mut self,
        id: u32,
        now: Timestamp,
        limits: RequestLimits,
    ) -> Result<(), RequestRefused> {
        if let Err(wait) = self.commands.take(limits.commands, now) {
            self.refused += 1;
            let flood = self.refused > limits.commands.burst();
            return Err(if flood {
                RequestRefused::Flood(wait)
            } else {
                RequestRefused::RateLimited(wait)
            });
        }
        self.refused = 0;
        if self.requests.begin(id, limits.in_flight) {
            Ok(())
        } else {
            Err(RequestRefused::InFlight)
        }
    }

    /// Answers a pending request with the body of its reply.
    pub fn finish(
        &mut self,
        id: u32,
        reply: Body,
        now: Timestamp,
        settings: &SessionSettings,
    ) -> bool {
        self.requests.finish(id);
        self.push(reply, now, settings)
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
    pub fn handle_life(&mut self) {
        self.secrets.settle();
    }

    /// The connection of `generation` is gone; an older one's loss changes nothing.
    pub fn handle_loss(&mut self, generation: u64, now: Timestamp, settings: &SessionSettings) {
        if self.is_served_by(generation) {
            self.link = Link::Suspended { until: now + settings.window };
            // What waits now is for the next connection, and not for one parted from before this one.
            self.parting = None;
        }
    }

    /// The token was renewed.
    pub fn renew(&mut self, expires: Timestamp, now: Timestamp, settings: &SessionSettings) {
        self.life = Lifetime::new(now, expires, settings.lifetime);
        // What was not told meanwhile is gone; the rooms are told anew.
        self.is_behind |= self.state == SessionState::TokenExpired;
        self.turn(Input::Renewed, None, settings);
    }

    /// No token can be had now; when it will be asked for again.
    pub fn postpone(&mut self, now: Timestamp, settings: &SessionSettings) -> Timestamp {
        self.life.postpone(now, settings.lifetime)
    }

    /// Does what time brought; `true` when the session may be forgotten.
    pub fn handle_time(&mut self, now: Timestamp, settings: &SessionSettings) -> bool {
        match &self.link {
            Link::Ended { until, .. } => return now >= *until,
            Link::Suspended { until } if now >= *until => {
                self.part(Disconnect::new(CloseCode::ResumeExpired), now, settings);
                return false;
            }
            Link::Suspended { .. } | Link::Live { .. } => {}
        }
        while let Some(event) = self.life.poll(now) {
            match event {
                LifetimeEvent::Prompt => {
                    let expiring = TokenExpiring { expires_at_ms: self.life.expires(), room: None };
                    self.push(encode_push(&Push::TokenExpiring(expiring)).into(), now, settings);
                }
                LifetimeEvent::Expired => self.turn(Input::Expired, None, settings),
                LifetimeEvent::GraceOver => {
                    self.part(Disconnect::new(CloseCode::TokenExpired), now, settings);
                }
            }
        }
        false
    }

    /// Whether a command may be used in this state.
    ///
    /// # Errors
    /// The code it fails with.
    pub fn permit(&self, is_allowed_while_expired: bool) -> Result<(), ErrorCode> {
        match self.state {
            SessionState::Established => Ok(()),
            SessionState::TokenExpired if is_allowed_while_expired => Ok(()),
            SessionState::TokenExpired => Err(ErrorCode::TokenExpired),
            SessionState::NotLoggedIn | SessionState::Establishing | SessionState::Terminated => {
                Err(ErrorCode::NotAllowedNow)
            }
        }
    }

    /// Changes the state and tells the client; what is told last may overflow a full ring and is then told by the
    /// `disconnect` alone.
    fn turn(&mut self, input: Input, why: Option<&Disconnect>, settings: &SessionSettings) {
        let Some(state) = next(self.state, input) else { return };
        self.state = state;
        self.version += 1;
        let change = SessionStateChange {
            state,
            version: self.version,
            code: why.map(|why| why.code),
            reason: why.map(|why| why.reason.clone()),
        };
        let _ =
            self.ring.push(encode_push(&Push::SessionState(change)).into(), None, settings.ring);
    }
}
