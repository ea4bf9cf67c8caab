//! What a session says: frames into the ring, and out of it to the newest connection.

use stagedoor_proto::{CloseCode, Disconnect, SessionState, Timestamp};

use super::super::link::Link;
use super::super::ring::{Body, RoomTag};
use super::{Session, SessionSettings};

/// What a connection is to write next.
#[derive(Debug)]
pub enum Output<'a> {
    /// This frame.
    Frame(u64, &'a Body),
    /// Nothing for now.
    Idle,
    /// This, and then a close: the session is no longer this connection's.
    Part(Box<Disconnect>),
}

impl Session {
    /// Tells the client something that no snapshot could bring back; `false` when it has ended.
    ///
    /// A reader too slow for it loses its connection (4203) and keeps its session: what it was not told of its rooms is
    /// given up for this, and it is told the rooms anew when it is back.
    pub fn push(&mut self, body: Body, now: Timestamp, settings: &SessionSettings) -> bool {
        if matches!(self.link, Link::Ended { .. }) {
            return false;
        }
        if self.ring.push(body.clone(), None, settings.ring).is_ok() {
            return true;
        }
        self.fall_behind(now, settings);
        self.ring.push(body, None, settings.ring).is_ok()
    }

    /// Tells the client something of a room.
    ///
    /// While its token is expired only what is `urgent` is told or kept; after that, and after falling behind, the room is
    /// told anew.
    pub fn push_room(
        &mut self,
        body: &Body,
        room: RoomTag,
        urgent: bool,
        now: Timestamp,
        settings: &SessionSettings,
    ) {
        let is_kept = match self.state {
            SessionState::Established => !self.is_behind,
            SessionState::TokenExpired => urgent,
            SessionState::NotLoggedIn | SessionState::Establishing | SessionState::Terminated => {
                false
            }
        };
        if is_kept && self.ring.push(Body::clone(body), Some(room), settings.ring).is_err() {
            self.fall_behind(now, settings);
        }
    }

    /// Withdraws what the client was not yet sent of a room.
    pub fn withdraw(&mut self, room: RoomTag) {
        self.ring.withdraw(room);
    }

    /// Whether the client has to be told its rooms anew; asked once it is connected.
    pub fn catch_up(&mut self) -> bool {
        std::mem::take(&mut self.is_behind)
    }

    /// How many frames wait to be written.
    #[must_use]
    pub fn backlog(&self) -> usize {
        self.ring.backlog()
    }

    fn fall_behind(&mut self, now: Timestamp, settings: &SessionSettings) {
        self.is_behind = true;
        self.ring.drop_rooms();
        self.part(Disconnect::new(CloseCode::SlowConsumer), now, settings);
    }

    /// What the connection of `generation` is to write next; a frame counts as sent.
    ///
    /// A connection the gateway parts from gets what still waits for it first, unless being too slow is why.
    pub fn poll_output(&mut self, generation: u64) -> Output<'_> {
        let is_own = match &self.link {
            Link::Live { generation: newest } => *newest == generation,
            Link::Suspended { .. } | Link::Ended { .. } => self
                .parting
                .as_ref()
                .is_some_and(|(whose, why)| *whose == generation && why.code.peer_reads()),
        };
        if !is_own {
            return Output::Part(Box::new(self.parting(generation)));
        }
        if !self.ring.has_unsent() {
            return match self.parted(generation) {
                Some(disconnect) => Output::Part(disconnect),
                None => Output::Idle,
            };
        }
        match self.ring.take_unsent() {
            Some((seq, body)) => Output::Frame(seq, body),
            None => Output::Idle,
        }
    }

    /// What the connection of `generation` is parted from with, if it is; whatever waits for it stays.
    pub fn parted(&mut self, generation: u64) -> Option<Box<Disconnect>> {
        match &self.link {
            Link::Live { generation: newest } if *newest == generation => None,
            Link::Live { .. } | Link::Suspended { .. } | Link::Ended { .. } => {
                Some(Box::new(self.parting(generation)))
            }
        }
    }

    fn parting(&mut self, generation: u64) -> Disconnect {
        let Some((_, disconnect)) = self.parting.take_if(|(whose, _)| *whose == generation) else {
            return Disconnect::new(CloseCode::Superseded);
        };
        if matches!(self.link, Link::Ended { .. }) {
            self.ring.clear();
        }
        *disconnect
    }
}
