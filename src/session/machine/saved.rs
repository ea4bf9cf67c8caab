//! The saved form of a session, for the next process or node.
//!
//! Invariants: it has only hashes of secrets, no connection, and no pending requests, because their handlers are gone.
//! The session that was saved sends nothing afterwards, so that no frame has the number of one that the next process
//! sends. Not here: persistence (`hub`, `store`).

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use stagedoor_proto::{
    CloseCode, Disconnect, Error, ErrorCode, SessionState, Timestamp, encode_reply,
};

use super::super::link::Link;
use super::super::requests::Requests;
use super::super::ring::{Bodies, Body, Ring, RoomTag, SavedRing};
use super::super::secret::Secrets;
use super::super::timer::{SavedTimers, Timer, Timers};
use super::{Session, SessionSettings};
use crate::rate_limit::RateLimiter;
use crate::time::Now;

/// Maximum bytes of frames saved per session; beyond it, the session's rooms are reset.
pub const MAX_SAVED_RING_BYTES: usize = 64 * 1024;

/// A session between two processes.
#[derive(Debug, Serialize, Deserialize)]
pub struct SavedSession {
    state: SessionState,
    version: u64,
    ring: SavedRing,
    expires: Timestamp,
    timers: SavedTimers,
    secrets: Secrets,
    link: SavedLink,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    is_behind: bool,
}

/// Whether the session can be resumed.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum SavedLink {
    Suspended,
    Ended { ending: Box<Disconnect> },
}

/// The error for a saved session that is inconsistent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Inconsistent(&'static str);

impl SavedSession {
    /// The session moved to another node: closes a connection that still serves it here.
    pub fn supersede(session: &mut Session, now: Now) {
        if let Link::Live { generation } = session.link {
            session.link = Link::Suspended;
            session.timers.set(Timer::Window, now.monotonic + session.settings.window);
            let superseded = Disconnect::new(CloseCode::Superseded);
            session.pending_close = Some((generation, Box::new(superseded)));
        }
    }

    /// Replaces the tags of rooms with those on the new node; `None` for a room that is not there.
    pub fn map_tags(&mut self, map: impl Fn(RoomTag) -> Option<RoomTag>) {
        self.ring.map_tags(map);
    }

    /// The state for the next process. A connection of the session receives only a `disconnect` that asks to resume.
    ///
    /// Pending requests are answered with an error: their outcome is unknown.
    pub fn of(session: &mut Session, now: Now, bodies: &mut Bodies) -> Self {
        session.disconnect(Disconnect::new(CloseCode::Draining), now);
        let unknown = Error::new(
            ErrorCode::Draining,
            "gateway stopped during the request; the outcome is unknown",
        );
        for id in session.requests.pending().to_vec() {
            session.reply(id, encode_reply(id, &Err(unknown.clone())).into(), now);
        }
        session.is_behind |= session.ring.shrink(MAX_SAVED_RING_BYTES);
        // The saved session stays in memory until the process exits.
        let timers = std::mem::replace(&mut session.timers, Timers::NONE);
        let left = Link::Ended { ending: Box::new(Disconnect::new(CloseCode::Draining)) };
        let link = match std::mem::replace(&mut session.link, left) {
            Link::Ended { ending } => {
                session.ring.clear();
                SavedLink::Ended { ending }
            }
            Link::Suspended => SavedLink::Suspended,
            Link::Live { .. } => unreachable!("its connection was just closed"),
        };
        let ring = session.ring.save(bodies);
        session.ring.clear();
        Self {
            state: session.state,
            version: session.version,
            ring,
            expires: session.expires,
            timers: timers.save(now),
            secrets: session.secrets.clone(),
            link,
            is_behind: session.is_behind,
        }
    }

    /// Restores a saved session; `bodies` has the bodies of its frames.
    ///
    /// # Errors
    /// [`Inconsistent`], if the saved state is damaged.
    pub fn restore(
        self,
        bodies: &[Body],
        settings: Arc<SessionSettings>,
        now: Now,
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
                return Err(Inconsistent("session was not established"));
            }
            (_, SavedLink::Suspended | SavedLink::Ended { .. }) => {
                return Err(Inconsistent("state and link of a session disagree"));
            }
        };
        let timers = timers.restore(now);
        if !needed.iter().all(|timer| timers.is_set(*timer)) {
            return Err(Inconsistent("session has no timer that ends it"));
        }
        let ring = Ring::restore(ring, bodies, settings.memory.clone());
        let ring = ring.ok_or(Inconsistent("inconsistent ring"))?;
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
            keepalives: RateLimiter::default(),
            resumes: RateLimiter::default(),
            resets: RateLimiter::default(),
            is_behind,
            refused: 0,
        })
    }
}
