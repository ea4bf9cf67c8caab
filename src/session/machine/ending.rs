//! Parting from a connection: for good, or until its client is back.

use stagedoor_proto::{CloseCode, Disconnect, Timestamp};

use super::super::link::Link;
use super::super::state::Input;
use super::{Session, SessionSettings};

impl Session {
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
