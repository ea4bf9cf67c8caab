//! The composition root: builds all components, binds the listeners and runs the lifecycle.

mod apps;
mod error;
mod reload;

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures::Stream;

use crate::auth;
use crate::auth::token::{AccessTokens, NoSigningKey};
use crate::clock::Clock;
use crate::config::{self, Config, ConfigErrors, EngineKind};
use crate::engine::{self, Engine};
use crate::http::{FileDescriptors, HttpState, Listener, PortRole};
use crate::hub::{self, App, HandoffSnapshot, Hub};
use crate::lifecycle::Lifecycle;
use crate::room::RETENTION;
use crate::session::SessionSettings;
use crate::store::{Meter, Metered, SigningKey, SqliteStore, Store, StoreError};
use crate::telemetry::Metrics;
use crate::webhook::{DispatchSignal, Dispatcher};

pub use apps::CustomHooks;
pub use error::ServerError;
pub use reload::Reloader;

/// Time for tasks to end after the drain deadline.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(3);
/// Time for the store to save sessions for the next process.
const HANDOFF_TIMEOUT: Duration = Duration::from_secs(5);
/// Ended sessions are pruned after this time, or above this number per app.
const ENDED_SESSION_RETENTION: Duration = Duration::from_hours(30 * 24);
const MAX_ENDED_SESSIONS: u64 = 1_000_000;
/// How often guests, sessions and audit rows are pruned.
const PRUNE_INTERVAL: Duration = Duration::from_hours(1);

/// The pause between two batches of audit rows, in which the store serves other calls.
const AUDIT_PRUNE_PAUSE: Duration = Duration::from_millis(50);

/// A gateway that is bound but does not serve yet.
pub struct Server {
    clients: Listener,
    admin: Option<Listener>,
    ports: Arc<HttpState>,
    hub: Arc<Hub>,
    lifecycle: Lifecycle,
    drain: config::Drain,
    /// The engine whose state is saved for the next process; `None` if the store does not outlive the process.
    handoff_engine: Option<Arc<dyn Engine>>,
    reloader: Reloader,
    new_dispatcher: Box<dyn Fn() -> Dispatcher + Send>,
    /// Bound addresses of the clients' port and of the server API.
    addresses: (SocketAddr, SocketAddr),
}

/// How a gateway stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// All connections were closed and all tasks ended in time.
    Cleanly,
    /// The drain deadline passed first.
    Late,
    /// The sessions could not be saved for the next process.
    SessionsNotSaved,
    /// A background task kept panicking.
    TaskFailed,
}

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cleanly => "clean",
            Self::Late => "late",
            Self::SessionsNotSaved => "unsaved",
            Self::TaskFailed => "failed",
        })
    }
}

/// Builds a gateway; parts that are not given follow the configuration.
pub struct ServerBuilder<'a> {
    config: Config,
    clock: Clock,
    hooks: CustomHooks<'a>,
    store: Option<Arc<dyn Store>>,
    engine: Option<Arc<dyn Engine>>,
}

impl<'a> ServerBuilder<'a> {
    /// Adds auth hooks that run before the configured ones.
    #[must_use]
    pub fn hooks(self, hooks: CustomHooks<'a>) -> Self {
        Self { hooks, ..self }
    }

    /// Uses this store, which may be shared with other gateways.
    #[must_use]
    pub fn store(self, store: Arc<dyn Store>) -> Self {
        Self { store: Some(store), ..self }
    }

    /// Uses this engine, which connects the gateway to others.
    #[must_use]
    pub fn engine(self, engine: Arc<dyn Engine>) -> Self {
        Self { engine: Some(engine), ..self }
    }

    /// Opens the store, builds all components and binds the ports.
    ///
    /// # Errors
    /// [`ServerError`]; everything is released then.
    pub async fn bind(self) -> Result<Server, ServerError> {
        Server::build(self).await
    }
}

impl Server {
    /// Opens the store, builds all components and binds the ports.
    ///
    /// # Errors
    /// [`ServerError`]; everything is released then.
    pub async fn bind(config: Config, clock: Clock) -> Result<Self, ServerError> {
        Self::builder(config, clock).bind().await
    }

    /// A builder for a gateway with custom parts.
    #[must_use]
    pub fn builder(config: Config, clock: Clock) -> ServerBuilder<'static> {
        ServerBuilder { config, clock, hooks: &|_| Vec::new(), store: None, engine: None }
    }

    async fn build(builder: ServerBuilder<'_>) -> Result<Self, ServerError> {
        let ServerBuilder { config, clock, hooks: own, store, engine } = builder;
        auth::install_crypto();
        let metrics = Arc::new(Metrics::new());
        let store = match store {
            Some(store) => store,
            None => open_store(&config.store, &metrics, &clock).await?,
        };
        let first = SigningKey::generate(clock.wall());
        let keys = store.signing_keys(first).await?;
        let access = AccessTokens::new(&keys, clock.clone()).unwrap_or_else(|NoSigningKey| {
            unreachable!("the store has at least the key passed to it")
        });
        let access = Arc::new(access);
        let dispatch_signal = DispatchSignal::default();
        let builder = apps::AppsBuilder::new(
            &config,
            Arc::clone(&access),
            Arc::clone(&store),
            dispatch_signal.clone(),
            Arc::clone(&metrics),
            clock.clone(),
            own,
        );
        let built = config.apps.iter().map(|rules| builder.build(rules, None).map(Arc::new));
        let built = built.collect::<Result<Vec<Arc<App>>, ServerError>>()?;
        for app in &built {
            app.load_revocation(&*store).await?;
        }
        let listen = &config.listen;
        let role = if listen.admin_listen.is_some() { PortRole::Clients } else { PortRole::Both };
        let clients = bind(listen.listen, role)?;
        let admin =
            listen.admin_listen.map(|address| bind(address, PortRole::Admin)).transpose()?;
        let client_address = address_of(&clients, listen.listen)?;
        let admin_address = match (&admin, listen.admin_listen) {
            (Some(admin), Some(configured)) => address_of(admin, configured)?,
            _ => client_address,
        };
        let webhooks: Vec<_> = built.iter().map(|app| Arc::clone(app.all_webhooks())).collect();
        let (outbox, counted) = (Arc::clone(&store), Arc::clone(&metrics));
        let time = clock.clone();
        let new_dispatcher = Box::new(move || {
            let (outbox, counted) = (Arc::clone(&outbox), Arc::clone(&counted));
            Dispatcher::new(
                webhooks.clone(),
                outbox,
                time.clone(),
                dispatch_signal.clone(),
                counted,
            )
        });
        let (lifecycle, settings) = (Lifecycle::default(), hub::session_settings(&config));
        let is_shared = engine.as_ref().is_some_and(|engine| engine.is_shared());
        // With a shared engine the other nodes carry on with the rooms: there is nothing to restore.
        let snapshot = if is_shared {
            HandoffSnapshot::default()
        } else {
            // The snapshot is removed from the store, so nothing after this may fail.
            let snapshot = restore_sessions(&*store, &settings, &clock).await;
            if !snapshot.has_rooms() {
                // No participant survived the previous process.
                store.mark_rooms_empty(clock.wall() + RETENTION).await?;
            }
            snapshot
        };
        let engine = engine
            .unwrap_or_else(|| start_engine(config.engine.kind, &clock, snapshot.last_version()));
        let is_handed_over = config.store.is_durable() && !is_shared;
        let handoff_engine = is_handed_over.then(|| Arc::clone(&engine));
        let hub = Hub::new(
            &config,
            built,
            settings,
            store,
            &engine,
            access,
            lifecycle.clone(),
            metrics,
            clock,
        );
        hub.restore(snapshot).await;
        let descriptors = FileDescriptors::raise();
        warn_of_descriptors(&descriptors, &config);
        let ports = HttpState::new(&config, Arc::clone(&hub), lifecycle.clone(), descriptors);
        let ports = Arc::new(ports);
        let addresses = (client_address, admin_address);
        let drain = config.drain;
        reload::warn(&config, hub.clock().wall());
        let reloader = Reloader::new(config, builder, Arc::clone(&hub), Arc::clone(&ports));
        Ok(Self {
            clients,
            admin,
            ports,
            hub,
            lifecycle,
            drain,
            handoff_engine,
            reloader,
            new_dispatcher,
            addresses,
        })
    }

    /// The address of the clients' port.
    #[must_use]
    pub const fn listen_addr(&self) -> SocketAddr {
        self.addresses.0
    }

    /// The address of the server API; in development mode that of the clients' port.
    #[must_use]
    pub const fn admin_addr(&self) -> SocketAddr {
        self.addresses.1
    }

    /// Reloads the configuration while the gateway runs.
    #[must_use]
    pub const fn reloader(&self) -> &Reloader {
        &self.reloader
    }

    /// Applies each configuration from `configs` until the gateway stops, and logs the result.
    pub fn reload_from(
        &self,
        configs: impl Stream<Item = Result<Config, ConfigErrors>> + Send + 'static,
    ) {
        self.lifecycle.spawn(self.reloader.clone().run(configs, self.lifecycle.clone()));
    }

    /// The live state of this node, for embedders.
    #[must_use]
    pub const fn hub(&self) -> &Arc<Hub> {
        &self.hub
    }

    /// The tasks of the gateway, for those who embed it.
    #[must_use]
    pub const fn lifecycle(&self) -> &Lifecycle {
        &self.lifecycle
    }

    /// Serves until `shutdown` resolves or a drain is requested, then drains: it stops accepting, closes connections
    /// over the drain spread, waits for tasks to end, and saves sessions for the next process.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> Stopped {
        let Self {
            clients,
            admin,
            ports,
            hub,
            lifecycle,
            drain,
            handoff_engine,
            new_dispatcher,
            addresses,
            reloader: _,
        } = self;
        let (listen, admin_listen) = addresses;
        let version = env!("CARGO_PKG_VERSION");
        tracing::info!(version, %listen, admin = %admin_listen, "listening");
        for (name, listener) in [("client listener", Some(clients)), ("admin listener", admin)] {
            let Some(listener) = listener.map(Arc::new) else { continue };
            let (ports, tasks) = (Arc::clone(&ports), lifecycle.clone());
            lifecycle.supervise(name, move || {
                Arc::clone(&listener).run(Arc::clone(&ports), tasks.clone())
            });
        }
        let (swept, leased, pruned) = (Arc::clone(&hub), Arc::clone(&hub), Arc::clone(&hub));
        lifecycle.supervise("sweep", move || Arc::clone(&swept).run_sweep());
        lifecycle.supervise("lease", move || Arc::clone(&leased).run_lease());
        let tasks = lifecycle.clone();
        lifecycle.supervise("webhook dispatcher", move || new_dispatcher().run(tasks.clone()));
        let tasks = lifecycle.clone();
        lifecycle.supervise("pruning", move || prune(Arc::clone(&pruned), tasks.clone()));
        tokio::select! {
            biased;
            () = lifecycle.draining() => {} // A drain was requested through the server API.
            () = shutdown => {}
        }
        tracing::info!(sessions = hub.sessions.count(), "draining");
        lifecycle.begin_drain();
        let gone = async {
            hub.sessions.drain(drain.spread).await;
            // Requests in progress have the rest of the time.
            lifecycle.stopped(drain.deadline).await
        };
        let is_in_time = tokio::time::timeout(drain.deadline, gone).await == Ok(true);
        if !is_in_time {
            lifecycle.stopped(SHUTDOWN_GRACE).await;
        }
        let stopped = match handoff_engine {
            Some(engine) if !save_sessions(&hub, &*engine).await => Stopped::SessionsNotSaved,
            _ if lifecycle.has_failed() => Stopped::TaskFailed,
            _ if is_in_time => Stopped::Cleanly,
            _ => Stopped::Late,
        };
        tracing::info!(outcome = %stopped, sessions = hub.sessions.count(), "stopped");
        stopped
    }
}

fn bind(address: SocketAddr, role: PortRole) -> Result<Listener, ServerError> {
    Listener::bind(address, role).map_err(|source| ServerError::Bind { address, source })
}

fn address_of(listener: &Listener, configured: SocketAddr) -> Result<SocketAddr, ServerError> {
    listener.address().map_err(|source| ServerError::Bind { address: configured, source })
}

/// Logs that the sessions which the configuration allows do not fit the file-descriptor limit.
fn warn_of_descriptors(descriptors: &FileDescriptors, config: &Config) {
    let sessions = config.limits.sessions_per_node;
    let Some(max) = descriptors.max_clients(config.limits.reserved_file_descriptors) else {
        return;
    };
    if max >= sessions {
        return;
    }
    match config.mode {
        config::Mode::Production => tracing::warn!(
            "the file-descriptor limit allows {max} connections, `limits.sessions_per_node` is {sessions}; raise the limit"
        ),
        // That number of sessions is a default there.
        config::Mode::Dev => tracing::debug!("the file-descriptor limit allows {max} connections"),
    }
}

async fn open_store(
    store: &config::Store,
    metrics: &Arc<Metrics>,
    clock: &Clock,
) -> Result<Arc<dyn Store>, StoreError> {
    let opened = match store {
        config::Store::Sqlite { path } => SqliteStore::open(path).await?,
        config::Store::Memory => SqliteStore::in_memory().await?,
    };
    let meter = Meter::new(Arc::clone(metrics), clock.clone());
    Ok(Arc::new(Metered::by(meter, opened)))
}

/// The configured engine. Room versions continue after `last_version`.
fn start_engine(kind: EngineKind, clock: &Clock, last_version: u64) -> Arc<dyn Engine> {
    match kind {
        EngineKind::Local => Arc::new(engine::Local::new(clock.clone(), last_version)),
    }
}

/// Loads the state that the previous process saved; empty if it cannot be read.
async fn restore_sessions(
    store: &dyn Store,
    settings: &Arc<SessionSettings>,
    clock: &Clock,
) -> HandoffSnapshot {
    let reason = match store.take_handoff().await {
        Ok(None) => return HandoffSnapshot::default(),
        Ok(Some(handed)) => match HandoffSnapshot::read(&handed, settings, clock) {
            Ok(snapshot) => return snapshot,
            Err(unreadable) => unreadable.to_string(),
        },
        Err(error) => error.to_string(),
    };
    tracing::error!(
        error = reason,
        "cannot restore sessions from the previous process; discarding them"
    );
    HandoffSnapshot::default()
}

/// Saves sessions and rooms for the next process, and returns whether that succeeded.
async fn save_sessions(hub: &Hub, engine: &dyn Engine) -> bool {
    let last = engine.close().await;
    let Some(handed) = hub.save(last) else { return true };
    let reason = match tokio::time::timeout(HANDOFF_TIMEOUT, hub.store().save_handoff(handed)).await
    {
        Ok(Ok(())) => return true,
        Ok(Err(error)) => error.to_string(),
        Err(_) => "the store did not answer in time".to_owned(),
    };
    tracing::error!(error = reason, "cannot save sessions for the next process");
    false
}

/// Prunes guests, ended sessions and audit rows periodically.
async fn prune(hub: Arc<Hub>, lifecycle: Lifecycle) {
    let mut ticks = tokio::time::interval(PRUNE_INTERVAL);
    loop {
        tokio::select! {
            biased;
            () = lifecycle.stopping() => return,
            _ = ticks.tick() => {
                let (store, now) = (hub.store(), hub.clock().wall());
                if let Err(error) = hub.prune_guests().await {
                    tracing::warn!(%error, "cannot prune expired guests");
                }
                // A node that missed a rotation gets the new key.
                if let Err(error) = hub.keys.reload().await {
                    tracing::warn!(%error, "cannot read the signing keys");
                }
                for app in hub.apps() {
                    if let Err(error) = app.load_revocation(&**store).await {
                        tracing::warn!(%error, app = &**app.id(), "cannot read the app's revocation");
                    }
                }
                let before = now - ENDED_SESSION_RETENTION;
                if let Err(error) = store.prune_sessions(before, MAX_ENDED_SESSIONS).await {
                    tracing::warn!(%error, "cannot prune ended sessions");
                }
                tokio::select! {
                    biased;
                    () = lifecycle.stopping() => return,
                    () = prune_audit(&hub) => {}
                }
            }
        }
    }
}

/// Removes audit rows past the retention of their app, in small batches.
async fn prune_audit(hub: &Hub) {
    for app in hub.apps() {
        let (now, retention) = (hub.clock().wall(), app.rules().audit_retention);
        loop {
            match hub.store().prune_audit(Arc::clone(app.id()), now, retention).await {
                Ok(true) => tokio::time::sleep(AUDIT_PRUNE_PAUSE).await,
                Ok(false) => break,
                Err(error) => {
                    tracing::warn!(app = &**app.id(), %error, "cannot prune audit rows");
                    break;
                }
            }
        }
    }
}
