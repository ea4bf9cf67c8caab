//! How a session is started or resumed.

use std::sync::Arc;
use std::time::Duration;

use stagedoor_proto::{ClientInfo, Command, Credentials, InstanceId, Previous, Reply, Resume};
use stagedoor_proto::{Secret, Start, Username};
use tokio::sync::mpsc;

use crate::connection_state::ManagerCells;
use crate::connector::Connector;
use crate::handler::HandledRenewals;
use crate::handshake::{FIRST_ID, Opened};
use crate::link::Link;
use crate::liveness::liveness_timeout;
use crate::pending::PendingRequests;
use crate::random::{random, random_instance};
use crate::record::{SessionRecord, Shared};
use crate::rejoin::PendingRejoins;
use crate::tls::Tls;
use crate::{Backoff, ConnectError, CredentialsProvider, Events, Session, SessionHandler, Ticket};

/// The entry point of this crate.
#[derive(Clone, Copy, Debug)]
pub struct Client;

impl Client {
    /// Prepares a session with the gateway at `url`, such as `wss://gateway.example.com/v1/connect`.
    pub fn builder(url: impl Into<String>) -> ClientBuilder {
        ClientBuilder {
            connector: Connector {
                url: url.into(),
                headers: Vec::new(),
                timeout: DEFAULT_CONNECT_TIMEOUT,
                tls: Tls::default(),
            },
            app: None,
            username: None,
            instance: None,
            credentials: Credentials::Guest {},
            client: None,
            previous: None,
            provider: None,
            handler: None,
            manager: None,
            backoff: Some(Backoff::default()),
            event_capacity: DEFAULT_EVENT_CAPACITY,
        }
    }
}

/// The settings of a session. By default the credentials are those of a guest, and the instance is new.
#[derive(Clone)]
#[must_use = "nothing happens before `connect` or `resume`"]
pub struct ClientBuilder {
    connector: Connector,
    app: Option<String>,
    username: Option<Username>,
    instance: Option<InstanceId>,
    credentials: Credentials,
    client: Option<ClientInfo>,
    previous: Option<Previous>,
    provider: Option<Arc<dyn CredentialsProvider>>,
    handler: Option<Arc<dyn SessionHandler>>,
    /// What the observers of a session manager read.
    manager: Option<ManagerCells>,
    backoff: Option<Backoff>,
    event_capacity: usize,
}

impl ClientBuilder {
    /// The app. Required to start a session.
    pub fn app(mut self, app: impl Into<String>) -> Self {
        self.app = Some(app.into());
        self
    }

    /// The name of the user; optional if a token names the user.
    pub fn username(mut self, username: Username) -> Self {
        self.username = Some(username);
        self
    }

    /// The client instance; random by default.
    pub fn instance(mut self, instance: InstanceId) -> Self {
        self.instance = Some(instance);
        self
    }

    /// The credentials of the user. Later starts use the access token of the session.
    pub fn credentials(mut self, credentials: Credentials) -> Self {
        self.credentials = credentials;
        self
    }

    /// The client software, shown to the operator.
    pub fn client_info(mut self, client: ClientInfo) -> Self {
        self.client = Some(client);
        self
    }

    /// A session that this one continues (a guest becoming a registered user).
    pub fn previous(mut self, previous: Previous) -> Self {
        self.previous = Some(previous);
        self
    }

    /// A header of the WebSocket handshake, such as `Origin`.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.connector.headers.push((name.into(), value.into()));
        self
    }

    /// The source of new credentials for reconnection and renewal.
    ///
    /// Without a provider the program answers [`Push::TokenExpiring`](stagedoor_proto::Push::TokenExpiring) itself, and
    /// a session with an invalid token ends with [`Ending::Unauthenticated`](crate::Ending::Unauthenticated).
    pub fn provider(mut self, provider: impl CredentialsProvider + 'static) -> Self {
        self.provider = Some(Arc::new(provider));
        self
    }

    /// Decides how access tokens are renewed, instead of the provider's own renewals.
    pub fn session_handler(mut self, handler: impl SessionHandler + 'static) -> Self {
        self.handler = Some(Arc::new(handler));
        self
    }

    /// The waits between reconnection attempts; [`Backoff::default`] by default.
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.backoff = Some(backoff);
        self
    }

    /// Disables reconnection: the first lost connection ends this client. The session can still be resumed.
    pub fn no_reconnect(mut self) -> Self {
        self.backoff = None;
        self
    }

    /// Trusts the certificates in `pem` in addition to those of the operating system.
    #[cfg(feature = "tls")]
    pub fn root_certificates(mut self, pem: impl AsRef<[u8]>) -> Self {
        self.connector.tls.add(pem.as_ref());
        self
    }

    /// The timeout of each attempt to connect, from the DNS lookup to the reply. 15 s by default.
    pub fn connect_timeout(mut self, limit: Duration) -> Self {
        self.connector.timeout = limit;
        self
    }

    /// The capacity of the event queue. 1024 by default.
    pub fn event_capacity(mut self, events: usize) -> Self {
        self.event_capacity = events;
        self
    }

    /// Starts a session. It does not retry a failed first attempt.
    ///
    /// # Errors
    /// [`ConnectError`], if the gateway rejected the session or was unreachable.
    pub async fn connect(self) -> Result<(Session, Events), ConnectError> {
        let start = self.start().ok_or(ConnectError::Incomplete("app"))?;
        let opened = self.connector.open(Command::Start(Box::new(start.clone()))).await?;
        let Reply::Started(started) = &opened.reply else {
            return Err(ConnectError::Protocol("not an answer to `start`".to_owned()));
        };
        let record = SessionRecord::started(started);
        let pending = PendingRequests::new(FIRST_ID + 1, started.limits.in_flight);
        let liveness_timeout = liveness_timeout(Some(&started.heartbeat));
        Ok(self.run(opened, record, Some(start), pending, liveness_timeout))
    }

    /// Resumes the session of `ticket`, renewing it in the same step when given `auth_token`.
    ///
    /// Missed replies come as [`Event::LateReply`](crate::Event::LateReply).
    ///
    /// # Errors
    /// [`ConnectError`]; the `disconnect` of a rejection says whether to start again or to stop.
    pub async fn resume(
        self,
        ticket: Ticket,
        auth_token: Option<Secret>,
    ) -> Result<(Session, Events), ConnectError> {
        let Ticket { session, secret, last_seq } = ticket.clone();
        let resume =
            Command::Resume(Resume { session, secret, last_seq, auth_token, params: None });
        let opened = self.connector.open(resume).await?;
        let Reply::Resumed(resumed) = &opened.reply else {
            return Err(ConnectError::Protocol("not an answer to `resume`".to_owned()));
        };
        let record = SessionRecord::resumed_by_ticket(&ticket, resumed);
        // Far from the ids of the previous client, whose late replies must match no pending request.
        let first_id = u32::from_le_bytes(random()) | 1 << 31;
        let pending = PendingRequests::new(first_id, DEFAULT_IN_FLIGHT);
        let start = self.start();
        Ok(self.run(opened, record, start, pending, liveness_timeout(None)))
    }

    /// Settings of a manager, whose sessions are of one client instance and write `cells`.
    pub(crate) fn managed(mut self, cells: ManagerCells) -> Self {
        self.instance.get_or_insert_with(random_instance);
        self.manager = Some(cells);
        self
    }

    /// The `start` command; `None` without an app.
    fn start(&self) -> Option<Start> {
        Some(Start {
            app: self.app.clone()?,
            username: self.username.clone(),
            instance: self.instance.clone().unwrap_or_else(random_instance),
            credentials: self.credentials.clone(),
            client: self.client.clone(),
            previous: self.previous.clone(),
        })
    }

    fn run(
        self,
        opened: Opened,
        record: SessionRecord,
        start: Option<Start>,
        pending: PendingRequests,
        liveness_timeout: Duration,
    ) -> (Session, Events) {
        let shared = Arc::new(Shared::new(record, self.manager));
        let credentials = self.provider;
        let provider: Option<Arc<dyn CredentialsProvider>> = match self.handler {
            Some(handler) => Some(Arc::new(HandledRenewals { handler, credentials })),
            None => credentials,
        };
        let (order_queue, orders) = mpsc::channel(ORDER_CAPACITY);
        // One slot more than configured, reserved for the last event.
        let (events, event_queue) = mpsc::channel(self.event_capacity.max(1).saturating_add(1));
        let link = Link {
            connector: self.connector,
            // The previous session has ended; it cannot be continued a second time.
            start: start.map(|start| Start { previous: None, ..start }),
            provider,
            backoff: self.backoff,
            orders,
            events,
            shared: Arc::clone(&shared),
            pending,
            pending_rejoins: PendingRejoins::default(),
            renewal: None,
            liveness_timeout,
            are_handles_gone: false,
        };
        // The task ends with the session, or when the handles and the events are dropped.
        tokio::spawn(link.run(opened));
        (Session::new(shared, order_queue), Events::new(event_queue))
    }
}

/// The sum of the gateway's timeouts for handshake and start.
const DEFAULT_CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
pub(crate) const DEFAULT_EVENT_CAPACITY: usize = 1_024;
/// Capacity of the request queue; more callers wait for a free slot.
const ORDER_CAPACITY: usize = 64;
/// The default of the protocol, for a session resumed from a ticket alone.
const DEFAULT_IN_FLIGHT: u16 = 32;
