//! What senders send: bursts that wait for their delivery, a steady pace, and one signal that proves a room whole.

use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::Duration;

use anyhow::Context as _;
use futures::future::{try_join, try_join_all};
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout};

use super::member::{Link, Member, Room, pong, wall_us};
use super::protocol::Report;
use super::rooms::Members;
use super::signal::Burst;

impl Members {
    /// Lets every sender send `count` signals, `in_flight` at a time, each burst when the last is delivered here.
    ///
    /// Where the sender of a room is another worker's, all its signals are waited for.
    pub(super) async fn signal(&self, count: u32, in_flight: u32) -> anyhow::Result<Report> {
        let bursts = count.div_ceil(in_flight);
        let sending = self.senders().map(|sender| async move {
            let room = &sender.room;
            let mut burst = Burst::new(&room.id, in_flight);
            for _ in 0..bursts {
                room.want(in_flight);
                sender.send(burst.stamped(wall_us())).await?;
                let reached = timeout(DELIVERY_TIME, room.reached());
                reached.await.context("a signal was not delivered in time")?;
            }
            anyhow::Ok(())
        });
        let sent_here: BTreeSet<u32> =
            self.senders().map(|sender| self.crowd.room_of(sender.number)).collect();
        let others = self.rooms.iter().filter(|(room, _)| !sent_here.contains(room));
        let receiving = others.map(|(_, room)| async {
            room.want(bursts * in_flight);
            room.reached().await;
            anyhow::Ok(())
        });
        try_join(try_join_all(sending), try_join_all(receiving)).await?;
        Ok(self.sample())
    }

    /// Lets every sender send `per_s` signals a second from now on, each at its own moment.
    pub(super) fn keep_signalling(&mut self, per_s: u32) -> Report {
        let period = Duration::from_secs(1) / per_s.max(1);
        let senders = self.senders().filter(|sender| sender.number >= self.crowd.main);
        let senders: Vec<_> = senders.map(Rc::clone).collect();
        let count = u32::try_from(senders.len()).unwrap_or(u32::MAX);
        for (place, sender) in (0_u32..).zip(senders) {
            let offset = period * place / count;
            self.traffic.spawn_local(async move {
                let mut burst = Burst::new(&sender.room.id, 1);
                let mut ticks = interval_at(Instant::now() + offset, period);
                ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
                while sender.link.get() != Link::Gone {
                    ticks.tick().await;
                    // A client without a connection may have one at the next tick.
                    let _ = sender.send(burst.stamped(wall_us())).await;
                }
            });
        }
        Report::Done
    }

    /// Lets those who are to be deaf stop reading; they go on saying that they live.
    pub(super) fn deafen(&mut self) -> Report {
        let deaf = self.by_number.values().filter(|member| self.crowd.is_deaf(member.number));
        for member in deaf.map(Rc::clone) {
            member.ignore(true);
            self.traffic.spawn_local(async move {
                while member.is_ignoring() {
                    let sign = pong(member.inbox.borrow().last_seq());
                    if member.send(&sign).await.is_err() {
                        return; // It hears so when it listens again.
                    }
                    tokio::time::sleep(SIGN_OF_LIFE).await;
                }
            });
        }
        Report::Done
    }

    /// Lets the deaf read again.
    pub(super) fn listen(&self) -> Report {
        for member in self.by_number.values().filter(|member| member.is_ignoring()) {
            member.ignore(false);
        }
        Report::Done
    }

    /// Lets every sender send one signal, and sees in how many rooms everybody hears it.
    ///
    /// A room that lost a participant is not complete.
    pub(super) async fn prove(&self) -> Report {
        let sent_us = wall_us();
        for sender in self.senders() {
            let _ = sender.send(Burst::new(&sender.room.id, 1).stamped(sent_us)).await;
        }
        let deadline = Instant::now() + PROOF_TIME;
        let mut whole = self.heard(sent_us);
        while whole < self.rooms.len() && Instant::now() < deadline {
            tokio::time::sleep(LOOK_AGAIN).await;
            whole = self.heard(sent_us);
        }
        let count = |rooms| u32::try_from(rooms).unwrap_or(u32::MAX);
        Report::Proved { rooms: count(self.rooms.len()), whole: count(whole) }
    }

    /// In how many rooms everybody has heard a signal that was sent at `sent_us` or later.
    fn heard(&self, sent_us: u64) -> usize {
        let is_deaf_to_it =
            |member: &&Rc<Member>| !member.is_sender() && member.heard_us.get() < sent_us;
        let broken: BTreeSet<u32> = self
            .by_number
            .values()
            .filter(|member| member.link.get() != Link::Live || is_deaf_to_it(member))
            .map(|member| self.crowd.room_of(member.number))
            .collect();
        self.rooms.len() - broken.len()
    }

    fn senders(&self) -> impl Iterator<Item = &Rc<Member>> {
        self.by_number.values().filter(|member| member.is_sender())
    }
}

impl Room {
    /// So many more signals are to reach everybody here.
    fn want(&self, signals: u32) {
        self.wanted.set(self.wanted.get() + self.receivers.get() * u64::from(signals));
    }

    async fn reached(&self) {
        while self.delivered.get() < self.wanted.get() {
            self.reached.notified().await;
        }
    }
}

const DELIVERY_TIME: Duration = Duration::from_secs(30);
const PROOF_TIME: Duration = Duration::from_secs(10);
const LOOK_AGAIN: Duration = Duration::from_millis(20);
/// Well within the time after which a silent client is taken for lost.
const SIGN_OF_LIFE: Duration = Duration::from_secs(4);
