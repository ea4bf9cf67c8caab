//! One push to many sessions: encoded once, and their connections woken in turns.
//!
//! A push to thousands would put thousands of tasks before everybody else's. So only the first of them are woken at
//! once; the others follow in turns, behind what the runtime has to do meanwhile for other rooms.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use stagedoor_proto::{Push, encode_push};

use super::super::Hub;
use super::super::handle::SessionHandle;
use super::place::{Inside, Place};
use crate::room::Audience;
use crate::session::{Body, Session};

/// How many connections are woken in one turn: writing to them holds up others for about a millisecond.
const WOKEN_IN_A_TURN: usize = 128;
/// Up to how many follow each other as fast as the runtime gets round. Beyond, turns leave room between them: who is told
/// last of thousands had rather wait a moment than that every other room does.
const WOKEN_WITHOUT_PAUSE: usize = 1_024;
/// That room; a timer's shortest.
const PAUSE: Duration = Duration::from_millis(1);

impl Hub {
    /// Encodes a push once and shares it with all it is for.
    pub(super) fn push_to(&self, place: &Place, inside: &Inside, to: &Audience, push: &Push) {
        let body: Body = encode_push(push).into();
        let (now, settings) = (self.clock.now(), &self.session);
        if is_of_receiver(push) {
            self.tell_all(inside, to, |session| {
                session.push(Body::clone(&body), now, settings);
            });
            return;
        }
        let urgent = is_urgent(push);
        self.tell_all(inside, to, |session| {
            session.push_room(&body, place.tag(), urgent, now, settings);
        });
    }

    fn tell_all(&self, inside: &Inside, to: &Audience, tell: impl Fn(&mut Session)) {
        let (mut told, mut owed) = (0, Vec::new());
        inside.each_in(to, |session| {
            told += 1;
            if told <= WOKEN_IN_A_TURN {
                session.tell(&tell);
            } else if session.tell_owing(&tell) {
                owed.push(Arc::clone(session));
            }
        });
        if !owed.is_empty() {
            self.lifecycle.spawn(wake_in_turns(owed));
        }
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
    let mut woken = 0;
    for turn in owed.chunks(WOKEN_IN_A_TURN) {
        for session in turn {
            session.wake_owed();
        }
        woken += turn.len();
        if woken < WOKEN_WITHOUT_PAUSE {
            end_turn().await;
        } else {
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// Goes to the end of the runtime's queue, behind those that were just woken. (`yield_now` of tokio comes back sooner:
/// as soon as the sockets were looked at.)
async fn end_turn() {
    let mut is_over = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut is_over, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Whether it is about its receiver's own membership. No snapshot makes up for it, so it is kept whatever else is not.
const fn is_of_receiver(push: &Push) -> bool {
    match push {
        Push::Removed(_) => true,
        Push::RoleChanged(changed) => changed.capabilities.is_some(),
        _ => false,
    }
}

/// Whether somebody whose token has expired is told of it all the same.
const fn is_urgent(push: &Push) -> bool {
    matches!(push, Push::MuteForced(_) | Push::RoleChanged(_))
}
