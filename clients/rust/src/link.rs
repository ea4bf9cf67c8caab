//! What of a session outlives its connections, and what handles ask of it.
//!
//! Requests come by a bounded queue, events leave by another. Not here: the task that owns it (`task`).

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use stagedoor_proto::{Command, PostponeRenewal, Renew, Reply, SessionState, Start};
use tokio::sync::{mpsc, oneshot};

use crate::known::Shared;
use crate::opener::Opener;
use crate::rejoin::Rejoining;
use crate::waiting::{ReplyTo, Waiting};
use crate::{Backoff, CredentialsProvider, Event, Renewal, RequestError};

/// What a handle asks of the task: send a command and hand back its reply.
#[derive(Debug)]
pub(crate) struct Order {
    pub(crate) command: Command,
    pub(crate) reply_to: oneshot::Sender<Result<Reply, RequestError>>,
}

/// What of a session outlives its connections, owned by its task.
pub(crate) struct Link {
    pub(crate) opener: Opener,
    /// What a new session is started with; `None` where the program did not say.
    pub(crate) start: Option<Start>,
    pub(crate) provider: Option<Arc<dyn CredentialsProvider>>,
    /// `None`: the first connection is the only one.
    pub(crate) backoff: Option<Backoff>,
    pub(crate) orders: mpsc::Receiver<Order>,
    pub(crate) events: mpsc::Sender<Event>,
    pub(crate) shared: Arc<Shared>,
    pub(crate) waiting: Waiting,
    pub(crate) rejoining: Rejoining,
    /// The provider is being asked how to prolong the session.
    pub(crate) renewal: Option<BoxFuture<'static, Renewal>>,
    /// How long the gateway may be silent.
    pub(crate) patience: Duration,
    pub(crate) are_handles_gone: bool,
}

impl Link {
    /// Takes an order in.
    pub(crate) fn take_in(&mut self, order: Option<Order>) {
        match order {
            Some(Order { command, reply_to }) => {
                self.waiting.add(command, ReplyTo::Caller(reply_to));
            }
            None => self.are_handles_gone = true,
        }
    }

    /// Asks the provider how to prolong the session, unless it is being asked or there is none.
    pub(crate) fn ask_for_renewal(&mut self) {
        if let (Some(provider), None) = (&self.provider, &self.renewal) {
            let expires_at = self.shared.lock().expires_at;
            self.renewal = Some(provider.renewal(expires_at));
        }
    }

    /// Does what the provider said.
    pub(crate) fn take_in_renewal(&mut self, renewal: Renewal) {
        self.renewal = None;
        let command = match renewal {
            Renewal::Renew => Command::Renew(Renew { auth_token: None }),
            Renewal::WithAuthToken(token) => Command::Renew(Renew { auth_token: Some(token) }),
            Renewal::Unable => Command::PostponeRenewal(PostponeRenewal {}),
        };
        self.waiting.add(command, ReplyTo::NoCaller);
    }

    /// Where the session's state asks for it, sees to its renewal.
    pub(crate) fn check_expiry(&mut self) {
        if self.shared.lock().state == SessionState::TokenExpired {
            self.ask_for_renewal();
        }
    }
}
