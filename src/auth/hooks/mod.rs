//! The built-in auth hooks.
//!
//! Each claims one kind of credentials. Not here: deadlines and concurrency (`guard`), and the access token, which no
//! hook receives (`authenticator`).

mod api_token;
mod denials;
mod guest;
mod jwt;
mod settings;
#[cfg(test)]
mod tests;
mod webhook;

pub use api_token::{ApiTokenHook, ShortApiToken};
pub use guest::GuestHook;
pub use jwt::JwtHook;
pub use settings::{ConfiguredHook, HookSettings};
pub use webhook::WebhookHook;
