//! What the nodes of one gateway ask each other, and how it is asked.
//!
//! A request names one node, the one that a row of the directory names, and has a deadline. Its answer is JSON, as is
//! the request; a node of another version that does not know a request answers with nothing, which is an error here.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::future::join_all;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use stagedoor_proto::{Disconnect, SessionId};

use crate::engine::{Engine, Renewal, RequestError, SessionRow};
use crate::request::RequestId;
use crate::room::NodeEpoch;
use crate::store::BlockedIdentities;

/// How long another node has to do what it is asked for; beyond that the caller goes on without it.
pub(super) const PEER_TIMEOUT: Duration = Duration::from_secs(2);

/// What one node asks another one for.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum PeerRequest {
    /// End these sessions, those that are there; how many were.
    EndSessions {
        sessions: Vec<SessionId>,
        /// Those of guests alone.
        guests_only: bool,
        disconnect: Box<Disconnect>,
        request: Option<RequestId>,
    },
    /// Find a live session of an app; its user, if it is there.
    FindSession { app: Arc<str>, session: SessionId },
    /// End a live session of an app; whether it was there.
    EndSession { app: Arc<str>, session: SessionId, request: Option<RequestId> },
    /// End the sessions of guests whom a block reaches; how many.
    EndReached {
        app: Arc<str>,
        reach: BlockedIdentities,
        disconnect: Box<Disconnect>,
        request: Option<RequestId>,
    },
    /// Ask a session for a sign of life and disconnect it when it is silent; whether it lives.
    ProbeLiveness { session: SessionId },
    /// Give up a session that is resumed elsewhere with this generation; its state, if it is there.
    TakeSession { session: SessionId, generation: u64 },
}

/// Why another node did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub(super) enum PeerError {
    #[error(transparent)]
    Request(#[from] RequestError),
    #[error("the node's answer cannot be read")]
    Unreadable,
}

/// The other nodes of this gateway. Has no state of its own.
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

    /// Asks one node.
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

    /// Ends those of these sessions that are on other nodes; how many. Nodes that do not answer are logged.
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

    /// Asks every other node that is registered; their answers, and how many did not answer.
    pub(super) async fn ask_all<T: DeserializeOwned>(
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
                    tracing::warn!(%error, "a node did not answer");
                    failures += 1;
                }
            }
        }
        (answers, failures)
    }
}
