//! What an operator may set: plain data, checked once, when it is read.
//!
//! A [`Config`] is read from one TOML file and the environment ([`Source`]), or is what development mode assumes
//! ([`Config::dev`]). It is read again when the gateway is asked to, and then says what changed ([`Change`]). Whatever can be wrong is found here and told with its place ([`ConfigError`]), so that no later part checks again.
//!
//! Invariants: an unknown key is an error; a secret is never shown by `Debug` nor told in an error; every bound has a
//! least and a greatest value.
//! Not here: hooks, keys ready for use and stores (`server` builds them from this).

mod apps;
mod auth_webhook;
mod bounded;
mod change;
mod document;
mod drain;
mod engine;
mod environment;
mod error;
mod events;
mod flaw;
mod hidden;
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
mod root;
mod secret;
mod session;
mod source;
mod store;
#[cfg(test)]
mod tests;
mod tls;
mod url;
mod value;
mod webhook_endpoints;

pub use apps::{App, AuthMethod, DuplicatePolicy, MembershipExpiry};
pub use auth_webhook::AuthWebhook;
pub use change::Change;
pub use drain::Drain;
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
pub use root::{Config, DEV_APP, Dev, Mode};
pub use secret::SERVER_KEY_PREFIX;
pub use session::Session;
pub use source::{Origin, Setting, Source};
pub use store::Store;
pub use tls::Tls;
pub use value::{parse_duration, told as told_duration};
pub use webhook_endpoints::WebhookEndpoint;
