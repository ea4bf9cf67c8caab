//! Requests between the nodes of one gateway.
//!
//! A request goes to the node in a row of the directory, and has a deadline. Request and answer are JSON. A node
//! of another version that does not know a request sends an empty answer, which is an error here.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::future::join_all;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use stagedoor_proto::{Disconnect, Ref, SessionId, Timestamp};

use crate::engine::{Engine, Renewal, RequestError, SessionRow};
use crate::request::RequestId;
use crate::room::NodeEpoch;
use crate::store::BlockedIdentities;

/// How long another node has to answer; after that the caller continues without it.
pub(super) const PEER_TIMEOUT: Duration = Duration::from_secs(2);

/// A request of one node to another.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum PeerRequest {
    /// End those of these sessions that are on the node. Returns their number.
    EndSessions {
        sessions: Vec<SessionId>,
        /// Only sessions of guests.
        guests_only: bool,
        disconnect: Box<Disconnect>,
        request: Option<RequestId>,
    },
    /// Find a live session of an app. Returns its user, if the session is on the node.
    FindSession { app: Arc<str>, session: SessionId },
    /// End a live session of an app. Returns whether it was on the node.
    EndSession {
        app: Arc<str>,
        session: SessionId,
        #[serde(default)]
        ref_: Option<Ref>,
        request: Option<RequestId>,
    },
    /// End the sessions of guests that match a block; returns their number.
    EndReached {
        app: Arc<str>,
        reach: BlockedIdentities,
        disconnect: Box<Disconnect>,
        request: Option<RequestId>,
    },
    /// Void the tokens of an app, and end its sessions that were authenticated before. Returns their number.
    EndRevoked {
        app: Arc<str>,
        revocation: AppRevocation,
        disconnect: Box<Disconnect>,
        request: Option<RequestId>,
    },
    /// Probe the liveness of a session, and disconnect it if it is silent. Returns whether it is live.
    ProbeLiveness { session: SessionId },
    /// Release a session that is resumed on another node with this generation. Returns its state, if it is on the node.
    TakeSession { session: SessionId, generation: u64 },
    /// Read the signing keys from the store. Returns whether it was done.
    ReloadKeys {},
}

/// A revocation of all tokens of an app.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct AppRevocation {
    /// Credentials issued before this time are void.
    pub(super) revoked: Timestamp,
    /// Whether sessions end no matter when they were authenticated.
    pub(super) ends_all: bool,
}

/// Why a request to another node failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum PeerError {
    #[error(transparent)]
    Request(#[from] RequestError),
    #[error("malformed answer from another node")]
    Unreadable,
}

/// The other nodes of this gateway. It has no state.
pub(super) struct Peers {
    engine: Arc<dyn Engine>,
}

impl Peers {
    pub(super) const fn new(engine: Arc<dyn Engine>) -> Self {
        Self { engine }
    }

    /// Whether a row's session is on this node.
    pub(super) fn is_here(&self, row: &SessionRow) -> bool {
        row.node == self.engine.node()
    }

    /// Sends a request to one node.
    pub(super) async fn ask<T: DeserializeOwned>(
        &self,
        node: NodeEpoch,
        request: &PeerRequest,
        deadline: Duration,
    ) -> Result<T, PeerError> {
        let body = serde_json::to_vec(request).expect("a request has a JSON form").into();
        let answer: Bytes = self.engine.request(node, body, deadline).await?;
        serde_json::from_slice(&answer).map_err(|_| PeerError::Unreadable)
    }

    /// Ends those of these sessions that are on other nodes. Returns their number. Logs nodes that do not answer.
    pub(super) async fn end_sessions(
        &self,
        rows: &[SessionRow],
        guests_only: bool,
        disconnect: &Disconnect,
        request: Option<&RequestId>,
        deadline: Duration,
    ) -> Result<usize, PeerError> {
        let mut nodes: Vec<NodeEpoch> =
            rows.iter().filter(|row| !self.is_here(row)).map(|row| row.node).collect();
        nodes.sort_unstable();
        nodes.dedup();
        let asked = nodes.into_iter().map(|node| {
            let of_node = rows.iter().filter(|row| row.node == node);
            let request = PeerRequest::EndSessions {
                sessions: of_node.map(|row| row.session).collect(),
                guests_only,
                disconnect: Box::new(disconnect.clone()),
                request: request.cloned(),
            };
            async move { self.ask::<usize>(node, &request, deadline).await }
        });
        join_all(asked).await.into_iter().sum()
    }

    /// Sends a request to all other registered nodes. Returns their answers, and the number of nodes without an answer.
    pub(super) async fn request_all<T: DeserializeOwned>(
        &self,
        request: &PeerRequest,
    ) -> (Vec<T>, usize) {
        if !self.engine.is_shared() {
            return (Vec::new(), 0);
        }
        let leases = match self.engine.renew_lease().await {
            Ok(Renewal::Held(leases)) => leases,
            Ok(Renewal::Lost) | Err(_) => return (Vec::new(), 1),
        };
        let others = leases.iter().filter(|lease| lease.node != self.engine.node());
        let asked = others.map(|lease| self.ask::<T>(lease.node, request, PEER_TIMEOUT));
        let (mut answers, mut failures) = (Vec::new(), 0);
        for answer in join_all(asked).await {
            match answer {
                Ok(answer) => answers.push(answer),
                Err(error) => {
                    tracing::warn!(%error, "node did not answer");
                    failures += 1;
                }
            }
        }
        (answers, failures)
    }
}
