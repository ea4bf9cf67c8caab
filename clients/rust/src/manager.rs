//! The session manager: one session at a time for a program that signs users in and out.
//!
//! Owns the phase (no session, one being started, one active), the cells that observers read, and the queue of events.
//! Invariants: a start begins only when no session is active, so at most one writes the cells. Dropping a start,
//! or stopping it, leaves no session behind. Not here: the session itself (`session`).

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::{BoxFuture, Shared, WeakShared};
use stagedoor_proto::{Credentials, RoomId, SessionState};
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::builder::DEFAULT_EVENT_CAPACITY;
use crate::connection_state::{ConnectionObserver, ConnectionSnapshot, ManagerCells};
use crate::managed_room::{ManagedRoom, SessionSource};
use crate::observer::{SessionSnapshot, StateObserver};
use crate::phase::Phase;
use crate::{
    ClientBuilder, Event, Events, Session, SessionLoader, StartError, StartResult, StartWith,
};

/// Starts and stops sessions, one at a time, and lets the program observe them. Clones share the sessions.
///
/// ```no_run
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// use stagedoor_client::{Client, SessionManager, StartResult, StartWith};
///
/// let client = Client::builder("wss://gateway.example.com/v1/connect").app("demo");
/// let manager = SessionManager::new(client);
/// let mut observer = manager.observe();
/// match manager.start(StartWith::Guest("ann".parse()?)).await {
///     StartResult::Succeeded { session } => println!("{}", session.id()),
///     StartResult::Failed { error } => println!("{error}"),
/// }
/// while let Some(snapshot) = observer.next().await {
///     println!("{:?}", snapshot.state);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct SessionManager {
    inner: Arc<Inner>,
}

impl SessionManager {
    /// A manager of sessions with these settings. It does nothing before the first start.
    #[must_use]
    pub fn new(settings: ClientBuilder) -> Self {
        Self::build(settings, None)
    }

    /// A manager that asks `loader` when [`SessionManager::session`] needs a session and there is none.
    #[must_use]
    pub fn with_loader(settings: ClientBuilder, loader: impl SessionLoader + 'static) -> Self {
        Self::build(settings, Some(Arc::new(loader)))
    }

    fn build(settings: ClientBuilder, loader: Option<Arc<dyn SessionLoader>>) -> Self {
        let cells = ManagerCells::new();
        let settings = settings.managed(cells.clone());
        let (phase, _) = watch::channel(Phase::Idle);
        let (alive, _) = watch::channel(());
        Self {
            inner: Arc::new(Inner {
                settings,
                loader,
                cells,
                phase,
                rooms: Mutex::default(),
                loading: Mutex::default(),
                events: Mutex::default(),
                forwarder: Mutex::default(),
                alive,
            }),
        }
    }

    /// Starts a session. While one is active or being started, it fails with [`StartError::SessionActive`].
    ///
    /// # Cancel safety
    /// After the future is dropped no session is started; one that the gateway has started already is abandoned.
    pub async fn start(&self, with: StartWith) -> StartResult {
        let with = Box::pin(std::future::ready(Ok(with)));
        self.inner.start(with).await.into()
    }

    /// Ends the session and waits until it is over; `revoke` also revokes its access token. A start is given up.
    /// Its rooms are not joined again.
    ///
    /// Does nothing without a session. Where the gateway cannot be reached for some seconds, the session is left to its
    /// resume window.
    pub async fn stop(&self, revoke: bool) {
        for room in lock(&self.inner.rooms).values() {
            room.stop();
        }
        let mut phases = self.inner.phase.subscribe();
        loop {
            let phase = phases.borrow_and_update().clone();
            match phase {
                Phase::Starting { stop } => {
                    stop.notify_one();
                    // Fails only without the manager, which is borrowed.
                    let _ = phases.changed().await;
                }
                Phase::Active(session) if !session.has_client_ended() => {
                    if !matches!(timeout(STOP_TIMEOUT, session.end(revoke)).await, Ok(Ok(()))) {
                        session.detach();
                    }
                    let mut observer = session.observe();
                    let _ = observer.wait_for(|snapshot| snapshot.ending.is_some()).await;
                }
                Phase::Idle | Phase::Active(_) => return,
            }
        }
    }

    /// The active session, if there is one.
    #[must_use]
    pub fn get(&self) -> Option<Session> {
        self.inner.active()
    }

    /// The room of this id, which the manager keeps joined once the program joined it. The same for each call.
    #[must_use]
    pub fn room(&self, id: RoomId) -> ManagedRoom {
        let mut rooms = lock(&self.inner.rooms);
        let inner: Weak<Inner> = Arc::downgrade(&self.inner);
        let new = |id: &RoomId| ManagedRoom::new(id.clone(), inner);
        rooms.entry(id).or_insert_with_key(new).clone()
    }

    /// The active session; without one, the session that the loader says how to start.
    ///
    /// Waits for a start in progress. Callers that need a session at the same time share one call of the loader, and
    /// its result.
    ///
    /// # Errors
    /// [`StartError::NoActiveSession`] without a loader, [`StartError::Loader`] with its error, otherwise that of the
    /// start.
    ///
    /// # Cancel safety
    /// The start goes on as long as one caller waits for it.
    pub async fn session(&self) -> Result<Session, StartError> {
        self.inner.session_or_load().await
    }

    /// The state of the active session, or of the last one.
    #[must_use]
    pub fn state(&self) -> SessionState {
        self.inner.cells.state.borrow().state
    }

    /// Observes the state over all sessions of this manager. The observer agrees with [`SessionManager::state`].
    #[must_use]
    pub fn observe(&self) -> StateObserver {
        StateObserver::new(self.inner.cells.state.subscribe())
    }

    /// The connection of the active session, or of a start in progress.
    #[must_use]
    pub fn connection(&self) -> ConnectionSnapshot {
        self.inner.cells.connection.borrow().clone()
    }

    /// Observes the connection over all sessions of this manager. The observer agrees with
    /// [`SessionManager::connection`].
    #[must_use]
    pub fn observe_connection(&self) -> ConnectionObserver {
        ConnectionObserver::new(self.inner.cells.connection.subscribe())
    }

    /// The events of all later sessions of this manager, one session after another; those of former calls stop.
    ///
    /// Without a call, or after the result is dropped, events are discarded.
    #[must_use]
    pub fn events(&self) -> Events {
        let (sender, events) = mpsc::channel(DEFAULT_EVENT_CAPACITY);
        *lock(&self.inner.events) = Some(sender);
        Events::new(events)
    }
}

type Loading = BoxFuture<'static, Result<Session, StartError>>;
type Load = BoxFuture<'static, Result<StartWith, StartError>>;

struct Inner {
    settings: ClientBuilder,
    loader: Option<Arc<dyn SessionLoader>>,
    cells: ManagerCells,
    phase: watch::Sender<Phase>,
    /// The rooms that the program asked for. They refer to this weakly.
    rooms: Mutex<HashMap<RoomId, ManagedRoom>>,
    /// The load that callers share; it ends with the last of them.
    loading: Mutex<Option<WeakShared<Loading>>>,
    events: Mutex<Option<mpsc::Sender<Event>>>,
    /// Forwards the events of the newest session.
    forwarder: Mutex<Option<JoinHandle<()>>>,
    /// Closed with the manager, which ends the forwarders.
    alive: watch::Sender<()>,
}

impl Inner {
    /// The active session, or one that the loader says how to start.
    async fn session_or_load(self: &Arc<Self>) -> Result<Session, StartError> {
        if let Some(session) = self.active() {
            return Ok(session);
        }
        let loading = self.join_loading();
        loading.await
    }

    /// Starts a session as `source` says.
    async fn start(self: &Arc<Self>, source: Load) -> Result<Session, StartError> {
        let stop = Arc::new(Notify::new());
        self.begin(&stop).await?;
        let attempt = Attempt { inner: self };
        let opened = async {
            let with = source.await?;
            self.cells.connection.send_replace(ConnectionSnapshot::STARTING);
            self.cells.state.send_replace(SessionSnapshot {
                state: SessionState::Establishing,
                ..SessionSnapshot::IDLE
            });
            self.open(with).await
        };
        let (session, events) = tokio::select! {
            biased;
            () = stop.notified() => return Err(StartError::Stopped),
            opened = opened => opened?,
        };
        self.phase.send_replace(Phase::Active(session.clone()));
        std::mem::forget(attempt);
        self.forward(events);
        Ok(session)
    }

    /// Takes the right to start a session, once the client of a session that is over has ended.
    async fn begin(&self, stop: &Arc<Notify>) -> Result<(), StartError> {
        loop {
            let (mut is_begun, mut ending) = (false, None);
            self.phase.send_if_modified(|phase| {
                is_begun = phase.is_idle();
                if is_begun {
                    *phase = Phase::Starting { stop: Arc::clone(stop) };
                } else if let Phase::Active(session) = phase
                    && session.is_over()
                {
                    ending = Some(session.observe());
                }
                is_begun
            });
            match ending {
                _ if is_begun => return Ok(()),
                Some(mut observer) => {
                    let _ = observer.wait_for(|snapshot| snapshot.ending.is_some()).await;
                }
                None => return Err(StartError::SessionActive),
            }
        }
    }

    async fn open(&self, with: StartWith) -> Result<(Session, Events), StartError> {
        let settings = self.settings.clone();
        let opened = match with {
            StartWith::Settings => settings.connect().await,
            StartWith::Guest(username) => {
                settings.username(username).credentials(Credentials::Guest {}).connect().await
            }
            StartWith::Token(token) => {
                settings.credentials(Credentials::Token(token)).connect().await
            }
            StartWith::Params { username, params } => {
                settings.username(username).credentials(Credentials::Params(params)).connect().await
            }
            StartWith::Ticket(ticket) => settings.resume(ticket, None).await,
        };
        opened.map_err(|error| StartError::Connect(Arc::new(error)))
    }

    /// Forwards the events of a session, after those of the one before.
    fn forward(self: &Arc<Self>, events: Events) {
        let mut forwarder = lock(&self.forwarder);
        let former = forwarder.take();
        let (inner, alive) = (Arc::downgrade(self), self.alive.subscribe());
        // The task ends with the session, or with the manager.
        *forwarder = Some(tokio::spawn(forward(inner, alive, events, former)));
    }

    /// The load in progress, or a new one.
    fn join_loading(self: &Arc<Self>) -> Shared<Loading> {
        let mut loading = lock(&self.loading);
        let current = loading.as_ref().and_then(WeakShared::upgrade);
        if let Some(current) = current.filter(|current| current.peek().is_none()) {
            return current;
        }
        let inner = Arc::clone(self);
        let new: Loading = Box::pin(async move { inner.load().await });
        let new = new.shared();
        *loading = new.downgrade();
        new
    }

    async fn load(self: &Arc<Self>) -> Result<Session, StartError> {
        loop {
            let mut phases = self.phase.subscribe();
            let phase = phases.borrow_and_update().clone();
            if let Some(session) = phase.active() {
                return Ok(session);
            }
            if matches!(phase, Phase::Starting { .. }) {
                let _ = phases.changed().await;
                continue;
            }
            let loader = self.loader.clone().ok_or(StartError::NoActiveSession)?;
            let source = async move {
                loader.load().await.map_err(|error| StartError::Loader(Arc::from(error)))
            };
            match self.start(Box::pin(source)).await {
                // The program started one meanwhile.
                Err(StartError::SessionActive) => {}
                result => return result,
            }
        }
    }
}

impl SessionSource for Inner {
    fn active(&self) -> Option<Session> {
        self.phase.borrow().active()
    }

    fn session(self: Arc<Self>) -> BoxFuture<'static, Result<Session, StartError>> {
        Box::pin(async move { self.session_or_load().await })
    }

    fn phases(&self) -> watch::Receiver<Phase> {
        self.phase.subscribe()
    }

    fn alive(&self) -> watch::Receiver<()> {
        self.alive.subscribe()
    }
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inner").field("phase", &*self.phase.borrow()).finish_non_exhaustive()
    }
}

/// A start that has not succeeded: dropping it leaves no session.
struct Attempt<'a> {
    inner: &'a Inner,
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        self.inner.cells.connection.send_replace(ConnectionSnapshot::IDLE);
        self.inner.cells.state.send_replace(SessionSnapshot::IDLE);
        self.inner.phase.send_replace(Phase::Idle);
    }
}

async fn forward(
    inner: Weak<Inner>,
    mut alive: watch::Receiver<()>,
    mut events: Events,
    former: Option<JoinHandle<()>>,
) {
    let forwarded = async {
        if let Some(former) = former {
            let _ = former.await;
        }
        while let Some(event) = events.next().await {
            let Some(sink) = inner.upgrade().map(|inner| lock(&inner.events).clone()) else {
                return;
            };
            if let Some(sink) = sink {
                // The program may have dropped its events.
                let _ = sink.send(event).await;
            }
        }
    };
    tokio::select! {
        () = forwarded => {}
        _ = alive.changed() => {}
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Each write leaves the value whole.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How long a stop waits for the gateway's answer.
const STOP_TIMEOUT: Duration = Duration::from_secs(10);
