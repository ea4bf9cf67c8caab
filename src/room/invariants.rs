//! What is true of a room after every entry.

use stagedoor_proto::Link;

use crate::room::permissions::capabilities;
use crate::room::state::Room;

impl Room {
    /// Checks what must hold after every entry: in tests and fuzzing, and of a checkpoint that is restored.
    ///
    /// # Errors
    /// Which invariant is broken.
    pub fn check_invariants(&self) -> Result<(), &'static str> {
        self.check_people()?;
        self.check_streams()?;
        self.check_mutes()?;
        self.check_timers()?;
        require(self.refs.is_bounded() && self.signals.refs.is_bounded(), "too many refs")?;
        require(self.held.is_bounded(), "a table of the record is too long")?;
        require(self.recent.is_bounded(), "too many recent departures")?;
        require(self.lost_nodes.is_bounded(), "too many lost nodes")?;
        require(self.receipts.is_consistent(), "receipts and their reports disagree")?;
        require(self.settled.is_empty(), "an audit row was left behind")
    }

    fn check_people(&self) -> Result<(), &'static str> {
        require(self.people.len() <= self.settings.participants as usize, "too many participants")?;
        require(self.people.indexed_by_user() == self.people.len(), "the index by user is off")?;
        require(self.people.is_empty() || self.closes.is_none(), "an occupied room is to close")?;
        let limit = self.settings.roster_limit as usize;
        require(self.size.is_large || self.people.len() <= limit, "a large room is not marked so")?;
        let is_half = self.people.len() >= limit.div_ceil(2);
        require(!self.size.is_large || is_half, "a small room is marked as large")?;
        for person in self.people.iter() {
            require(self.people.is_indexed(person), "an index of participants is off")?;
            let expected =
                capabilities(person.role, person.scopes, self.settings.subscriber_signals);
            let is_lost = self.lost_nodes.contains(person.home);
            require(!is_lost || person.link == Link::Suspended, "a lost node has a live session")?;
            require(person.capabilities == expected, "capabilities are not those of the role")?;
            let held = self.held.role(&person.username);
            require(held.is_none_or(|role| role == person.role), "a set role is not held")?;
            let guest = person.guest_instance.as_ref();
            let blocked = self.held.blocked(&person.username, guest, self.now);
            require(blocked.is_none(), "somebody blocked is in the room")?;
            require(
                person.streams.is_empty() || person.capabilities.publish,
                "a stream of one who may not publish",
            )?;
            require(
                person.subscriptions.is_empty() || person.capabilities.subscribe,
                "a subscription of one who may not subscribe",
            )?;
        }
        let may_watch =
            |id| self.people.find(id).is_some_and(|person| person.capabilities.moderate);
        require(self.feed.watchers().all(may_watch), "one who may not watch watches")
    }

    fn check_streams(&self) -> Result<(), &'static str> {
        require(self.streams.len() <= self.settings.streams as usize, "too many streams")?;
        let streams: usize = self.people.iter().map(|person| person.streams.len()).sum();
        require(streams == self.streams.len(), "a stream without its owner")?;
        let subscriptions: usize =
            self.people.iter().map(|person| person.subscriptions.len()).sum();
        let subscribers: usize = self.streams.values().map(|stream| stream.subscribers.len()).sum();
        require(subscriptions == subscribers, "subscriptions and subscribers disagree")?;
        for (id, stream) in &self.streams {
            let owner = self.people.find(stream.wire.participant);
            require(
                owner.is_some_and(|owner| owner.streams.contains(id)),
                "a stream is not its owner's",
            )?;
            let most = self.settings.streams_per_participant as usize;
            require(
                owner.is_some_and(|owner| owner.streams.len() <= most),
                "too many streams of one",
            )?;
        }
        Ok(())
    }

    fn check_mutes(&self) -> Result<(), &'static str> {
        for (id, stream) in &self.streams {
            require(
                !(stream.wire.muted && stream.wire.has_audio),
                "a muted stream has its audio on",
            )?;
            let is_held = self.is_mute_locked(*id);
            require(!is_held || !stream.wire.has_audio, "a locked mute does not hold")?;
            let owner = self.people.find(stream.wire.participant);
            let is_live = owner.is_some_and(|owner| owner.link == Link::Live);
            let runs = !stream.unacknowledged.is_empty() && is_live;
            require(
                stream.deadline.is_some() == runs,
                "a mute's clock is not that of its owner's link",
            )?;
            let deadline = stream.deadline.map(|at| (at, *id));
            require(
                deadline.is_none_or(|deadline| self.deadlines.contains(&deadline)),
                "a mute's clock is not queued",
            )?;
        }
        let running = self.streams.values().filter(|stream| stream.deadline.is_some()).count();
        require(running == self.deadlines.len(), "a clock of no stream is queued")
    }

    fn check_timers(&self) -> Result<(), &'static str> {
        let leased = |person: &&crate::room::state::participants::Membership| {
            person.lease.is_some_and(|lease| self.leases.contains(&(lease.due(), person.id)))
        };
        require(self.people.iter().filter(leased).count() == self.leases.len(), "leases are off")?;
        require(self.next_due().is_none_or(|due| due > self.now), "something was due and not done")
    }
}

fn require(holds: bool, otherwise: &'static str) -> Result<(), &'static str> {
    if holds { Ok(()) } else { Err(otherwise) }
}
