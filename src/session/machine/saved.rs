//! A session outside its process: what the next one needs to go on with it.
//!
//! Invariants: of secrets there are only hashes; a saved session has no connection; no request of it waits, for whoever
//! worked on it is gone. What is left behind of a session that was saved says nothing more to anybody, so that no frame
//! has the number of one that the next process sends. Not here: where it is kept (`hub`, `store`).

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use stagedoor_proto::{
    CloseCode, Disconnect, Error, ErrorCode, SessionState, Timestamp, encode_reply,
};

use super::super::link::Link;
use super::super::requests::Requests;
use super::super::ring::{Bodies, Body, Ring, RoomTag, SavedRing};
use super::super::secret::Secrets;
use super::super::timer::{Timer, Timers};
use super::{Session, SessionSettings};
use crate::rate_limit::RateLimiter;

/// Bytes of frames that are saved of a session; beyond them its rooms are told anew.
pub const MAX_SAVED_RING_BYTES: usize = 64 * 1024;

/// A session as it is kept between two processes.
#[derive(Debug, Serialize, Deserialize)]
pub struct SavedSession {
    state: SessionState,
    version: u64,
    ring: SavedRing,
    expires: Timestamp,
    timers: Timers,
    secrets: Secrets,
    link: SavedLink,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    is_behind: bool,
}

/// Whether it is still waited for.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum SavedLink {
    Suspended,
    Ended { ending: Box<Disconnect> },
}

/// A saved session that no session was saved as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Inconsistent(&'static str);

impl SavedSession {
    /// The session goes on on another node: a connection that still carries it here is told so.
    pub fn supersede(session: &mut Session, now: Timestamp) {
        if let Link::Live { generation } = session.link {
            session.link = Link::Suspended;
            session.timers.set(Timer::Window, now + session.settings.window);
            let superseded = Disconnect::new(CloseCode::Superseded);
            session.pending_close = Some((generation, Box::new(superseded)));
        }
    }

    /// Gives the frames of each room the tag that the room has where the session goes on; `None`: it is not there.
    pub fn map_tags(&mut self, map: impl Fn(RoomTag) -> Option<RoomTag>) {
        self.ring.map_tags(map);
    }

    /// What the next process goes on with; here its connection, if it has one, is told to come back, and nothing else.
    ///
    /// Requests that still wait are answered: that nobody knows what became of them.
    pub fn of(session: &mut Session, now: Timestamp, bodies: &mut Bodies) -> Self {
        session.disconnect(Disconnect::new(CloseCode::Draining), now);
        let unknown = Error::new(
            ErrorCode::Draining,
            "the gateway stopped while it worked on this; whether it took effect is not known",
        );
        for id in session.requests.pending().to_vec() {
            session.reply(id, encode_reply(id, &Err(unknown.clone())).into(), now);
        }
        session.is_behind |= session.ring.shrink(MAX_SAVED_RING_BYTES);
        // What is left behind is kept for as long as the process runs.
        let timers = std::mem::replace(&mut session.timers, Timers::NONE);
        let left = Link::Ended { ending: Box::new(Disconnect::new(CloseCode::Draining)) };
        let link = match std::mem::replace(&mut session.link, left) {
            Link::Ended { ending } => {
                session.ring.clear();
                SavedLink::Ended { ending }
            }
            Link::Suspended => SavedLink::Suspended,
            Link::Live { .. } => unreachable!("it was just parted from its connection"),
        };
        let ring = session.ring.save(bodies);
        session.ring.clear();
        Self {
            state: session.state,
            version: session.version,
            ring,
            expires: session.expires,
            timers,
            secrets: session.secrets.clone(),
            link,
            is_behind: session.is_behind,
        }
    }

    /// The session that was saved, its frames' bodies in `bodies`.
    ///
    /// # Errors
    /// [`Inconsistent`]: what was kept is damaged.
    pub fn restore(
        self,
        bodies: &[Body],
        settings: Arc<SessionSettings>,
    ) -> Result<Session, Inconsistent> {
        let Self { state, version, ring, expires, timers, secrets, link, is_behind } = self;
        let (link, needed) = match (state, link) {
            (SessionState::Established, SavedLink::Suspended) => {
                (Link::Suspended, &[Timer::Window, Timer::Expiry, Timer::Grace][..])
            }
            (SessionState::TokenExpired, SavedLink::Suspended) => {
                (Link::Suspended, &[Timer::Window, Timer::Grace][..])
            }
            (SessionState::NotLoggedIn | SessionState::Terminated, SavedLink::Ended { ending }) => {
                (Link::Ended { ending }, &[Timer::Retention][..])
            }
            (SessionState::Establishing, _) => {
                return Err(Inconsistent("a session that was not let in"));
            }
            (_, SavedLink::Suspended | SavedLink::Ended { .. }) => {
                return Err(Inconsistent("state and link of a session disagree"));
            }
        };
        if !needed.iter().all(|timer| timers.is_set(*timer)) {
            return Err(Inconsistent("a session waits for nothing that would end it"));
        }
        let ring = Ring::restore(ring, bodies).ok_or(Inconsistent("a ring makes no sense"))?;
        Ok(Session {
            settings,
            state,
            version,
            ring,
            expires,
            timers,
            secrets,
            link,
            pending_close: None,
            requests: Requests::default(),
            commands: RateLimiter::default(),
            pongs: RateLimiter::default(),
            is_behind,
            refused: 0,
        })
    }
}
