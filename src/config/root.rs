//! The complete configuration: its tables, and the values of development mode.

use std::net::SocketAddr;
use std::path::PathBuf;

use schemars::JsonSchema;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use stagedoor_proto::{Role, Timestamp};

use super::apps::{self, App, GuestNames};
use super::drain::Drain;
use super::engine::Engine;
use super::keepalive::Keepalive;
use super::keys::HmacSecret;
use super::limits::Limits;
use super::listen::Listen;
use super::log::Log;
use super::operator::Operator;
use super::pages::Pages;
use super::resume::Resume;
use super::session::Session;
use super::store::Store;
use super::violation::RuleViolation;
use crate::grant::RoomPattern;

/// The app id in development mode.
pub const DEV_APP: &str = "demo";

/// Whether the gateway serves a developer or real users.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// One developer, on loopback, without authentication.
    Dev,
    #[default]
    Production,
}

/// The configuration of a gateway.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Set by the command line, never by a file.
    #[serde(skip)]
    pub mode: Mode,
    /// Addresses, certificates, trusted proxies and allowed origins.
    #[serde(default)]
    pub listen: Listen,
    /// The web pages that the gateway serves itself.
    #[serde(default)]
    pub pages: Pages,
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

/// The input of development mode.
#[derive(Debug)]
pub struct Dev {
    /// Address of all services; `None`: the default of `listen`.
    pub listen: Option<SocketAddr>,
    /// Data directory; `None`: durable state is lost when the process ends.
    pub data: Option<PathBuf>,
    /// Signs the app's tokens; random in each process.
    pub app_secret: SecretString,
    /// Authenticates any username; `None` disables it.
    pub api_token: Option<SecretString>,
    /// Authenticates server API calls, calls for the whole node included; random in each process.
    pub server_key: SecretString,
}

impl Config {
    /// The JSON Schema of the file.
    #[must_use]
    pub fn schema() -> schemars::Schema {
        schemars::schema_for!(Self)
    }

    /// Problems that do not prevent the gateway from running, each with its key.
    #[must_use]
    pub fn warnings(&self, now: Timestamp) -> Vec<String> {
        let ports =
            [("listen.tls", &self.listen.tls), ("listen.admin_tls", &self.listen.admin_tls)];
        let warnings = ports.into_iter().flat_map(|(key, tls)| {
            let warnings = tls.iter().flat_map(|tls| tls.warnings(now));
            warnings.map(move |warning| format!("{key}: {warning}")).collect::<Vec<_>>()
        });
        warnings.collect()
    }

    /// The configuration of development mode: loopback, one app with guests, and no durable state by default.
    #[must_use]
    pub fn dev(dev: Dev) -> Self {
        let app = App {
            id: DEV_APP.into(),
            guests: true,
            guest_names: GuestNames::Shared,
            default_rooms: vec![(RoomPattern::any(), Role::Publisher)],
            hs256_secrets: vec![HmacSecret { kid: None, secret: dev.app_secret }],
            server_keys: vec![dev.server_key.clone()],
            api_token: dev.api_token,
            ..App::unnamed()
        };
        Self {
            mode: Mode::Dev,
            listen: Listen::dev(dev.listen),
            pages: Pages { demo: Some(DEV_APP.to_owned()) },
            operator: Operator { api_key: Some(dev.server_key) },
            apps: vec![app],
            limits: Limits { exempt_loopback: true, ..Limits::default() },
            keepalive: Keepalive::default(),
            resume: Resume::default(),
            session: Session::default(),
            drain: Drain::default(),
            store: dev.data.as_deref().map_or(Store::Memory, Store::in_directory),
            engine: Engine::default(),
            log: Log::default(),
        }
    }

    /// The violated rules between values.
    pub(super) fn violations(&self) -> Vec<RuleViolation> {
        let listen = self.listen.violation().map(|violation| violation.inside("listen"));
        let key = self.operator.api_key.iter();
        let apps = key.flat_map(|key| {
            self.apps.iter().enumerate().filter_map(|(index, app)| {
                let place = format!("apps[{index}].{}", app.same_key(key)?);
                let found = format!("the value of {place}");
                let allowed = "a key that no app has: it authorizes calls about the whole node";
                let violation = RuleViolation::new("operator.api_key", found, allowed);
                Some(violation.with_inputs([place]))
            })
        });
        let demo = self.pages.demo.iter().filter(|app| self.app(app).is_none());
        let demo = demo.map(|app| {
            let allowed = "the id of one of `apps`, or no value";
            RuleViolation::new("pages.demo", format!("{app:?}"), allowed)
        });
        listen.into_iter().chain(demo).chain(apps).chain(apps::violations(&self.apps)).collect()
    }

    #[must_use]
    pub fn app(&self, id: &str) -> Option<&App> {
        self.apps.iter().find(|app| *app.id == *id)
    }
}
