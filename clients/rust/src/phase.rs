//! What a session manager does now: nothing, a start, or a session.

use std::sync::Arc;

use tokio::sync::Notify;

use crate::Session;

/// What the manager does now.
#[derive(Clone, Debug)]
pub(crate) enum Phase {
    Idle,
    Starting {
        /// Gives the start up.
        stop: Arc<Notify>,
    },
    /// A session that may be over.
    Active(Session),
}

impl Phase {
    /// The session, unless it is over.
    pub(crate) fn active(&self) -> Option<Session> {
        match self {
            Self::Active(session) if !session.is_over() && !session.has_client_ended() => {
                Some(session.clone())
            }
            Self::Active(_) | Self::Idle | Self::Starting { .. } => None,
        }
    }

    /// Whether nothing writes the cells any more.
    pub(crate) fn is_idle(&self) -> bool {
        match self {
            Self::Idle => true,
            Self::Starting { .. } => false,
            Self::Active(session) => session.has_client_ended(),
        }
    }
}
