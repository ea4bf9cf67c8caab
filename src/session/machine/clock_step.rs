//! A step of the wall clock: the expiry of a session is evaluated again.

use stagedoor_proto::SessionState;

use super::super::link::Link;
use super::super::state::Input;
use super::Session;
use crate::time::Now;

/// The wall clock stepped, and now shows this.
#[derive(Clone, Copy, Debug)]
pub struct ClockStep(pub Now);

impl ClockStep {
    /// Moves the expiry of a session to the new time. A session past it is prompted and gets the whole grace period.
    pub fn apply(self, session: &mut Session) {
        let Self(now) = self;
        if matches!(session.link, Link::Ended { .. }) {
            return;
        }
        let settings = session.settings.expiry;
        if session.expires > now.wall {
            session.timers.move_expiry(now, session.expires, settings);
            session.is_behind |= session.state == SessionState::TokenExpired;
            session.transition(Input::Renewed, None);
        } else {
            session.timers.restart_grace(now.monotonic, settings);
        }
    }
}
