//! The composition root: binds, builds every part, runs the lifecycle.

mod apps;
mod error;
mod reload;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures::Stream;

use crate::auth;
use crate::auth::token::{AccessTokens, NoSigningKey};
use crate::clock::{Clock, Rng};
use crate::config::{self, Config, ConfigError, EngineKind};
use crate::engine::{self, Engine};
use crate::http::{HttpState, Listener, PortRole};
use crate::hub::{App, HandoffSnapshot, Hub};
use crate::lifecycle::Lifecycle;
use crate::room::RETENTION;
use crate::store::{Metered, SigningKey, SqliteStore, Store, StoreError};
use crate::telemetry::Metrics;
use crate::webhook::{DispatchSignal, Dispatcher};

pub use apps::OwnHooks;
pub use error::ServerError;
pub use reload::Reloader;

/// How long tasks have to end once all sessions were told.
const LAST_WORDS: Duration = Duration::from_secs(3);
/// How long the store has to keep what is handed over to the next process.
const HAND_OVER: Duration = Duration::from_secs(5);
/// Guests that were not seen for so long are forgotten.
const GUEST_MEMORY: Duration = Duration::from_hours(168);
/// For how long operators may look up sessions that ended, and how many of them in an app.
const SESSION_MEMORY: Duration = Duration::from_hours(30 * 24);
const MAX_SESSIONS_REMEMBERED: u64 = 1_000_000;
/// How often what is to be forgotten is looked for.
const FORGETTING: Duration = Duration::from_hours(1);

/// A gateway that is bound and not yet serving.
pub struct Server {
    clients: Listener,
    admin: Option<Listener>,
    ports: Arc<HttpState>,
    hub: Arc<Hub>,
    lifecycle: Lifecycle,
    drain: config::Drain,
    /// The logs of rooms, where the store outlives the process and so what they came to is handed over.
    handed_over: Option<Arc<dyn Engine>>,
    reloader: Reloader,
    /// Delivers webhooks.
    dispatcher: Dispatcher,
    /// Where it listens: for clients, and for the server API.
    addresses: (SocketAddr, SocketAddr),
}

/// How a gateway stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// Every session was told and every task ended in time.
    Cleanly,
    /// The deadline passed first.
    Late,
    /// The sessions could not be handed over to the next process: they start anew there.
    NotHandedOver,
}

/// A gateway in the making; what is not given is made as the configuration says.
pub struct ServerBuilder<'a> {
    config: Config,
    clock: Clock,
    hooks: OwnHooks<'a>,
    store: Option<Arc<dyn Store>>,
    engine: Option<Arc<dyn Engine>>,
}

impl<'a> ServerBuilder<'a> {
    /// Asks these auth hooks before the configured ones.
    #[must_use]
    pub fn hooks(self, hooks: OwnHooks<'a>) -> Self {
        Self { hooks, ..self }
    }

    /// Keeps durable facts in this store, which other gateways may use too.
    #[must_use]
    pub fn store(self, store: Arc<dyn Store>) -> Self {
        Self { store: Some(store), ..self }
    }

    /// Joins other gateways by this engine.
    #[must_use]
    pub fn engine(self, engine: Arc<dyn Engine>) -> Self {
        Self { engine: Some(engine), ..self }
    }

    /// Opens the store, builds every part and binds the ports.
    ///
    /// # Errors
    /// [`ServerError`]; nothing is left behind.
    pub async fn bind(self) -> Result<Server, ServerError> {
        Server::build(self).await
    }
}

impl Server {
    /// Opens the store, builds every part and binds the ports.
    ///
    /// # Errors
    /// [`ServerError`]; nothing is left behind.
    pub async fn bind(config: Config, clock: Clock) -> Result<Self, ServerError> {
        Self::builder(config, clock).bind().await
    }

    /// A gateway that is to be built of parts of one's own.
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
        let first = new_signing_key(&clock);
        let keys = store.signing_keys(first).await?;
        let access = AccessTokens::new(&keys, clock.clone()).unwrap_or_else(|NoSigningKey| {
            unreachable!("a store has at least the key it was given")
        });
        let access = Arc::new(access);
        let dispatch_signal = DispatchSignal::default();
        let builder = apps::Builder::new(
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
        let listen = &config.listen;
        let role = if listen.admin_listen.is_some() { PortRole::Clients } else { PortRole::Both };
        let clients = bind(listen.listen, role)?;
        let admin =
            listen.admin_listen.map(|address| bind(address, PortRole::Admin)).transpose()?;
        let client_address = address_of(&clients, listen.listen)?;
        let admin_address = match (&admin, listen.admin_listen) {
            (Some(admin), Some(asked)) => address_of(admin, asked)?,
            _ => client_address,
        };
        let told = built.iter().map(|app| Arc::clone(app.all_webhooks())).collect();
        let (outbox, counted) = (Arc::clone(&store), Arc::clone(&metrics));
        let dispatcher = Dispatcher::new(told, outbox, clock.clone(), dispatch_signal, counted);
        let lifecycle = Lifecycle::default();
        let is_shared = engine.as_ref().is_some_and(|engine| engine.is_shared());
        // What another node left is for the nodes that go on; the rooms live there.
        let snapshot = if is_shared {
            HandoffSnapshot::default()
        } else {
            // Nothing can fail once something was taken up: it is gone from the store.
            let snapshot = inherit(&*store, &config).await;
            if !snapshot.has_rooms() {
                // Those who were in rooms went with the process before this one.
                store.mark_rooms_empty(clock.now() + RETENTION).await?;
            }
            snapshot
        };
        let engine = engine
            .unwrap_or_else(|| start_engine(config.engine.kind, &clock, snapshot.last_version()));
        let is_handed_over = config.store.is_durable() && !is_shared;
        let handed_over = is_handed_over.then(|| Arc::clone(&engine));
        let hub =
            Hub::new(&config, built, store, &engine, access, lifecycle.clone(), metrics, clock);
        hub.restore(snapshot).await;
        let ports =
            Arc::new(HttpState::new(&config, client_address, Arc::clone(&hub), lifecycle.clone()));
        let addresses = (client_address, admin_address);
        let drain = config.drain;
        reload::warn(&config, hub.clock().now());
        let reloader = Reloader::new(config, builder, Arc::clone(&hub), Arc::clone(&ports));
        Ok(Self {
            clients,
            admin,
            ports,
            hub,
            lifecycle,
            drain,
            handed_over,
            reloader,
            dispatcher,
            addresses,
        })
    }

    /// Where clients connect.
    #[must_use]
    pub const fn listen_addr(&self) -> SocketAddr {
        self.addresses.0
    }

    /// Where the server API is; the same in development mode.
    #[must_use]
    pub const fn admin_addr(&self) -> SocketAddr {
        self.addresses.1
    }

    /// What takes up another configuration while the gateway runs.
    #[must_use]
    pub const fn reloader(&self) -> &Reloader {
        &self.reloader
    }

    /// Takes up each configuration that comes from `configs`, until the gateway stops; the log says what came of it.
    pub fn reload_from(
        &self,
        configs: impl Stream<Item = Result<Config, ConfigError>> + Send + 'static,
    ) {
        self.lifecycle.spawn(self.reloader.clone().run(configs, self.lifecycle.clone()));
    }

    /// The live sessions, for those who embed the gateway.
    #[must_use]
    pub const fn hub(&self) -> &Arc<Hub> {
        &self.hub
    }

    /// Serves until `shutdown` resolves or the server API is asked to drain, then drains: accepts nothing, spreads the
    /// closes, waits for the last words, and hands over what there is to the next process.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> Stopped {
        let Self {
            clients,
            admin,
            ports,
            hub,
            lifecycle,
            drain,
            handed_over,
            dispatcher,
            addresses,
            reloader: _,
        } = self;
        let (listen, admin_listen) = addresses;
        let version = env!("CARGO_PKG_VERSION");
        tracing::info!(version, %listen, admin = %admin_listen, "serving");
        lifecycle.spawn(clients.run(Arc::clone(&ports), lifecycle.clone()));
        if let Some(admin) = admin {
            lifecycle.spawn(admin.run(ports, lifecycle.clone()));
        }
        lifecycle.spawn(Arc::clone(&hub).run_sweep());
        lifecycle.spawn(Arc::clone(&hub).run_lease());
        lifecycle.spawn(dispatcher.run(lifecycle.clone()));
        lifecycle.spawn(forget(Arc::clone(&hub), lifecycle.clone()));
        tokio::select! {
            biased;
            () = lifecycle.draining() => {} // The server API was asked to.
            () = shutdown => {}
        }
        tracing::info!(sessions = hub.sessions.count(), "draining");
        lifecycle.begin_drain();
        let gone = async {
            hub.sessions.drain(drain.spread).await;
            // Requests that are being worked on have the rest of the time.
            lifecycle.stopped(drain.deadline).await
        };
        let in_time = tokio::time::timeout(drain.deadline, gone).await == Ok(true);
        if !in_time {
            lifecycle.stopped(LAST_WORDS).await;
        }
        let stopped = match handed_over {
            Some(engine) if !hand_over(&hub, &*engine).await => Stopped::NotHandedOver,
            _ if in_time => Stopped::Cleanly,
            _ => Stopped::Late,
        };
        tracing::info!(outcome = ?stopped, sessions = hub.sessions.count(), "stopped");
        stopped
    }
}

fn bind(address: SocketAddr, role: PortRole) -> Result<Listener, ServerError> {
    Listener::bind(address, role).map_err(|source| ServerError::Bind { address, source })
}

fn address_of(listener: &Listener, asked: SocketAddr) -> Result<SocketAddr, ServerError> {
    listener.address().map_err(|source| ServerError::Bind { address: asked, source })
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
    Ok(Arc::new(Metered::new(opened, Arc::clone(metrics), clock.clone())))
}

/// The engine that is configured; versions of rooms go on after `last_version`.
fn start_engine(kind: EngineKind, clock: &Clock, last_version: u64) -> Arc<dyn Engine> {
    match kind {
        EngineKind::Local => Arc::new(engine::Local::new(clock.clone(), last_version)),
    }
}

/// What the gateway before left; nothing, where that cannot be read.
async fn inherit(store: &dyn Store, config: &Config) -> HandoffSnapshot {
    let reason = match store.take_handoff().await {
        Ok(None) => return HandoffSnapshot::default(),
        Ok(Some(handed)) => match HandoffSnapshot::read(&handed, config) {
            Ok(inheritance) => return inheritance,
            Err(unreadable) => unreadable.to_string(),
        },
        Err(error) => error.to_string(),
    };
    tracing::error!(
        error = reason,
        "what the gateway before left cannot be taken up: its sessions are over"
    );
    HandoffSnapshot::default()
}

/// Leaves what there is to the next process; whether it is kept.
async fn hand_over(hub: &Hub, engine: &dyn Engine) -> bool {
    let last = engine.close().await;
    let Some(handed) = hub.save(last) else { return true };
    let reason = match tokio::time::timeout(HAND_OVER, hub.store().save_handoff(handed)).await {
        Ok(Ok(())) => return true,
        Ok(Err(error)) => error.to_string(),
        Err(_) => "the store took too long".to_owned(),
    };
    tracing::error!(error = reason, "the sessions cannot be handed over: they are over");
    false
}

/// The key that a new store begins with.
fn new_signing_key(clock: &Clock) -> SigningKey {
    SigningKey {
        kid: format!("gw-{:08x}", u32::from_be_bytes(Rng.bytes())).into(),
        secret: Rng.bytes(),
        created: clock.now(),
    }
}

/// Has old guests and old sessions forgotten.
async fn forget(hub: Arc<Hub>, lifecycle: Lifecycle) {
    let mut ticks = tokio::time::interval(FORGETTING);
    loop {
        tokio::select! {
            biased;
            () = lifecycle.stopping() => return,
            _ = ticks.tick() => {
                let (store, now) = (hub.store(), hub.clock().now());
                if let Err(error) = store.prune_guests(now - GUEST_MEMORY).await {
                    tracing::warn!(%error, "cannot forget old guests");
                }
                let before = now - SESSION_MEMORY;
                if let Err(error) = store.prune_sessions(before, MAX_SESSIONS_REMEMBERED).await {
                    tracing::warn!(%error, "cannot forget old sessions");
                }
            }
        }
    }
}
