//! Where an entry comes from, and who waits for what becomes of it.

use std::fmt;

use serde::{Deserialize, Serialize};
use stagedoor_proto::SessionId;

use crate::request::RequestId;

/// One registration of a node with the engine: a node that restarts, or that was declared dead, gets another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NodeEpoch(pub u64);

impl fmt::Display for NodeEpoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// Who waits for the answer to a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// A request of a session.
    Session {
        /// The session.
        session: SessionId,
        /// The number of its request.
        request: u32,
    },
    /// A call of the server API, by an id of the appending node; it acts as the server.
    Call(u64),
}

impl Origin {
    /// The request's id; a call's number says nothing of it.
    pub(in crate::room) const fn request(self) -> Option<RequestId> {
        match self {
            Self::Session { session, request } => {
                Some(RequestId::Session { session, number: request })
            }
            Self::Call(_) => None,
        }
    }
}
