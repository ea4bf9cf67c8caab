//! The environment variables of commands.
//!
//! Clap does not read them: it takes a variable for an argument, and would show an option as required in usage lines,
//! and a secret as a value of an argument.

/// Server API of the gateway.
pub(super) const URL: &str = "STAGEDOOR_URL";
/// WebSocket URL of the clients' port.
pub(super) const CONNECT_URL: &str = "STAGEDOOR_CONNECT_URL";
/// File with the certificates of a private CA.
pub(super) const CA_FILE: &str = "STAGEDOOR_CA_FILE";
/// App id.
pub(super) const APP: &str = "STAGEDOOR_APP";
/// File with a server key.
pub(super) const KEY_FILE: &str = "STAGEDOOR_KEY_FILE";
/// File with the operator key.
pub(super) const OPERATOR_KEY_FILE: &str = "STAGEDOOR_OPERATOR_KEY_FILE";
/// Secret that signs the app's tokens.
pub(super) const APP_SECRET: &str = "STAGEDOOR_APP_SECRET";
/// Log filter.
pub(super) const LOG: &str = "STAGEDOOR_LOG";

/// The value of a variable; `None` if it is not set or empty.
#[expect(
    clippy::disallowed_methods,
    reason = "a key must not be an argument, not even one with a default from the environment"
)]
pub(super) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
