//! The state of a session that outlives its connections, and the requests of its handles.
//!
//! Requests arrive on a bounded queue, and events leave on another. Not here: the task that owns the state (`task`).

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use stagedoor_proto::{Command, PostponeRenewal, Renew, Reply, SessionState, Start};
use tokio::sync::{mpsc, oneshot};

use crate::connector::Connector;
use crate::pending::{PendingRequests, ReplyTo};
use crate::record::Shared;
use crate::rejoin::PendingRejoins;
use crate::{Backoff, CredentialsProvider, Event, Renewal, RequestError};

/// A request of a handle to the task: send a command and return its reply.
#[derive(Debug)]
pub(crate) struct Order {
    pub(crate) command: Command,
    pub(crate) reply_to: oneshot::Sender<Result<Reply, RequestError>>,
}

/// The state of a session that outlives its connections, owned by its task.
pub(crate) struct Link {
    pub(crate) connector: Connector,
    /// The `start` of a new session; `None` if the program gave no app.
    pub(crate) start: Option<Start>,
    pub(crate) provider: Option<Arc<dyn CredentialsProvider>>,
    /// `None`: reconnection is disabled.
    pub(crate) backoff: Option<Backoff>,
    pub(crate) orders: mpsc::Receiver<Order>,
    pub(crate) events: mpsc::Sender<Event>,
    pub(crate) shared: Arc<Shared>,
    pub(crate) pending: PendingRequests,
    pub(crate) pending_rejoins: PendingRejoins,
    /// The pending call of the provider for a renewal.
    pub(crate) renewal: Option<BoxFuture<'static, Renewal>>,
    /// How long the gateway may be silent before the connection counts as lost.
    pub(crate) liveness_timeout: Duration,
    pub(crate) are_handles_gone: bool,
}

impl Link {
    /// Queues a request.
    pub(crate) fn queue_request(&mut self, order: Option<Order>) {
        match order {
            Some(Order { command, reply_to }) => {
                self.pending.add(command, ReplyTo::Caller(reply_to));
            }
            None => self.are_handles_gone = true,
        }
    }

    /// Calls the provider for a renewal, unless a call is pending or there is no provider.
    pub(crate) fn ask_for_renewal(&mut self) {
        if let (Some(provider), None) = (&self.provider, &self.renewal) {
            let expires_at = self.shared.lock().expires_at;
            self.renewal = Some(provider.renewal(expires_at));
        }
    }

    /// Sends the renewal that the provider chose.
    pub(crate) fn apply_renewal(&mut self, renewal: Renewal) {
        self.renewal = None;
        let command = match renewal {
            Renewal::Renew => Command::Renew(Renew::default()),
            Renewal::WithAuthToken(token) => {
                Command::Renew(Renew { auth_token: Some(token), params: None })
            }
            Renewal::WithParams(params) => {
                Command::Renew(Renew { auth_token: None, params: Some(params) })
            }
            Renewal::Unable => Command::PostponeRenewal(PostponeRenewal {}),
        };
        self.pending.add(command, ReplyTo::Renewal);
    }

    /// Starts a renewal if the state of the session needs one.
    pub(crate) fn check_expiry(&mut self) {
        if self.shared.lock().state == SessionState::TokenExpired {
            self.ask_for_renewal();
        }
    }
}
