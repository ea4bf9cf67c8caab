//! Things that happen in rooms all the time: people leave and join, lose their connections, are thrown out.
//!
//! Receivers come, go and are cut; senders stay, and throw them out as the moderators of their rooms. Which member it
//! is and what happens to it follows from a fixed sequence, so that runs are alike.

use std::cell::RefCell;
use std::collections::HashSet;
use std::rc::Rc;
use std::time::Duration;

use anyhow::Context as _;
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout};
use tokio_util::sync::CancellationToken;

use super::member::{Link, Member};
use super::protocol::Report;
use super::rooms::{Members, VERB_TIME};

/// What can happen to a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    Leave,
    Cut,
    Kick,
}

impl Act {
    /// Of eight things, four are cuts, three are departures and one is a removal.
    const fn nth(number: u32) -> Self {
        match number % 8 {
            0..=3 => Self::Cut,
            4..=6 => Self::Leave,
            _ => Self::Kick,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Leave => "leave",
            Self::Cut => "cut",
            Self::Kick => "kick",
        }
    }
}

impl Members {
    /// Lets `per_s` things a second happen from now on.
    pub(super) fn churn(&mut self, per_s: u32) -> Report {
        let receivers = self.by_number.values().filter(|member| !member.is_sender());
        let receivers: Vec<Rc<Member>> = receivers.map(Rc::clone).collect();
        let pairs = receivers.into_iter().filter_map(|member| {
            let moderator = self.by_number.get(&self.crowd.whole_rooms(member.number))?;
            Some((member, Rc::clone(moderator)))
        });
        let (pairs, stop) = (pairs.collect(), self.calm.clone());
        self.churning.spawn_local(run(pairs, Duration::from_secs(1) / per_s.max(1), stop));
        Report::Done
    }
}

/// Lets something happen every `period` until `stop`, then waits until everybody is where they belong.
async fn run(pairs: Vec<(Rc<Member>, Rc<Member>)>, period: Duration, stop: CancellationToken) {
    if pairs.is_empty() {
        return;
    }
    let mut ticks = interval_at(Instant::now() + period, period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let busy = Rc::new(RefCell::new(HashSet::new()));
    let (mut acts, mut number) = (JoinSet::new(), 0_u32);
    while stop.run_until_cancelled(ticks.tick()).await.is_some() {
        number = number.wrapping_add(1);
        let place = (number.wrapping_mul(STRIDE) >> 8) as usize % pairs.len();
        let (member, moderator) = &pairs[place];
        if !busy.borrow_mut().insert(member.number) {
            continue; // Something is happening to it already.
        }
        let (member, moderator) = (Rc::clone(member), Rc::clone(moderator));
        let (act, busy) = (Act::nth(number), Rc::clone(&busy));
        acts.spawn_local(async move {
            let happened = timeout(VERB_TIME, happen(act, &member, &moderator)).await;
            let happened = happened.context("it was not done in time").and_then(|done| done);
            let mut counts = member.tally.counts.borrow_mut();
            match happened {
                Ok(()) => counts.act(act.name()),
                Err(error) => counts.error(&error),
            }
            busy.borrow_mut().remove(&member.number);
        });
        while acts.try_join_next().is_some() {}
    }
    acts.join_all().await;
}

async fn happen(act: Act, member: &Rc<Member>, moderator: &Rc<Member>) -> anyhow::Result<()> {
    let room = &member.room.id;
    match act {
        Act::Cut => {
            let before = member.settled.get();
            member.cut();
            // It may be away for less than a look at it takes.
            member.until(|member| member.settled.get() != before).await;
            anyhow::ensure!(member.link.get() == Link::Live, "a client did not come back");
            Ok(())
        }
        Act::Leave => {
            member.request(6, "leave", json!({ "room": room })).await?;
            member.exit();
            member.join(None).await
        }
        Act::Kick => {
            let username = member.tally.load.plan.name_of(member.number);
            let block = json!({ "for_ms": 0 });
            let kick = json!({ "room": room, "username": username, "block": block });
            moderator.request(7, "force_disconnect", kick).await?;
            member.until(|member| !member.in_room.get()).await;
            member.join(None).await
        }
    }
}

impl Member {
    /// Waits for a change of its link, or of whether it is in the room.
    async fn until(&self, is_so: impl Fn(&Self) -> bool) {
        while !is_so(self) {
            self.changed.notified().await;
        }
    }
}

/// Odd, so that every place comes up.
const STRIDE: u32 = 0x9e37_79b1;
