//! The configuration: plain data, validated once, when it is read.
//!
//! A [`Config`] is read from one TOML file and the environment ([`Source`]), or has the values of development mode
//! ([`Config::dev`]). All mistakes are reported at once, each with its line or variable ([`ConfigErrors`]); a reload
//! reports each [`Change`].
//! Invariants: an unknown key is an error; neither `Debug` nor an error shows a secret; every limit has a range.
//! Not here: hooks, keys and stores, which `server` builds from it.

mod apps;
mod auth_webhook;
mod diff;
mod document;
mod drain;
mod engine;
mod environment;
mod error;
mod events;
#[cfg(test)]
mod fuzz;
mod hidden;
mod keepalive;
mod keys;
mod limits;
mod listen;
mod log;
mod mistakes;
mod network;
mod operator;
mod pages;
mod ranges;
mod reference;
mod removal;
mod resume;
mod root;
mod schema;
mod secret;
mod session;
mod source;
mod spans;
mod store;
mod suggest;
#[cfg(test)]
mod tests;
mod tls;
mod url;
mod value;
mod violation;
mod webhook_endpoints;
#[cfg(test)]
mod words_tests;

pub use apps::{App, AuthMethod, DuplicatePolicy, GuestNames, MembershipExpiry, Renewal};
pub use auth_webhook::AuthWebhook;
pub use diff::Change;
pub use drain::Drain;
pub use engine::{Engine, EngineKind};
pub use environment::PREFIX;
pub use error::{ConfigError, ConfigErrors};
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
pub use secret::{MIN_SERVER_KEY_CHARS, SERVER_KEY_PREFIX};
pub use session::Session;
pub use source::{Origin, Setting, Source};
pub use store::{Store, file_problem};
pub use suggest::one_of;
pub use tls::Tls;
pub use value::{format_duration, parse_duration};
pub use webhook_endpoints::WebhookEndpoint;
