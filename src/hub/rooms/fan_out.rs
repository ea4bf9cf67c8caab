//! One push to many sessions: encoded once, and the connections of a crowd woken in turns.
//!
//! A push to thousands would put thousands of tasks before everybody else's, and making it is itself long enough to be
//! felt: the thread that does it may be the one that looks after the sockets. So where a room is crowded the work is done
//! beside the runtime, and connections are woken a few at a time: who is told last of thousands had rather wait for part
//! of a second than that every other room does.

#![deny(clippy::wildcard_enum_match_arm)]

use std::sync::Arc;
use std::time::Duration;

use stagedoor_proto::{Delivery, Push, encode_push};
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::time::interval;

use super::handle::{Inside, Place};
use crate::hub::Hub;
use crate::hub::sessions::SessionHandle;
use crate::room::Audience;
use crate::session::{Body, Session};

/// Beyond so many sessions of this node a room is crowded.
pub(super) const CROWD: usize = 1_024;
/// How many connections of a crowd are woken in each [`TURN`]: a quarter of what two processors can write to.
const WOKEN_IN_A_TURN: usize = 32;
const TURN: Duration = Duration::from_millis(1);

impl Hub {
    /// Encodes a push once and shares it with all it is for.
    pub(in crate::hub) fn push_to(
        &self,
        place: &Place,
        inside: &Inside,
        to: &Audience,
        push: &Push,
    ) {
        let body: Body = encode_push(push).into();
        let (now, settings) = (self.clock.now(), &self.session);
        let urgent = match push.delivery() {
            Delivery::Own => {
                self.tell_all(inside, to, |session| {
                    session.push(Body::clone(&body), now, settings);
                });
                return;
            }
            Delivery::Urgent => true,
            Delivery::Room => false,
        };
        self.tell_all(inside, to, |session| {
            session.push_room(&body, place.tag(), urgent, now, settings);
        });
    }

    fn tell_all(&self, inside: &Inside, to: &Audience, tell: impl Fn(&mut Session)) {
        if !inside.is_crowded() || matches!(to, Audience::One(_)) {
            inside.each_in(to, |session| session.tell(&tell));
            return;
        }
        let mut owed = Vec::new();
        beside_others(true, || {
            inside.each_in(to, |session| {
                if session.tell_owing(&tell) {
                    owed.push(Arc::clone(session));
                }
            });
        });
        self.lifecycle.spawn(wake_in_turns(owed));
    }

    /// Takes everybody out of a room, with `push` as the last they are told of it. What was not yet sent is withdrawn.
    pub(super) fn disband(&self, place: &Place, inside: &Inside, push: &Push) {
        let body: Body = encode_push(push).into();
        let (now, settings, tag) = (self.clock.now(), &self.session, place.tag());
        // In one go: ten thousand sessions are seldom all in the processor's cache, and need not be fetched twice.
        let owed = inside.sessions.values().filter(|session| {
            session.leave_owing(tag, |session| {
                session.withdraw(tag);
                session.push(Body::clone(&body), now, settings);
            })
        });
        self.lifecycle.spawn(wake_in_turns(owed.map(Arc::clone).collect()));
    }
}

async fn wake_in_turns(owed: Vec<Arc<SessionHandle>>) {
    let mut turns = interval(TURN);
    for turn in owed.chunks(WOKEN_IN_A_TURN) {
        turns.tick().await;
        for session in turn {
            session.wake_owed();
        }
    }
}

/// Does work that is long beside the runtime: another thread goes on with the tasks and sockets of this one.
pub(super) fn beside_others<R>(is_long: bool, work: impl FnOnce() -> R) -> R {
    let has_others = || {
        Handle::try_current().is_ok_and(|here| here.runtime_flavor() == RuntimeFlavor::MultiThread)
    };
    if is_long && has_others() { tokio::task::block_in_place(work) } else { work() }
}
