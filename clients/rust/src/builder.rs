//! How a session is started or resumed.

use std::sync::Arc;
use std::time::Duration;

use stagedoor_proto::{ClientInfo, Command, Credentials, InstanceId, Previous, Reply, Resume};
use stagedoor_proto::{Secret, Start, Username};
use tokio::sync::mpsc;

use crate::handshake::{FIRST_ID, Opened};
use crate::known::{Known, Shared};
use crate::link::Link;
use crate::opener::Opener;
use crate::random::{random, random_instance};
use crate::rejoin::Rejoining;
use crate::silence::patience;
use crate::tls::Tls;
use crate::waiting::Waiting;
use crate::{Backoff, ConnectError, CredentialsProvider, Events, Session, Ticket};

/// Where every session begins.
#[derive(Clone, Copy, Debug)]
pub struct Client;

impl Client {
    /// Prepares a session with the gateway at `url`, such as `wss://gateway.example.com/v1/connect`.
    pub fn builder(url: impl Into<String>) -> ClientBuilder {
        ClientBuilder {
            opener: Opener {
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
            backoff: Some(Backoff::default()),
            event_capacity: DEFAULT_EVENT_CAPACITY,
        }
    }
}

/// What a session is made with. Credentials default to a guest's, the instance to a new one.
#[derive(Clone)]
#[must_use = "nothing happens before `connect` or `resume`"]
pub struct ClientBuilder {
    opener: Opener,
    app: Option<String>,
    username: Option<Username>,
    instance: Option<InstanceId>,
    credentials: Credentials,
    client: Option<ClientInfo>,
    previous: Option<Previous>,
    provider: Option<Arc<dyn CredentialsProvider>>,
    backoff: Option<Backoff>,
    event_capacity: usize,
}

impl ClientBuilder {
    /// The app to enter. Needed to start a session.
    pub fn app(mut self, app: impl Into<String>) -> Self {
        self.app = Some(app.into());
        self
    }

    /// Who is coming; may be left out where a token names them.
    pub fn username(mut self, username: Username) -> Self {
        self.username = Some(username);
        self
    }

    /// The client instance; without it, a new random one.
    pub fn instance(mut self, instance: InstanceId) -> Self {
        self.instance = Some(instance);
        self
    }

    /// What lets the user in; by the access token, once there is one.
    pub fn credentials(mut self, credentials: Credentials) -> Self {
        self.credentials = credentials;
        self
    }

    /// What software is coming, for the operator's eyes.
    pub fn client_info(mut self, client: ClientInfo) -> Self {
        self.client = Some(client);
        self
    }

    /// A session that this one continues (a guest becoming a registered user).
    pub fn previous(mut self, previous: Previous) -> Self {
        self.previous = Some(previous);
        self
    }

    /// A header of the opening request, such as `Origin`.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.opener.headers.push((name.into(), value.into()));
        self
    }

    /// Who is asked for new credentials, and how to prolong the session.
    ///
    /// Without one the program answers [`Push::TokenExpiring`](stagedoor_proto::Push::TokenExpiring) itself, and a
    /// session whose token is void ends with [`Ending::Unauthenticated`](crate::Ending::Unauthenticated).
    pub fn provider(mut self, provider: impl CredentialsProvider + 'static) -> Self {
        self.provider = Some(Arc::new(provider));
        self
    }

    /// How long to wait between attempts to come back; [`Backoff::default`] otherwise.
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.backoff = Some(backoff);
        self
    }

    /// Does not come back by itself: the first lost connection ends this client, and leaves the session to be resumed.
    pub fn no_reconnect(mut self) -> Self {
        self.backoff = None;
        self
    }

    /// Trusts the certificates in `pem` too, besides those of the operating system.
    #[cfg(feature = "tls")]
    pub fn root_certificates(mut self, pem: impl AsRef<[u8]>) -> Self {
        self.opener.tls.add(pem.as_ref());
        self
    }

    /// How long each opening may take, from the name's look-up to the answer. 15 s by default.
    pub fn connect_timeout(mut self, limit: Duration) -> Self {
        self.opener.timeout = limit;
        self
    }

    /// How many events may wait to be read. 1024 by default.
    pub fn event_capacity(mut self, events: usize) -> Self {
        self.event_capacity = events;
        self
    }

    /// Starts a session. A first attempt that fails is not made again.
    ///
    /// # Errors
    /// [`ConnectError`]: what the gateway refused, or why it could not be asked.
    pub async fn connect(self) -> Result<(Session, Events), ConnectError> {
        let start = self.start().ok_or(ConnectError::Incomplete("app"))?;
        let opened = self.opener.open(Command::Start(Box::new(start.clone()))).await?;
        let Reply::Started(started) = &opened.reply else {
            return Err(ConnectError::Protocol("not an answer to `start`".to_owned()));
        };
        let known = Known::started(started);
        let waiting = Waiting::new(FIRST_ID + 1, started.limits.in_flight);
        let patience = patience(Some(&started.heartbeat));
        Ok(self.run(opened, known, Some(start), waiting, patience))
    }

    /// Resumes the session of `ticket`, renewing it in the same step when given `auth_token`.
    ///
    /// Replies missed since come as [`Event::LateReply`](crate::Event::LateReply).
    ///
    /// # Errors
    /// [`ConnectError`]; the `disconnect` of a rejection says whether to start again or to stop.
    pub async fn resume(
        self,
        ticket: Ticket,
        auth_token: Option<Secret>,
    ) -> Result<(Session, Events), ConnectError> {
        let Ticket { session, secret, last_seq } = ticket.clone();
        let resume = Command::Resume(Resume { session, secret, last_seq, auth_token });
        let opened = self.opener.open(resume).await?;
        let Reply::Resumed(resumed) = &opened.reply else {
            return Err(ConnectError::Protocol("not an answer to `resume`".to_owned()));
        };
        let known = Known::resumed_by_ticket(&ticket, resumed);
        // Far from the numbers of the former connection, whose late replies must match no pending request.
        let first_id = u32::from_le_bytes(random()) | 1 << 31;
        let waiting = Waiting::new(first_id, DEFAULT_IN_FLIGHT);
        let start = self.start();
        Ok(self.run(opened, known, start, waiting, patience(None)))
    }

    /// What a session is started with; `None` without an app.
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
        known: Known,
        start: Option<Start>,
        waiting: Waiting,
        patience: Duration,
    ) -> (Session, Events) {
        let shared = Arc::new(Shared::new(known));
        let (order_queue, orders) = mpsc::channel(ORDER_CAPACITY);
        // One place more than promised: the last event keeps it.
        let (events, event_queue) = mpsc::channel(self.event_capacity.max(1).saturating_add(1));
        let link = Link {
            opener: self.opener,
            // The older session is proved and ended; it cannot be a second time.
            start: start.map(|start| Start { previous: None, ..start }),
            provider: self.provider,
            backoff: self.backoff,
            orders,
            events,
            shared: Arc::clone(&shared),
            waiting,
            rejoining: Rejoining::default(),
            renewal: None,
            patience,
            are_handles_gone: false,
        };
        // Ends with the session, or when the handles and the events are gone.
        tokio::spawn(link.run(opened));
        (Session::new(shared, order_queue), Events::new(event_queue))
    }
}

/// The gateway's own limits for handshake and start add up to this.
const DEFAULT_CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
const DEFAULT_EVENT_CAPACITY: usize = 1_024;
/// Requests that wait to be sent; a caller beyond it waits to put its own in.
const ORDER_CAPACITY: usize = 64;
/// The protocol's default, for a session resumed from a bare ticket.
const DEFAULT_IN_FLIGHT: u16 = 32;
