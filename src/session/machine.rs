//! The session itself: what each input does to state, frames, token life and link.

#[cfg(test)]
mod tests;

use std::time::Duration;

use stagedoor_proto::{
    CloseCode, Disconnect, ErrorCode, Push, SessionState, SessionStateChange, Timestamp,
    TokenExpiring, encode_push,
};

use super::lifetime::{Lifetime, LifetimeEvent, LifetimeSettings};
use super::link::Link;
use super::rate::{Bucket, Rate};
use super::requests::Requests;
use super::ring::{Body, Ring, RingLimits, RoomTag};
use super::secret::{SecretHash, Secrets};
use super::state::{Input, next};

/// The number of the push that says `establishing`; it is sent before there is a session to number it.
const ESTABLISHING_SEQ: u64 = 1;

/// What an operator sets for every session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionSettings {
    /// How much the ring may hold.
    pub ring: RingLimits,
    /// How long a lost connection is waited for, and an ended session remembered.
    pub window: Duration,
    /// How the token's life is watched.
    pub lifetime: LifetimeSettings,
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
    commands: Bucket,
    /// Something of a room was not kept: the client's rooms are to be told anew.
    is_behind: bool,
    /// Commands refused for their rate since one was taken.
    refused: u32,
}

/// What a connection is to write next.
#[derive(Debug)]
pub enum Output<'a> {
    /// This frame.
    Frame(u64, &'a Body),
    /// Nothing for now.
    Idle,
    /// This, and then a close: the session is no longer this connection's.
    Part(Box<Disconnect>),
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

/// Why a session cannot be taken up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResumeRefused {
    /// The secret is wrong, or `last_seq` was never reached.
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
            commands: Bucket::default(),
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

    /// Tells the client something that no snapshot could bring back; `false` when it has ended.
    ///
    /// A reader too slow for it loses its connection (4203) and keeps its session: what it was not told of its rooms is
    /// given up for this, and it is told the rooms anew when it is back.
    pub fn push(&mut self, body: Body, now: Timestamp, settings: &SessionSettings) -> bool {
        if matches!(self.link, Link::Ended { .. }) {
            return false;
        }
        if self.ring.push(body.clone(), None, settings.ring).is_ok() {
            return true;
        }
        self.fall_behind(now, settings);
        self.ring.push(body, None, settings.ring).is_ok()
    }

    /// Tells the client something of a room.
    ///
    /// While its token is expired only what is `urgent` is told or kept; after that, and after falling behind, the room is
    /// told anew.
    pub fn push_room(
        &mut self,
        body: &Body,
        room: RoomTag,
        urgent: bool,
        now: Timestamp,
        settings: &SessionSettings,
    ) {
        let is_kept = match self.state {
            SessionState::Established => !self.is_behind,
            SessionState::TokenExpired => urgent,
            SessionState::NotLoggedIn | SessionState::Establishing | SessionState::Terminated => {
                false
            }
        };
        if is_kept && self.ring.push(Body::clone(body), Some(room), settings.ring).is_err() {
            self.fall_behind(now, settings);
        }
    }

    /// Withdraws what the client was not yet sent of a room.
    pub fn withdraw(&mut self, room: RoomTag) {
        self.ring.withdraw(room);
    }

    /// Whether the client has to be told its rooms anew; asked once it is connected.
    pub fn catch_up(&mut self) -> bool {
        std::mem::take(&mut self.is_behind)
    }

    fn fall_behind(&mut self, now: Timestamp, settings: &SessionSettings) {
        self.is_behind = true;
        self.ring.drop_rooms();
        self.part(Disconnect::new(CloseCode::SlowConsumer), now, settings);
    }

    /// What the connection of `generation` is to write next; a frame counts as sent.
    ///
    /// A connection the gateway parts from gets what still waits for it first, unless being too slow is why.
    pub fn poll_output(&mut self, generation: u64) -> Output<'_> {
        let is_own = match &self.link {
            Link::Live { generation: newest } => *newest == generation,
            Link::Suspended { .. } | Link::Ended { .. } => self
                .parting
                .as_ref()
                .is_some_and(|(whose, why)| *whose == generation && is_still_reading(why.code)),
        };
        if !is_own {
            return Output::Part(Box::new(self.parting(generation)));
        }
        if !self.ring.has_unsent() {
            return match self.parted(generation) {
                Some(disconnect) => Output::Part(disconnect),
                None => Output::Idle,
            };
        }
        match self.ring.take_unsent() {
            Some((seq, body)) => Output::Frame(seq, body),
            None => Output::Idle,
        }
    }

    /// What the connection of `generation` is parted from with, if it is; whatever waits for it stays.
    pub fn parted(&mut self, generation: u64) -> Option<Box<Disconnect>> {
        match &self.link {
            Link::Live { generation: newest } if *newest == generation => None,
            Link::Live { .. } | Link::Suspended { .. } | Link::Ended { .. } => {
                Some(Box::new(self.parting(generation)))
            }
        }
    }

    fn parting(&mut self, generation: u64) -> Disconnect {
        let Some((_, disconnect)) = self.parting.take_if(|(whose, _)| *whose == generation) else {
            return Disconnect::new(CloseCode::Superseded);
        };
        if matches!(self.link, Link::Ended { .. }) {
            self.ring.clear();
        }
        *disconnect
    }

    /// Takes a request of the client; it stays pending until [`Session::finish`].
    ///
    /// # Errors
    /// [`RequestRefused`]; nothing is pending then.
    pub fn begin(
        &mut self,
        id: u32,
        now: Timestamp,
        settings: &SessionSettings,
    ) -> Result<(), RequestRefused> {
        if let Err(wait) = self.commands.take(settings.commands, now) {
            self.refused += 1;
            let flood = self.refused > settings.commands.burst;
            return Err(if flood {
                RequestRefused::Flood(wait)
            } else {
                RequestRefused::RateLimited(wait)
            });
        }
        self.refused = 0;
        if self.requests.begin(id, settings.in_flight) {
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

    /// The client has the frames up to `seq`, and the connection that got the newest secret is alive.
    pub fn handle_pong(&mut self, seq: u64) {
        self.ring.trim(seq);
    }

    /// The first frame arrived on the newest connection.
    pub fn handle_life(&mut self) {
        self.secrets.settle();
    }

    /// The connection of `generation` is gone; an older one's loss changes nothing.
    pub fn handle_loss(&mut self, generation: u64, now: Timestamp, settings: &SessionSettings) {
        if self.is_served_by(generation) {
            self.link = Link::Suspended { until: now + settings.window };
        }
    }

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
        if !self.secrets.accept(shown) {
            return Err(ResumeRefused::Denied);
        }
        match &self.link {
            Link::Ended { ending, .. } => return Err(ResumeRefused::Ended((**ending).clone())),
            Link::Suspended { until } if now >= *until => return Err(ResumeRefused::Expired),
            Link::Live { generation: newest } if *newest >= generation => {
                return Err(ResumeRefused::Denied);
            }
            Link::Live { .. } | Link::Suspended { .. } => {}
        }
        if last_seq > self.ring.last() {
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

    /// Ends or suspends the session, as the code says, and parts from its connection.
    ///
    /// A session that ended stays as it ended.
    pub fn part(&mut self, disconnect: Disconnect, now: Timestamp, settings: &SessionSettings) {
        let until = now + settings.window;
        if matches!(self.link, Link::Ended { .. }) {
            return;
        }
        let ends = disconnect.code.ends_session();
        if ends {
            self.turn(ending_input(disconnect.code), Some(&disconnect), settings);
        }
        let after = if ends {
            Link::Ended { ending: Box::new(disconnect.clone()), until }
        } else {
            Link::Suspended { until }
        };
        match std::mem::replace(&mut self.link, after) {
            Link::Live { generation } => self.parting = Some((generation, Box::new(disconnect))),
            // Who was away already keeps the time left of its window.
            Link::Suspended { until } if !ends => self.link = Link::Suspended { until },
            Link::Suspended { .. } | Link::Ended { .. } => self.ring.clear(),
        }
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

/// Whether a connection parted from for this reason can be expected to take what still waits.
const fn is_still_reading(code: CloseCode) -> bool {
    !matches!(code, CloseCode::SlowConsumer | CloseCode::HeartbeatLost)
}

/// What an ending code means for the state: the client's own and time's endings log out, others' terminate.
const fn ending_input(code: CloseCode) -> Input {
    match code {
        CloseCode::Normal
        | CloseCode::TokenExpired
        | CloseCode::TokenRevoked
        | CloseCode::ResumeExpired
        | CloseCode::ResumeDenied
        | CloseCode::Malformed
        | CloseCode::TooLarge
        | CloseCode::NotAllowedNow
        | CloseCode::TooManyRequestsInFlight
        | CloseCode::UnsupportedVersion
        | CloseCode::AuthDenied
        | CloseCode::OriginDenied
        | CloseCode::SessionActive
        | CloseCode::Draining
        | CloseCode::Overloaded
        | CloseCode::RateLimited
        | CloseCode::SlowConsumer
        | CloseCode::EngineUnavailable
        | CloseCode::StartTimeout
        | CloseCode::AuthUnavailable
        | CloseCode::Moved
        | CloseCode::HeartbeatLost
        | CloseCode::Unknown(_) => Input::Over,
        CloseCode::Kicked
        | CloseCode::Banned
        | CloseCode::UserDeleted
        | CloseCode::Replaced
        | CloseCode::Terminated
        | CloseCode::Superseded => Input::Removed,
    }
}
