//! The hooks that come with the gateway.
//!
//! Each claims its own sort of credentials; what it claims it decides, and nothing after it is asked.
//! Not here: deadlines and concurrency (`guard`), and the access token, which no hook sees (`authenticator`).

mod api_token;
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
