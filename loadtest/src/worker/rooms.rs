//! The members of a worker, put into their rooms and driven as the parent orders.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use futures::future::try_join_all;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use hdrhistogram::Histogram;
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval_at, timeout};
use tokio_util::sync::CancellationToken;

use super::SIGNIFICANT_DIGITS;
use super::frame::{TEXT, client_frame};
use super::hold::Ended;
use super::member::{Member, Room, Tally, wall_us};
use super::open::Started;
use super::protocol::{Latencies, Report, RoomVerb};
use crate::crowd::Crowd;
use crate::token::Minter;

/// All members of this worker.
pub(super) struct Members {
    crowd: Crowd,
    moderators: Option<Minter>,
    parallel: usize,
    tally: Rc<Tally>,
    rooms: BTreeMap<u32, Rc<Room>>,
    by_number: BTreeMap<u32, Rc<Member>>,
    holding: JoinSet<Ended>,
    stop: CancellationToken,
    /// Members of room 0 that a verb of its moderator is told to, times verbs.
    told_wanted: u64,
    /// Senders at a steady pace; they end with this.
    traffic: JoinSet<()>,
}

impl Members {
    pub(super) fn new(crowd: Crowd, app: &str, parallel: u32) -> anyhow::Result<Self> {
        let tally = Tally {
            latencies: RefCell::new(Histogram::new_with_max(MAX_LATENCY_US, SIGNIFICANT_DIGITS)?),
            told: Cell::new(0),
            last_told_us: Cell::new(0),
            settled_us: Cell::new(None),
            changed: Notify::new(),
        };
        let moderators = crowd.moderator_secret.as_ref().map(|secret| Minter::new(app, secret));
        Ok(Self {
            crowd,
            moderators,
            parallel: parallel as usize,
            tally: Rc::new(tally),
            rooms: BTreeMap::new(),
            by_number: BTreeMap::new(),
            holding: JoinSet::new(),
            stop: CancellationToken::new(),
            told_wanted: 0,
            traffic: JoinSet::new(),
        })
    }

    /// Takes in a session that has started.
    pub(super) fn add(&mut self, number: u32, started: Started) {
        let room = self.crowd.room_of(number);
        let new_room = || {
            Rc::new(Room {
                id: self.crowd.room_id(room),
                receivers: Cell::new(0),
                sent: RefCell::new(Vec::new()),
                delivered: Cell::new(0),
                wanted: Cell::new(0),
                reached: Notify::new(),
            })
        };
        let room = Rc::clone(self.rooms.entry(room).or_insert_with(new_room));
        let member = Rc::new(Member::new(number, started, room, Rc::clone(&self.tally)));
        self.holding.spawn_local(Rc::clone(&member).hold(self.stop.clone()));
        self.by_number.insert(number, member);
    }

    /// Puts the sessions with these numbers into their rooms.
    pub(super) async fn join(&self, from: u32, to: u32) -> anyhow::Result<Report> {
        let joining = self.by_number.range(from..to).map(|(_, member)| async move {
            let is_sender = self.crowd.is_sender(member.number);
            let mut join = json!({ "room": member.room.id });
            if let Some(minter) = self.moderators.as_ref().filter(|_| is_sender) {
                join["token"] = minter.room(&member.room.id, "moderator").into();
            }
            let begun = Instant::now();
            member.request(&json!({ "id": 2, "join": join })).await?;
            member.enter(is_sender);
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
            let reply = member.request(&json!({ "id": 3, "publish": publish })).await?;
            let reply: Value = serde_json::from_str(&reply)?;
            let id = reply["ok"]["published"]["stream"]["id"].as_str();
            member.obey(id.context("the reply names no stream")?);
        }
        Ok(Report::Done)
    }

    /// Lets every sender send `count` signals, `in_flight` at a time, each burst when the last is delivered.
    pub(super) async fn signal(&self, count: u32, in_flight: u32) -> anyhow::Result<Report> {
        let sending = self.senders().map(|sender| async move {
            let room = &sender.room;
            let burst = burst(room, in_flight);
            for _ in 0..count.div_ceil(in_flight) {
                let now = Instant::now();
                room.sent.borrow_mut().extend((0..in_flight).map(|_| now));
                room.wanted.set(room.delivered.get() + room.receivers.get() * u64::from(in_flight));
                sender.send(&burst).await?;
                if room.receivers.get() > 0 {
                    let reached = timeout(DELIVERY_TIME, room.reached.notified()).await;
                    reached.context("a signal was not delivered in time")?;
                }
            }
            anyhow::Ok(())
        });
        try_join_all(sending).await?;
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
                let burst = burst(&sender.room, 1);
                let mut ticks = interval_at(tokio::time::Instant::now() + offset, period);
                ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
                loop {
                    ticks.tick().await;
                    sender.room.sent.borrow_mut().push(Instant::now());
                    if sender.send(&burst).await.is_err() {
                        return; // The session is counted among the lost.
                    }
                }
            });
        }
        Report::Done
    }

    /// What was delivered since the last sample.
    pub(super) fn sample(&self) -> Report {
        let mut latencies = self.tally.latencies.borrow_mut();
        let latencies_us = recorded(&latencies);
        latencies.reset();
        Report::Sampled { latencies_us }
    }

    /// Lets the moderator of room 0 act, where it is here, and waits until all of the room that are here were told.
    pub(super) async fn act(&mut self, verb: RoomVerb) -> anyhow::Result<Report> {
        let here = self.by_number.range(..self.crowd.main).count();
        self.told_wanted += u64::try_from(here)?;
        self.tally.settled_us.set(None);
        let moderator = self.by_number.get(&0);
        let mut sent_at_us = None;
        if let Some(moderator) = moderator {
            sent_at_us = Some(wall_us());
            let room = json!({ "room": moderator.room.id });
            moderator.request(&json!({ "id": 4, verb.name(): room })).await?;
        }
        // Whoever is removed by the end of a room is removed when its moderator has the reply.
        let replied_us = sent_at_us.map(|_| wall_us());
        let awaits_receipts = moderator.is_some() && verb == RoomVerb::ForceMuteAll;
        let told = async {
            while self.tally.told.get() < self.told_wanted
                || (awaits_receipts && self.tally.settled_us.get().is_none())
            {
                self.tally.changed.notified().await;
            }
        };
        timeout(VERB_TIME, told).await.with_context(|| {
            format!("{} of {} were told", self.tally.told.get(), self.told_wanted)
        })?;
        let enforced_at_us = if awaits_receipts { self.tally.settled_us.get() } else { replied_us };
        Ok(Report::Acted {
            sent_at_us,
            last_told_at_us: self.tally.last_told_us.get(),
            enforced_at_us,
        })
    }

    /// Closes all; how many were lost before.
    pub(super) async fn close(mut self) -> anyhow::Result<u32> {
        self.traffic.shutdown().await;
        ensure!(self.holding.len() <= self.by_number.len(), "each member is held once");
        self.by_number.clear();
        self.stop.cancel();
        let ended = self.holding.join_all().await;
        Ok(u32::try_from(ended.iter().filter(|ended| **ended == Ended::Lost).count())?)
    }

    fn senders(&self) -> impl Iterator<Item = &Rc<Member>> {
        self.by_number.values().filter(|member| self.crowd.is_sender(member.number))
    }
}

/// `count` signals to a room, as one write.
fn burst(room: &Room, count: u32) -> Vec<u8> {
    let data = "x".repeat(SIGNAL_BYTES - 2); // And two quotes.
    let frame = |place: u32| {
        let signal = json!({ "room": room.id, "type": "load", "data": data });
        let request = json!({ "id": FIRST_SIGNAL_ID + place, "signal": signal });
        client_frame(TEXT, request.to_string().as_bytes())
    };
    (0..count).flat_map(frame).collect()
}

fn recorded(latencies: &Histogram<u64>) -> Latencies {
    latencies
        .iter_recorded()
        .map(|value| (value.value_iterated_to(), value.count_at_value()))
        .collect()
}

/// What a signal carries, in bytes of JSON.
const SIGNAL_BYTES: usize = 200;
/// Apart from the numbers of the other requests.
const FIRST_SIGNAL_ID: u32 = 100;
const MAX_LATENCY_US: u64 = 60_000_000;
const DELIVERY_TIME: Duration = Duration::from_secs(30);
const VERB_TIME: Duration = Duration::from_secs(30);
