//! A client that lost its connection and gets another, as the protocol says it should ("Resume").
//!
//! It tries at once, unless the gateway sent a delay; then after at least that delay, else after a time that doubles,
//! both with a random part. A client that cannot return is counted as gone, so that the run does not wait for it.

use std::rc::Rc;
use std::time::{Duration, Instant};

use stagedoor_proto::{Action, Disconnect, Error};
use tokio::time::timeout;

use super::inbox::Inbox;
use super::keys::Keys;
use super::latency::recorded;
use super::member::{Link, Member};
use super::open::Opened;
use super::protocol::Report;
use super::rooms::Members;
use crate::crowd::By;

impl Members {
    /// Cuts every connection at once, and waits until all are back.
    pub(super) async fn storm(&self) -> Report {
        for member in self.by_number.values() {
            member.cut();
        }
        self.all_back().await
    }

    /// Waits until everybody who has a connection has lost it, and is back or given up.
    pub(super) async fn all_back(&self) -> Report {
        let tally = &self.tally;
        let live = self.by_number.values().filter(|one| one.link.get() == Link::Live).count();
        let wanted = tally.settled.get() + tally.away.get() + live as u64;
        let back = async {
            while tally.settled.get() < wanted || tally.away.get() > 0 {
                tally.changed.notified().await;
            }
        };
        // Clients still away after that are left out of the reported times.
        let _ = timeout(2 * PATIENCE, back).await;
        let mut outages = tally.outages.borrow_mut();
        let latencies_us = recorded(&outages);
        outages.reset();
        Report::Back { latencies_us }
    }
}

impl Member {
    /// Gets another connection after one was lost, if it is to; `false` when it has none in the end.
    pub(super) async fn come_back(self: &Rc<Self>, disconnect: Option<Disconnect>) -> bool {
        let (lost_at, tally) = (Instant::now(), &self.tally);
        self.link.set(Link::Away);
        tally.away.set(tally.away.get() + 1);
        let Some(by) = tally.load.plan.crowd.as_ref().and_then(|crowd| crowd.returns) else {
            self.settle(Link::Gone);
            return false;
        };
        if disconnect.as_ref().is_some_and(|disconnect| disconnect.action == Action::Stop) {
            self.settle(Link::Gone);
            return false;
        }
        let mut notified = disconnect.and_then(|disconnect| disconnect.retry_after_ms);
        let mut wait = notified
            .map_or(Duration::ZERO, |notified| self.spread(Duration::from_millis(notified), 0));
        for attempt in 0_u32.. {
            tokio::time::sleep(wait).await;
            let error = match self.open(by).await {
                Ok(opened) => {
                    self.adopt(by, opened, lost_at);
                    return true;
                }
                Err(error) => error,
            };
            let refusal = error.downcast_ref::<Error>();
            if refusal.is_some_and(|refusal| !refusal.code.is_temporary())
                || lost_at.elapsed() >= PATIENCE
            {
                tally.counts.borrow_mut().error(&error);
                break;
            }
            notified = refusal.and_then(|refusal| refusal.retry_after_ms);
            let doubled = (FIRST_WAIT * 2_u32.saturating_pow(attempt)).min(LONGEST_WAIT);
            wait = self.spread(notified.map_or(doubled, Duration::from_millis), attempt);
        }
        self.settle(Link::Gone);
        false
    }

    async fn open(&self, by: By) -> anyhow::Result<Opened> {
        let first = match (by, &*self.keys.borrow()) {
            (By::Resume, Some(keys)) => keys.resume(self.inbox.borrow().last_seq()),
            (By::Start, Some(keys)) => {
                self.tally.load.start_again(self.number, &keys.access_token)?
            }
            (_, None) => anyhow::bail!("a client without keys cannot come back"),
        };
        self.tally.load.open(self.number, &first).await
    }

    /// Goes on with a new connection. A client that started again is back when it is in its room.
    fn adopt(self: &Rc<Self>, by: By, opened: Opened, lost_at: Instant) {
        let Opened { stream, answer, last_seq, rest } = opened;
        let last_seq = match by {
            By::Resume => self.inbox.borrow().last_seq(),
            By::Start => last_seq,
        };
        *self.inbox.borrow_mut() = Inbox::beginning_with(rest, last_seq);
        *self.stream.borrow_mut() = Some(Rc::new(stream));
        let renewed = match (by, &mut *self.keys.borrow_mut()) {
            (By::Resume, Some(keys)) => keys.renew(&answer),
            (_, keys) => Keys::of_start(&answer).map(|new| *keys = Some(new)),
        };
        if let Err(error) = renewed {
            self.tally.counts.borrow_mut().error(&error);
        }
        match by {
            By::Resume => self.returned(lost_at),
            By::Start => {
                let this = Rc::clone(self);
                // Ends with the reply, or with the connection.
                drop(tokio::task::spawn_local(async move {
                    match this.join(None).await {
                        Ok(()) => this.returned(lost_at),
                        Err(error) => {
                            this.tally.counts.borrow_mut().error(&error);
                            this.settle(Link::Gone);
                        }
                    }
                }));
            }
        }
    }

    fn returned(&self, lost_at: Instant) {
        let micros = u64::try_from(lost_at.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.tally.outages.borrow_mut().saturating_record(micros);
        self.tally.counts.borrow_mut().returns += 1;
        self.settle(Link::Live);
    }

    /// It is no longer away.
    fn settle(&self, link: Link) {
        if link == Link::Gone {
            self.tally.counts.borrow_mut().gone += 1;
        }
        self.link.set(link);
        self.settled.set(self.settled.get() + 1);
        self.tally.away.set(self.tally.away.get() - 1);
        self.tally.settled.set(self.tally.settled.get() + 1);
        self.tally.changed.notify_one();
        self.changed.notify_one();
    }

    /// `wait` and up to a quarter more, another part for each member and attempt, and the same in every run.
    fn spread(&self, wait: Duration, attempt: u32) -> Duration {
        let mixed = (self.number ^ (attempt << 20)).wrapping_mul(0x9e37_79b1) >> 16;
        wait + wait * mixed / (4 << 16)
    }
}

const FIRST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(3);
/// How long a client tries.
const PATIENCE: Duration = Duration::from_mins(1);
