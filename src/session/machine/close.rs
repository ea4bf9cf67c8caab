//! Parting from a connection: for good, or until its client is back.

use stagedoor_proto::{Disconnect, SessionEnd, Timestamp};

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
            let input = match disconnect.code.session_end() {
                SessionEnd::LoggedOut => Input::Over,
                SessionEnd::Removed => Input::Removed,
                SessionEnd::Barred => Input::Barred,
            };
            self.turn(input, Some(&disconnect), settings);
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
