//! How a session is begun or taken up.

use std::sync::Arc;
use std::time::Duration;

use stagedoor_proto::{ClientInfo, Command, Credentials, InstanceId, Previous, Reply, Resume};
use stagedoor_proto::{SUBPROTOCOL, Secret, SessionId, Start, Username};
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::connection::Connection;
use crate::dial::dial;
use crate::handshake::{FIRST_ID, Opened, open};
use crate::rooms::Rooms;
use crate::sequence::Sequence;
use crate::session::{Known, Shared};
use crate::silence::{Silence, patience};
use crate::waiting::Waiting;
use crate::{ConnectError, Events, Session, Ticket};

/// Where every session begins.
#[derive(Clone, Copy, Debug)]
pub struct Client;

impl Client {
    /// Prepares a connection to the gateway at `url`, such as `ws://127.0.0.1:7080/v1/connect`.
    pub fn builder(url: impl Into<String>) -> ClientBuilder {
        ClientBuilder {
            url: url.into(),
            app: None,
            username: None,
            instance: None,
            credentials: Credentials::Guest {},
            client: None,
            previous: None,
            headers: Vec::new(),
            connect_timeout: DEFAULT_CONNECT_TIMEOUT,
            event_capacity: DEFAULT_EVENT_CAPACITY,
        }
    }
}

/// What a connection is made with. Credentials default to a guest's, the instance to a new one.
#[derive(Clone, Debug)]
#[must_use = "nothing happens before `connect` or `resume`"]
pub struct ClientBuilder {
    url: String,
    app: Option<String>,
    username: Option<Username>,
    instance: Option<InstanceId>,
    credentials: Credentials,
    client: Option<ClientInfo>,
    previous: Option<Previous>,
    headers: Vec<(String, String)>,
    connect_timeout: Duration,
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

    /// What lets the user in.
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
        self.headers.push((name.into(), value.into()));
        self
    }

    /// How long the whole opening may take, from the name's look-up to the answer. 15 s by default.
    pub const fn connect_timeout(mut self, limit: Duration) -> Self {
        self.connect_timeout = limit;
        self
    }

    /// How many events may wait to be read. 1024 by default.
    pub const fn event_capacity(mut self, events: usize) -> Self {
        self.event_capacity = events;
        self
    }

    /// Starts a session.
    ///
    /// # Errors
    /// [`ConnectError`]: what the gateway refused, or why it could not be asked.
    pub async fn connect(self) -> Result<(Session, Events), ConnectError> {
        let start = Start {
            app: self.app.clone().ok_or(ConnectError::Incomplete("app"))?,
            username: self.username.clone(),
            instance: self.instance.clone().unwrap_or_else(new_instance),
            credentials: self.credentials.clone(),
            client: self.client.clone(),
            previous: self.previous.clone(),
        };
        let opened = self.open(Command::Start(Box::new(start))).await?;
        let Reply::Started(started) = &opened.reply else {
            return Err(ConnectError::Protocol("not an answer to `start`".to_owned()));
        };
        let known = Known {
            session: started.session.id,
            user: Some(started.session.user.clone()),
            limits: Some(started.limits),
            state: started.session.state,
            state_version: 0,
            expires_at: started.session.expires_at_ms,
            access_token: Some(started.access_token.clone()),
            secret: started.resume.secret.clone(),
            sequence: Sequence::default(),
            rooms: Rooms::default(),
        };
        let silence = Silence::new(patience(Some(&started.heartbeat)));
        let waiting = Waiting::new(FIRST_ID + 1, started.limits.in_flight);
        Ok(self.run(opened, known, silence, waiting))
    }

    /// Takes up the session of `ticket`, renewing it in the same step when given `auth_token`.
    ///
    /// Replies missed since come as [`Event::LateReply`](crate::Event::LateReply).
    ///
    /// # Errors
    /// [`ConnectError`]; a refusal tells by its `disconnect` whether to start anew or to stop.
    pub async fn resume(
        self,
        ticket: Ticket,
        auth_token: Option<Secret>,
    ) -> Result<(Session, Events), ConnectError> {
        let Ticket { session, secret, last_seq } = ticket;
        let opened =
            self.open(Command::Resume(Resume { session, secret, last_seq, auth_token })).await?;
        let Reply::Resumed(resumed) = &opened.reply else {
            return Err(ConnectError::Protocol("not an answer to `resume`".to_owned()));
        };
        let known = Known {
            session,
            user: None,
            limits: None,
            state: resumed.state,
            state_version: 0,
            expires_at: resumed.expires_at_ms,
            access_token: resumed.access_token.clone(),
            secret: resumed.resume.secret.clone(),
            sequence: Sequence::starting_after(last_seq),
            rooms: Rooms::default(),
        };
        // Far from the numbers of the former connection, whose late replies must find nobody waiting.
        let first_id = u32::from_le_bytes(random()) | 1 << 31;
        let silence = Silence::new(patience(None));
        Ok(self.run(opened, known, silence, Waiting::new(first_id, DEFAULT_IN_FLIGHT)))
    }

    async fn open(&self, first: Command) -> Result<Opened, ConnectError> {
        let mut headers = vec![("Sec-WebSocket-Protocol", SUBPROTOCOL)];
        headers.extend(self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        let opening = async { open(dial(&self.url, &headers).await?, first).await };
        // Boxed: the opening is large and short-lived, what runs after it is small and stays.
        match timeout(self.connect_timeout, Box::pin(opening)).await {
            Ok(opened) => opened,
            Err(_) => Err(ConnectError::Timeout(self.connect_timeout)),
        }
    }

    fn run(
        &self,
        opened: Opened,
        known: Known,
        silence: Silence,
        waiting: Waiting,
    ) -> (Session, Events) {
        let shared = Arc::new(Shared::new(known));
        let (order_queue, orders) = mpsc::channel(ORDER_CAPACITY);
        // One place more than promised: the last event keeps it.
        let (events, event_queue) = mpsc::channel(self.event_capacity.saturating_add(1));
        let Opened { socket, early, .. } = opened;
        let connection =
            Connection { socket, orders, events, shared: Arc::clone(&shared), waiting, silence };
        // Ends with the connection, or when the handles and the events are gone.
        tokio::spawn(connection.run(early));
        (Session::new(shared, order_queue), Events::new(event_queue))
    }
}

fn new_instance() -> InstanceId {
    let id = SessionId::from_bits(u128::from_le_bytes(random())).to_string();
    id.parse().expect("22 characters of base64url are an instance id")
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system has randomness");
    bytes
}

/// The gateway's own limits for handshake and start add up to this.
const DEFAULT_CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
const DEFAULT_EVENT_CAPACITY: usize = 1_024;
/// Requests that wait to be sent; a caller beyond it waits to put its own in.
const ORDER_CAPACITY: usize = 64;
/// The protocol's default, for a session resumed from a bare ticket.
const DEFAULT_IN_FLIGHT: u16 = 32;
