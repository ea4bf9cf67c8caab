//! How much load a figure makes, and for how long.

use std::time::Duration;

/// The numbers of all figures.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    /// Sessions that join and leave rooms for the memory figure.
    pub(crate) room_sessions: u32,
    /// How many rooms each of them joins and leaves.
    pub(crate) rooms_per_session: u32,
    /// The handshake timeout, where it is not the default.
    pub(crate) handshake_timeout: Option<Duration>,
    /// Connections to each port that read nothing.
    pub(crate) unread_connections: u32,
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
        room_sessions: 800,
        rooms_per_session: 25,
        handshake_timeout: None,
        unread_connections: 20,
        cost_sessions: 1_000,
        cost_signals: 40,
        cost_passes: 3,
    };

    /// Sizes that show that each figure can be measured.
    pub(crate) const QUICK: Self = Self {
        room_sessions: 5,
        rooms_per_session: 2,
        handshake_timeout: Some(Duration::from_millis(400)),
        unread_connections: 3,
        cost_sessions: 20,
        cost_signals: 3,
        cost_passes: 2,
    };
}

/// Participants of a room in the cost figure.
pub(crate) const PER_ROOM: u32 = 50;
