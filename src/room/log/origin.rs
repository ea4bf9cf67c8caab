//! The origin of an entry, and the request that waits for its reply.

use std::fmt;

use serde::{Deserialize, Serialize};
use stagedoor_proto::SessionId;

use crate::request::RequestId;

/// A node's registration with the engine. A node that restarts or was declared dead gets a new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NodeEpoch(pub u64);

impl fmt::Display for NodeEpoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// The request that waits for the reply to a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    Session {
        session: SessionId,
        /// The number of the request.
        request: u32,
    },
    /// A call of the server API, by its id on the appending node. It acts as the server.
    Call(u64),
}

impl Origin {
    /// The request id. `None`: the number of a call does not identify it.
    pub(in crate::room) const fn request(self) -> Option<RequestId> {
        match self {
            Self::Session { session, request } => {
                Some(RequestId::Session { session, number: request })
            }
            Self::Call(_) => None,
        }
    }
}
