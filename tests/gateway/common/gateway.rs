//! A gateway on a port of its own.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use stagedoor::auth::AuthHook;
use stagedoor::clock::Clock;
use stagedoor::config::{Config, Dev};
use stagedoor::engine::Engine;
use stagedoor::hub::Hub;
use stagedoor::lifecycle::Lifecycle;
use stagedoor::server::{Reloader, Server, ServerError, Stopped};
use stagedoor::store::Store;
use stagedoor_proto::Timestamp;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// Signs the tokens of the app `demo`.
pub const SECRET: &str = "a-secret-of-the-demo-app-of-at-least-32-bytes";
/// Opens its server API.
pub const SERVER_KEY: &str = "sk_a-server-key-of-the-demo-app-of-32-bytes";
/// When the tests take place.
const START: Timestamp = Timestamp::from_secs(1_900_000_000);

/// What a gateway is to be like; the default is development mode with a clock that stands still.
pub struct Setup {
    config: Config,
    clock: Clock,
    hooks: Vec<Arc<dyn AuthHook>>,
    /// What it shares with other gateways.
    pub joined: Option<(Arc<dyn Store>, Arc<dyn Engine>)>,
}

/// A running gateway. It stops with the test.
pub struct Gateway {
    address: SocketAddr,
    admin_address: SocketAddr,
    clock: Clock,
    hub: Arc<Hub>,
    lifecycle: Lifecycle,
    config: Config,
    reloader: Reloader,
    stop: Option<oneshot::Sender<()>>,
    running: JoinHandle<Stopped>,
}

/// Trusts proxies on this machine.
pub fn trust_proxies(config: &mut Config) {
    config.listen.trusted_proxies = vec!["127.0.0.0/8".to_owned().try_into().unwrap()];
}

impl Setup {
    pub fn new() -> Self {
        let dev = Dev {
            listen: Some("127.0.0.1:0".parse().unwrap()),
            data: None,
            app_secret: SECRET.into(),
            api_token: None,
            server_key: SERVER_KEY.into(),
        };
        let mut config = Config::dev(dev);
        config.drain.spread = Duration::from_millis(1);
        Self { config, clock: Clock::manual(START), hooks: Vec::new(), joined: None }
    }

    /// Keeps durable facts in this directory.
    pub fn data(mut self, directory: &Path) -> Self {
        self.config.store = stagedoor::config::Store::in_directory(directory);
        self
    }

    /// Changes the configuration.
    pub fn with(mut self, change: impl FnOnce(&mut Config)) -> Self {
        change(&mut self.config);
        self
    }

    /// Trusts proxies on this machine: see [`Client::connect_from`](super::Client::connect_from).
    pub fn behind_proxies(self) -> Self {
        self.with(trust_proxies)
    }

    /// Goes by another clock, such as that of a gateway before.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// The clock that the gateway will go by.
    pub fn test_clock(&self) -> Clock {
        self.clock.clone()
    }

    /// Asks this hook first.
    pub fn hook(mut self, hook: Arc<dyn AuthHook>) -> Self {
        self.hooks.push(hook);
        self
    }

    pub async fn bind(self) -> Result<(Server, Clock), ServerError> {
        super::log::install();
        let Self { config, clock, hooks, joined } = self;
        let own = |_: &str| hooks.clone();
        let mut builder = Server::builder(config, clock.clone()).hooks(&own);
        if let Some((store, engine)) = joined {
            builder = builder.store(store).engine(engine);
        }
        let server = builder.bind().await?;
        Ok((server, clock))
    }

    pub async fn run(self) -> Gateway {
        let config = self.config.clone();
        let (server, clock) = self.bind().await.unwrap();
        let (address, admin_address) = (server.listen_addr(), server.admin_addr());
        let hub = Arc::clone(server.hub());
        let (reloader, lifecycle) = (server.reloader().clone(), server.lifecycle().clone());
        let (stop, stopped) = oneshot::channel::<()>();
        let running = tokio::spawn(server.run(async move {
            let _ = stopped.await;
        }));
        let stop = Some(stop);
        Gateway { address, admin_address, clock, hub, lifecycle, config, reloader, stop, running }
    }
}

impl Gateway {
    /// A gateway in development mode.
    pub async fn dev() -> Self {
        Setup::new().run().await
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where the server API is: there too, unless it was given a port of its own.
    pub fn admin_address(&self) -> SocketAddr {
        self.admin_address
    }

    pub fn url(&self) -> String {
        format!("ws://{}/v1/connect", self.address)
    }

    pub fn hub(&self) -> &Arc<Hub> {
        &self.hub
    }

    /// Its tasks.
    pub fn lifecycle(&self) -> &Lifecycle {
        &self.lifecycle
    }

    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Waits until the gateway has noticed that a user's only session lost its connection.
    pub async fn suspended(&self, username: &str) {
        let is_suspended = || {
            let mut sessions = self.hub.sessions.list("demo").into_iter();
            let session = sessions.find(|session| session.user().username.as_str() == username);
            !session.expect("the session goes on").status().1
        };
        while !is_suspended() {
            tokio::task::yield_now().await;
        }
    }

    /// Applies a configuration that differs from that of the start by `change`; the keys that differ from what was in
    /// force.
    pub fn reload(&self, change: impl FnOnce(&mut Config)) -> Vec<String> {
        self.try_reload(change).unwrap()
    }

    /// The same, where it may be refused.
    pub fn try_reload(&self, change: impl FnOnce(&mut Config)) -> Result<Vec<String>, ServerError> {
        let mut config = self.config.clone();
        change(&mut config);
        let changes = self.reloader.reload(config)?;
        Ok(changes.into_iter().map(|change| change.key).collect())
    }

    /// Moves the clock; the gateway notices with its next sweep.
    pub fn advance(&self, by: Duration) {
        self.clock.advance(by);
    }

    /// Asks the gateway to stop, as SIGTERM does.
    pub fn begin_stop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
    }

    /// Stops the gateway and waits for it.
    pub async fn stop(mut self) -> Stopped {
        self.begin_stop();
        self.running.await.unwrap()
    }

    /// Waits for the gateway, which was asked to stop by other means.
    pub async fn ended(self) -> Stopped {
        self.running.await.unwrap()
    }
}
