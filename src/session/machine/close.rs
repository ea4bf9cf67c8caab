//! Closing the connection of a session, which ends or suspends it.

use stagedoor_proto::{Disconnect, SessionEnd};

use super::super::link::Link;
use super::super::state::Input;
use super::super::timer::{Timer, Timers};
use super::Session;
use crate::time::Now;

impl Session {
    /// Ends or suspends the session, depending on the code, and closes its connection.
    ///
    /// An ended session does not change.
    pub fn disconnect(&mut self, disconnect: Disconnect, now: Now) {
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
            self.transition(input, Some(&disconnect));
        }
        let after = if ends {
            // No other timer applies.
            self.timers = Timers::NONE;
            self.timers.set(Timer::Retention, now.monotonic + self.settings.window);
            Link::Ended { ending: Box::new(disconnect.clone()) }
        } else {
            Link::Suspended
        };
        match std::mem::replace(&mut self.link, after) {
            Link::Live { generation } => {
                self.pending_close = Some((generation, Box::new(disconnect)));
                if !ends {
                    self.timers.set(Timer::Window, now.monotonic + self.settings.window);
                }
            }
            // A suspended session keeps the rest of its window.
            Link::Suspended if !ends => {}
            Link::Suspended | Link::Ended { .. } => self.ring.clear(),
        }
    }
}
