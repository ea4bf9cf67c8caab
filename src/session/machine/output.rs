//! Output of a session: queues frames in the ring, and takes them out for the newest connection.

use stagedoor_proto::{CloseCode, Disconnect, SessionState};

use super::super::link::Link;
use super::super::ring::{Body, RingUsage, RoomTag};
use super::Session;
use crate::time::Now;

/// The next output of a connection.
#[derive(Debug)]
pub enum Output<'a> {
    Frame(u64, &'a Body),
    Idle,
    /// A `disconnect`, followed by a close: the connection no longer serves the session.
    Close(Box<Disconnect>),
}

/// Whether a frame of `bytes` leaves half of the session's ring to other unsent frames. Frames that one client sends to
/// another are rejected otherwise, so that they never cause the close of a slow consumer.
#[must_use]
pub fn has_headroom(session: &Session, bytes: usize) -> bool {
    session.ring.has_headroom(bytes, session.settings.ring)
}

/// Reserves the place of the reply to a pending request before the frames that follow. They are sent after it.
pub fn reserve_reply(session: &mut Session, id: u32) {
    let is_pending = session.requests.pending().contains(&id);
    if is_pending && !matches!(session.link, Link::Ended { .. }) {
        // Without a place the reply comes later than the frames.
        let _ = session.ring.reserve(id, session.settings.ring);
    }
}

/// Frees memory of a session's replay buffer: the client receives new snapshots of its rooms after its resume.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplayRelief {
    /// Drops the frames of rooms.
    DropRooms,
    /// Closes the connection (4203) too, because its client does not confirm what it receives.
    Close,
}

impl ReplayRelief {
    /// The memory that a session could free.
    #[must_use]
    pub fn usage(session: &Session) -> RingUsage {
        session.ring.usage()
    }

    pub fn apply(self, session: &mut Session, now: Now) {
        match self {
            Self::DropRooms => session.drop_room_frames(),
            Self::Close => session.close_slow(now),
        }
    }
}

impl Session {
    /// Queues a frame that no snapshot replaces; `false` if the session has ended.
    ///
    /// If the ring is full, the connection is closed (4203) and the session survives: frames of rooms are dropped to
    /// make space, and the client receives new snapshots after its resume.
    pub fn push(&mut self, body: Body, now: Now) -> bool {
        if matches!(self.link, Link::Ended { .. }) {
            return false;
        }
        if self.ring.push(body.clone(), None, self.settings.ring).is_ok() {
            return true;
        }
        self.close_slow(now);
        self.ring.push(body, None, self.settings.ring).is_ok()
    }

    /// Queues a frame of a room.
    ///
    /// While the token is expired only `urgent` frames are queued. After a renewal, and after frames were dropped, the
    /// client receives a new snapshot of the room.
    pub fn push_room(&mut self, body: &Body, room: RoomTag, urgent: bool, now: Now) {
        let is_kept = match self.state {
            SessionState::Established => !self.is_behind,
            SessionState::TokenExpired => urgent,
            SessionState::NotLoggedIn | SessionState::Establishing | SessionState::Terminated => {
                false
            }
        };
        if is_kept && self.ring.push(Body::clone(body), Some(room), self.settings.ring).is_err() {
            self.close_slow(now);
        }
    }

    /// Discards the unsent frames of a room.
    pub fn discard_unsent(&mut self, room: RoomTag) {
        self.ring.discard_room(room);
    }

    /// Schedules new snapshots of the rooms, because the client may have missed frames.
    pub fn require_reset(&mut self) {
        self.is_behind = true;
    }

    /// Takes whether the client is connected and needs new snapshots of its rooms.
    pub fn take_reset(&mut self) -> bool {
        let is_served =
            self.generation().is_some() && matches!(self.state, SessionState::Established);
        is_served && std::mem::take(&mut self.is_behind)
    }

    /// Number of unsent frames.
    #[must_use]
    pub fn backlog(&self) -> usize {
        self.ring.backlog()
    }

    /// Drops the frames of rooms. The client receives new snapshots after its resume.
    fn drop_room_frames(&mut self) {
        self.is_behind = true;
        self.ring.drop_rooms();
    }

    /// Closes the connection (4203) and drops the frames of rooms, because the client does not confirm them.
    fn close_slow(&mut self, now: Now) {
        self.drop_room_frames();
        self.disconnect(Disconnect::new(CloseCode::SlowConsumer), now);
    }

    /// The next output of the connection of `generation`; a frame counts as sent.
    ///
    /// A connection that the gateway closes receives unsent frames first, unless it was closed as a slow consumer.
    pub fn poll_output(&mut self, generation: u64) -> Output<'_> {
        let is_own = match &self.link {
            Link::Live { generation: newest } => *newest == generation,
            Link::Suspended | Link::Ended { .. } => self
                .pending_close
                .as_ref()
                .is_some_and(|(whose, why)| *whose == generation && why.code.peer_reads()),
        };
        if !is_own {
            return Output::Close(Box::new(self.take_close(generation)));
        }
        if !self.ring.has_unsent() {
            return match self.poll_close(generation) {
                Some(disconnect) => Output::Close(disconnect),
                None => Output::Idle,
            };
        }
        match self.ring.take_unsent() {
            Some((seq, body)) => Output::Frame(seq, body),
            None => Output::Idle,
        }
    }

    /// The `disconnect` of the connection of `generation`, if it closes. Unsent frames stay.
    pub fn poll_close(&mut self, generation: u64) -> Option<Box<Disconnect>> {
        match &self.link {
            Link::Live { generation: newest } if *newest == generation => None,
            Link::Live { .. } | Link::Suspended | Link::Ended { .. } => {
                Some(Box::new(self.take_close(generation)))
            }
        }
    }

    fn take_close(&mut self, generation: u64) -> Disconnect {
        let Some((_, disconnect)) = self.pending_close.take_if(|(whose, _)| *whose == generation)
        else {
            return Disconnect::new(CloseCode::Superseded);
        };
        if matches!(self.link, Link::Ended { .. }) {
            self.ring.clear();
        }
        *disconnect
    }
}
