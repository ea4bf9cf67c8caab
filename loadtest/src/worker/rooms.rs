//! The members of a worker, put into their rooms and driven as the parent orders.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use hdrhistogram::Histogram;
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::counts::Counts;
use super::hold::Ended;
use super::keys::Keys;
use super::latency::{SIGNIFICANT_DIGITS, recorded};
use super::member::{Member, Room, Tally, wall_us};
use super::open::Opened;
use super::prepared::Prepared;
use super::protocol::{Report, RoomCommand};
use crate::crowd::Crowd;
use crate::token::Minter;

/// All members of this worker.
pub(super) struct Members {
    pub(super) crowd: Crowd,
    pub(super) parallel: usize,
    pub(super) tally: Rc<Tally>,
    pub(super) rooms: BTreeMap<u32, Rc<Room>>,
    pub(super) by_number: BTreeMap<u32, Rc<Member>>,
    pub(super) holding: JoinSet<Ended>,
    pub(super) stop: CancellationToken,
    /// Senders at a steady pace; they end with this.
    pub(super) traffic: JoinSet<()>,
    /// What goes on until `calm`, and is waited for.
    pub(super) churning: JoinSet<()>,
    pub(super) calm: CancellationToken,
    moderators: Option<Minter>,
    /// Members of room 0 that get a command's push, times commands.
    notifications_expected: u64,
}

impl Members {
    pub(super) fn new(crowd: Crowd, load: Arc<Prepared>) -> anyhow::Result<Self> {
        let plan = &load.plan;
        let moderators = crowd.moderator_secret.as_ref().map(|key| Minter::new(&plan.app, key));
        let parallel = plan.parallel as usize;
        let histogram = || Histogram::new_with_max(MAX_LATENCY_US, SIGNIFICANT_DIGITS);
        let tally = Tally {
            latencies: RefCell::new(histogram()?),
            outages: RefCell::new(histogram()?),
            counts: RefCell::default(),
            settled: Cell::new(0),
            away: Cell::new(0),
            notified: Cell::new(0),
            last_notified_us: Cell::new(0),
            settled_us: Cell::new(None),
            changed: Notify::new(),
            load,
        };
        Ok(Self {
            crowd,
            parallel,
            tally: Rc::new(tally),
            rooms: BTreeMap::new(),
            by_number: BTreeMap::new(),
            holding: JoinSet::new(),
            stop: CancellationToken::new(),
            traffic: JoinSet::new(),
            churning: JoinSet::new(),
            calm: CancellationToken::new(),
            moderators,
            notifications_expected: 0,
        })
    }

    /// Takes in a session that has started.
    pub(super) fn add(&mut self, number: u32, opened: Opened) -> anyhow::Result<()> {
        let keys = match self.crowd.returns {
            Some(_) => Some(Keys::of_start(&opened.answer)?),
            None => None,
        };
        let room = self.crowd.room_of(number);
        let new_room = || Rc::new(Room { id: self.crowd.room_id(room), ..Room::default() });
        let room = Rc::clone(self.rooms.entry(room).or_insert_with(new_room));
        let member = Rc::new(Member::new(number, opened, room, Rc::clone(&self.tally)));
        *member.keys.borrow_mut() = keys;
        self.holding.spawn_local(Rc::clone(&member).hold(self.stop.clone()));
        self.by_number.insert(number, member);
        Ok(())
    }

    /// Puts the sessions with these numbers into their rooms.
    pub(super) async fn join(&self, from: u32, to: u32) -> anyhow::Result<Report> {
        let joining = self.by_number.range(from..to).map(|(_, member)| async move {
            let minter = self.moderators.as_ref().filter(|_| member.is_sender());
            let token = minter.map(|minter| minter.room(&member.room.id, "moderator"));
            let begun = Instant::now();
            member.join(token).await?;
            anyhow::Ok(u64::try_from(begun.elapsed().as_micros())?)
        });
        let joined: Vec<u64> =
            stream::iter(joining).buffer_unordered(self.parallel).try_collect().await?;
        let mut latencies = Histogram::<u64>::new(SIGNIFICANT_DIGITS)?;
        for micros in joined {
            latencies.record(micros)?;
        }
        Ok(Report::Joined { latencies_us: recorded(&latencies) })
    }

    /// Publishes a stream for each that is to have one.
    pub(super) async fn publish(&self) -> anyhow::Result<Report> {
        for member in self.by_number.values().filter(|one| self.crowd.is_publisher(one.number)) {
            let stream = json!({ "kind": "camera", "has_audio": true, "has_video": true });
            let publish = json!({ "room": member.room.id, "stream": stream });
            let reply = member.request(3, "publish", publish).await?;
            let reply: Value = serde_json::from_str(&reply)?;
            let id = reply["ok"]["published"]["stream"]["id"].as_str();
            member.obey(id.context("the reply names no stream")?);
        }
        Ok(Report::Done)
    }

    /// What was delivered since the last sample.
    pub(super) fn sample(&self) -> Report {
        let mut latencies = self.tally.latencies.borrow_mut();
        let latencies_us = recorded(&latencies);
        latencies.reset();
        Report::Sampled { latencies_us }
    }

    /// Runs a command of room 0's moderator, where it is here, and waits until all local members got it.
    pub(super) async fn act(&mut self, command: RoomCommand) -> anyhow::Result<Report> {
        let here = self.by_number.range(..self.crowd.main).count();
        self.notifications_expected += u64::try_from(here)?;
        self.tally.settled_us.set(None);
        let moderator = self.by_number.get(&0);
        let mut sent_at_us = None;
        if let Some(moderator) = moderator {
            sent_at_us = Some(wall_us());
            let room = json!({ "room": moderator.room.id });
            moderator.request(4, command.name(), room).await?;
        }
        // The end of a room has removed its participants when its moderator has the reply.
        let replied_us = sent_at_us.map(|_| wall_us());
        let awaits_receipts = moderator.is_some() && command == RoomCommand::ForceMuteAll;
        let notified = async {
            while self.tally.notified.get() < self.notifications_expected
                || (awaits_receipts && self.tally.settled_us.get().is_none())
            {
                self.tally.changed.notified().await;
            }
        };
        timeout(VERB_TIME, notified).await.with_context(|| {
            format!(
                "{} of {} were notified",
                self.tally.notified.get(),
                self.notifications_expected
            )
        })?;
        let enforced_at_us = if awaits_receipts { self.tally.settled_us.get() } else { replied_us };
        Ok(Report::Acted {
            sent_at_us,
            last_notified_at_us: self.tally.last_notified_us.get(),
            enforced_at_us,
        })
    }

    /// Reports what was counted since the last report.
    pub(super) fn count(&self) -> Report {
        let counts: Counts = self.tally.counts.take();
        Report::Counted(Box::new(counts))
    }

    /// Ends what goes on by itself, once it is at a good place.
    pub(super) async fn quiet(&mut self) -> Report {
        self.calm.cancel();
        while self.churning.join_next().await.is_some() {}
        self.calm = CancellationToken::new();
        self.traffic.shutdown().await;
        Report::Done
    }

    /// Closes all; how many were lost before.
    pub(super) async fn close(mut self) -> anyhow::Result<u32> {
        self.quiet().await;
        ensure!(self.holding.len() >= self.by_number.len(), "each member is held");
        self.by_number.clear();
        self.stop.cancel();
        let ended = self.holding.join_all().await;
        Ok(u32::try_from(ended.iter().filter(|ended| **ended == Ended::Lost).count())?)
    }
}

const MAX_LATENCY_US: u64 = 120_000_000;
pub(super) const VERB_TIME: Duration = Duration::from_secs(30);
