//! The connection of a session as programs observe it: for a banner such as "reconnecting in 4 s".

use std::time::Instant;

use tokio::sync::watch;

use crate::observer::{Observer, SessionSnapshot};
use crate::{Disconnected, Ending};

/// What a client does about its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ConnectionStatus {
    /// No connection is wanted: no session was started, or the client has ended.
    Idle,
    /// An attempt to connect is in progress.
    Connecting,
    /// The session has a connection.
    Live,
    /// The connection was lost or an attempt failed, and the client waits before the next attempt.
    Waiting,
}

/// The connection of a session at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConnectionSnapshot {
    /// What the client does.
    pub status: ConnectionStatus,
    /// Number of attempts since the last connection; 0 while there is one.
    pub attempt: u32,
    /// When the next attempt begins, while the client waits for it.
    pub next_attempt: Option<Instant>,
    /// How the last connection ended.
    pub last_end: Option<Disconnected>,
    /// Whether the gateway rejects commands that need the whole cluster.
    pub is_degraded: bool,
}

/// Follows the connection of a session.
pub type ConnectionObserver = Observer<ConnectionSnapshot>;

impl ConnectionSnapshot {
    const fn new(status: ConnectionStatus, attempt: u32) -> Self {
        Self { status, attempt, next_attempt: None, last_end: None, is_degraded: false }
    }

    /// No session.
    pub(crate) const IDLE: Self = Self::new(ConnectionStatus::Idle, 0);

    /// A session is being started.
    pub(crate) const STARTING: Self = Self::new(ConnectionStatus::Connecting, 1);

    /// A session that was started or resumed.
    pub(crate) const LIVE: Self = Self::new(ConnectionStatus::Live, 0);

    /// The client waits until `next_attempt`.
    pub(crate) const fn wait(&mut self, next_attempt: Instant) {
        self.status = ConnectionStatus::Waiting;
        self.next_attempt = Some(next_attempt);
    }

    /// An attempt begins.
    pub(crate) const fn begin_attempt(&mut self) {
        self.status = ConnectionStatus::Connecting;
        self.attempt = self.attempt.saturating_add(1);
        self.next_attempt = None;
    }

    /// An attempt succeeded.
    pub(crate) const fn connected(&mut self) {
        self.status = ConnectionStatus::Live;
        self.attempt = 0;
        self.next_attempt = None;
    }

    /// The client has ended.
    pub(crate) fn ended(&mut self, ending: &Ending) {
        let last_end = match ending {
            Ending::Disconnected(end) => Some(end.clone()),
            _ => self.last_end.take(),
        };
        *self = Self { last_end, ..Self::IDLE };
    }
}

/// The cells that observers of a session manager read. The sessions of the manager write them.
#[derive(Clone, Debug)]
pub(crate) struct ManagerCells {
    pub(crate) state: watch::Sender<SessionSnapshot>,
    pub(crate) connection: watch::Sender<ConnectionSnapshot>,
}

impl ManagerCells {
    pub(crate) fn new() -> Self {
        let (state, _) = watch::channel(SessionSnapshot::IDLE);
        let (connection, _) = watch::channel(ConnectionSnapshot::IDLE);
        Self { state, connection }
    }
}
