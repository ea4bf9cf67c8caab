//! What an operator may set: plain data, checked once, when it is read.
//!
//! A [`Config`] is read from one TOML file and the environment ([`Source`]), or is what development mode assumes
//! ([`Config::dev`]). It is read again when the gateway is asked to, and then says what changed ([`Change`]). Whatever can be wrong is found here and told with its place ([`ConfigError`]), so that no later part checks again.
//!
//! Invariants: an unknown key is an error; a secret is never shown by `Debug` nor told in an error; every bound has a
//! least and a greatest value.
//! Not here: hooks, keys ready for use and stores (`server` builds them from this).

mod apps;
mod bounded;
mod change;
mod document;
mod drain;
mod endpoints;
mod engine;
mod environment;
mod error;
mod events;
mod keepalive;
mod keys;
mod limits;
mod listen;
mod log;
mod nearest;
mod network;
mod operator;
mod places;
mod reference;
mod resume;
mod secret;
mod session;
mod source;
mod store;
#[cfg(test)]
mod tests;
mod tls;
mod url;
mod value;
mod webhook;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use stagedoor_proto::{Role, Timestamp};

pub use apps::{App, DuplicatePolicy, MembershipExpiry};
pub use change::Change;
pub use drain::Drain;
pub use endpoints::Endpoint;
pub use engine::{Engine, EngineKind};
pub use environment::PREFIX;
pub use error::ConfigError;
pub use events::EventFilter;
pub use keepalive::Keepalive;
pub use keys::{Claims, HmacSecret, Jwks, KeyAlgorithm, PublicKey};
pub use limits::Limits;
pub use listen::{ForwardedHeader, Listen};
pub use log::Log;
pub use network::Network;
pub use operator::Operator;
pub use reference::with_reference;
pub use resume::Resume;
pub use secret::SERVER_KEY_PREFIX;
pub use session::Session;
pub use source::{Origin, Setting, Source};
pub use store::Store;
pub use tls::Tls;
pub use value::{parse_duration, told as told_duration};
pub use webhook::Webhook;

use crate::grant::RoomPattern;

/// The id of the app that development mode serves.
pub const DEV_APP: &str = "demo";

/// For whom the gateway runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// One developer, on loopback.
    Dev,
    /// Everybody else.
    #[default]
    Production,
}

/// The configuration of a gateway.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// For whom the gateway runs; never read from a file.
    #[serde(skip)]
    pub mode: Mode,
    /// Addresses, certificates, trusted proxies and allowed origins.
    #[serde(default)]
    pub listen: Listen,
    /// Authentication of calls that affect the whole node.
    #[serde(default)]
    pub operator: Operator,
    /// The tenants: at least one, each with its own id, its keys, and at least one way to authenticate users.
    pub apps: Vec<App>,
    /// Upper bounds of what a peer can cause to grow. Exceeding one is a typed error and is counted.
    #[serde(default)]
    pub limits: Limits,
    /// Ping intervals, and how long a silent connection is kept.
    #[serde(default)]
    pub keepalive: Keepalive,
    /// How long a session outlives its connection, and the size of its replay buffer.
    #[serde(default)]
    pub resume: Resume,
    /// What happens to a session whose token expired.
    #[serde(default)]
    pub session: Session,
    /// The pace of a graceful shutdown.
    #[serde(default)]
    pub drain: Drain,
    /// The database of durable state.
    pub store: Store,
    /// What connects several nodes.
    #[serde(default)]
    pub engine: Engine,
    /// What is logged.
    #[serde(default)]
    pub log: Log,
}

/// What development mode cannot assume.
#[derive(Debug)]
pub struct Dev {
    /// Where to listen, API and all; `None`: where a configured gateway listens.
    pub listen: Option<SocketAddr>,
    /// A directory for durable facts; `None`: they live as long as the process.
    pub data: Option<PathBuf>,
    /// Signs the app's tokens; made anew for each process.
    pub app_secret: SecretString,
    /// Opens the server API, the node's own calls too; made anew for each process.
    pub server_key: SecretString,
}

impl Config {
    /// Reads and checks a configuration file, and the environment that is laid over it.
    ///
    /// # Errors
    /// As [`Source::config`].
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        Source::open(path)?.config()
    }

    /// Checks the text of a configuration file that stands at `path`, whatever the environment says.
    ///
    /// # Errors
    /// As [`Source::config`].
    pub fn parse(path: &Path, text: &str) -> Result<Self, ConfigError> {
        Source::new(path, text.to_owned(), [])?.config()
    }

    /// The JSON Schema of the file.
    #[must_use]
    pub fn schema() -> schemars::Schema {
        schemars::schema_for!(Self)
    }

    /// What does not keep the gateway from running and should be mended, each with its key.
    #[must_use]
    pub fn warnings(&self, now: Timestamp) -> Vec<String> {
        let ports =
            [("listen.tls", &self.listen.tls), ("listen.admin_tls", &self.listen.admin_tls)];
        let told = ports.into_iter().flat_map(|(key, tls)| {
            let warnings = tls.iter().flat_map(|tls| tls.warnings(now));
            warnings.map(move |warning| format!("{key}: {warning}")).collect::<Vec<_>>()
        });
        told.collect()
    }

    /// What development mode assumes: loopback, one app that lets guests in, nothing kept unless asked.
    #[must_use]
    pub fn dev(dev: Dev) -> Self {
        let app = App {
            id: DEV_APP.into(),
            guests: true,
            default_rooms: vec![(RoomPattern::any(), Role::Publisher)],
            hs256_secrets: vec![HmacSecret { kid: None, secret: dev.app_secret }],
            server_keys: vec![dev.server_key.clone()],
            ..App::unnamed()
        };
        Self {
            mode: Mode::Dev,
            listen: Listen::dev(dev.listen),
            operator: Operator { api_key: Some(dev.server_key) },
            apps: vec![app],
            limits: Limits { spare_loopback: true, ..Limits::default() },
            keepalive: Keepalive::default(),
            resume: Resume::default(),
            session: Session::default(),
            drain: Drain::default(),
            store: dev.data.as_deref().map_or(Store::Memory, Store::in_directory),
            engine: Engine::default(),
            log: Log::default(),
        }
    }

    /// The app of this id.
    #[must_use]
    pub fn app(&self, id: &str) -> Option<&App> {
        self.apps.iter().find(|app| *app.id == *id)
    }
}
