//! A session outside its process: what the next one needs to go on with it.
//!
//! Invariants: of secrets there are only hashes; a saved session has no connection; no request of it waits, for whoever
//! worked on it is gone. What is left behind of a session that was saved says nothing more to anybody, so that no frame
//! has the number of one that the next process sends. Not here: where it is kept (`hub`, `store`).

use serde::{Deserialize, Serialize};
use stagedoor_proto::{
    CloseCode, Disconnect, Error, ErrorCode, SessionState, Timestamp, encode_reply,
};

use super::super::lifetime::Lifetime;
use super::super::link::Link;
use super::super::requests::Requests;
use super::super::ring::{Bodies, Body, Ring, SavedRing};
use super::super::secret::Secrets;
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
    life: Lifetime,
    secrets: Secrets,
    link: SavedLink,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    is_behind: bool,
}

/// Whether it is still waited for.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum SavedLink {
    Suspended { until: Timestamp },
    Ended { ending: Box<Disconnect>, until: Timestamp },
}

/// A saved session that no session was saved as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Inconsistent(&'static str);

impl Session {
    /// What the next process goes on with; here its connection, if it has one, is told to come back, and nothing else.
    ///
    /// Requests that still wait are answered: that nobody knows what became of them.
    pub fn save(
        &mut self,
        now: Timestamp,
        settings: &SessionSettings,
        bodies: &mut Bodies,
    ) -> SavedSession {
        self.part(Disconnect::new(CloseCode::Draining), now, settings);
        let unknown = Error::new(
            ErrorCode::Draining,
            "the gateway stopped while it worked on this; whether it took effect is not known",
        );
        for id in self.requests.pending().to_vec() {
            self.finish(id, encode_reply(id, &Err(unknown.clone())).into(), now, settings);
        }
        self.is_behind |= self.ring.shrink(MAX_SAVED_RING_BYTES);
        let left = Link::Ended {
            ending: Box::new(Disconnect::new(CloseCode::Draining)),
            until: Timestamp::MAX,
        };
        let link = match std::mem::replace(&mut self.link, left) {
            Link::Ended { ending, until } => {
                self.ring.clear();
                SavedLink::Ended { ending, until }
            }
            Link::Suspended { until } => SavedLink::Suspended { until },
            Link::Live { .. } => unreachable!("it was just parted from its connection"),
        };
        let ring = self.ring.save(bodies);
        self.ring.clear();
        SavedSession {
            state: self.state,
            version: self.version,
            ring,
            life: self.life,
            secrets: self.secrets.clone(),
            link,
            is_behind: self.is_behind,
        }
    }

    /// The session that was saved, its frames' bodies in `bodies`.
    ///
    /// # Errors
    /// [`Inconsistent`]: what was kept is damaged.
    pub fn restore(saved: SavedSession, bodies: &[Body]) -> Result<Self, Inconsistent> {
        let SavedSession { state, version, ring, life, secrets, link, is_behind } = saved;
        let link = match (state, link) {
            (
                SessionState::Established | SessionState::TokenExpired,
                SavedLink::Suspended { until },
            ) => Link::Suspended { until },
            (
                SessionState::NotLoggedIn | SessionState::Terminated,
                SavedLink::Ended { ending, until },
            ) => Link::Ended { ending, until },
            (SessionState::Establishing, _) => {
                return Err(Inconsistent("a session that was not let in"));
            }
            (_, SavedLink::Suspended { .. } | SavedLink::Ended { .. }) => {
                return Err(Inconsistent("state and link of a session disagree"));
            }
        };
        let ring = Ring::restore(ring, bodies).ok_or(Inconsistent("a ring makes no sense"))?;
        Ok(Self {
            state,
            version,
            ring,
            life,
            secrets,
            link,
            parting: None,
            requests: Requests::default(),
            commands: RateLimiter::default(),
            pongs: RateLimiter::default(),
            is_behind,
            refused: 0,
        })
    }
}
