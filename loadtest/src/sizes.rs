//! How much load a figure makes, and for how long.

use std::time::Duration;

/// The numbers of all figures.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    /// How long logins are measured beside a flood.
    pub(crate) flood_time: Duration,
    /// Time between two logins.
    pub(crate) login_interval: Duration,
    /// After which a login counts as failed.
    pub(crate) login_timeout: Duration,
    /// Sessions that join and leave rooms for the memory figure.
    pub(crate) room_sessions: u32,
    /// How many rooms each of them joins and leaves.
    pub(crate) rooms_per_session: u32,
    /// The handshake timeout, where it is not the default.
    pub(crate) handshake_timeout: Option<Duration>,
    /// Connections to each port that read nothing.
    pub(crate) unread_connections: u32,
    /// Participants of the room that gets large signals.
    pub(crate) signal_receivers: u32,
    /// Participants that stay in the room around whose roster limit others join and leave.
    pub(crate) roster_stayers: u32,
    /// Participants that join and leave it together.
    pub(crate) roster_hoppers: u32,
    /// The roster limit of that room, where it is not the default.
    pub(crate) roster_limit: Option<u32>,
    /// Participants of the room in which one resumes.
    pub(crate) resume_receivers: u32,
    /// Participants of the room that is joined again and again.
    pub(crate) join_participants: u32,
    /// Pairs of a subscriber that relays and a publisher that reads slowly.
    pub(crate) relay_pairs: u32,
    /// The sessions that a node holds in the figure of one address.
    pub(crate) sessions_per_node: u32,
    /// Sessions of the cost figure, in rooms of [`PER_ROOM`].
    pub(crate) cost_sessions: u32,
    /// Signals of each room in the cost figure.
    pub(crate) cost_signals: u32,
    /// How often the cost figure is measured on one gateway process. The first time is not counted.
    pub(crate) cost_passes: u32,
}

impl Sizes {
    /// The sizes that figures are reported with.
    pub(crate) const FULL: Self = Self {
        flood_time: Duration::from_secs(6),
        login_interval: Duration::from_millis(20),
        login_timeout: Duration::from_secs(5),
        room_sessions: 800,
        rooms_per_session: 25,
        handshake_timeout: None,
        unread_connections: 20,
        signal_receivers: 600,
        roster_stayers: 99,
        roster_hoppers: 104,
        roster_limit: None,
        resume_receivers: 149,
        join_participants: 199,
        relay_pairs: 2,
        sessions_per_node: 400,
        cost_sessions: 1_000,
        cost_signals: 40,
        cost_passes: 3,
    };

    /// Sizes that show that each figure can be measured.
    pub(crate) const QUICK: Self = Self {
        flood_time: Duration::from_millis(600),
        login_interval: Duration::from_millis(50),
        login_timeout: Duration::from_secs(5),
        room_sessions: 5,
        rooms_per_session: 2,
        handshake_timeout: Some(Duration::from_millis(400)),
        unread_connections: 3,
        signal_receivers: 5,
        roster_stayers: 2,
        roster_hoppers: 4,
        roster_limit: Some(5),
        resume_receivers: 3,
        join_participants: 4,
        relay_pairs: 1,
        sessions_per_node: 40,
        cost_sessions: 20,
        cost_signals: 3,
        cost_passes: 2,
    };
}

/// Participants of a room in the cost figure.
pub(crate) const PER_ROOM: u32 = 50;
