//! Who comes in: the hooks that decide, the tokens they read, and the gateway's own access token.
//!
//! [`AuthHook`] is the pluggable point. Hooks compose: the first that claims a request decides it. Whatever goes wrong
//! in one, nobody gets in.
//! Not here: whether the user is banned or the token revoked (`store`), and sessions (`hub`).

mod authenticator;
mod breaker;
mod guard;
pub mod hooks;
mod issuer;
pub mod keys;
mod operator;
mod server;
pub mod token;

#[cfg(test)]
mod fixtures;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::Digest;
use futures::future::BoxFuture;
use stagedoor_proto::{Credentials, ErrorCode, InstanceId, Timestamp, Username};

pub use authenticator::{AppAuth, AuthError, Authenticator};
pub use breaker::BreakerLimits;
pub use guard::{Guard, GuardLimits};
pub use issuer::{ClaimMap, Issuer, IssuerError};
pub use operator::OperatorKey;
pub use server::{InvalidServerKey, ServerActor, ServerAuth, ServerKey};

pub use crate::store::AuthMethod;

use crate::grant::Grant;
use crate::request::RequestId;
use crate::store::Profile;

/// Credentials and who shows them, for an [`AuthHook`] to decide.
#[derive(Clone, Debug)]
pub struct AuthRequest {
    /// The app's id.
    pub app: Arc<str>,
    /// Who they say they are; may be absent where a token names them.
    pub username: Option<Username>,
    /// Which client instance.
    pub instance: InstanceId,
    /// What is to let them in.
    pub credentials: Credentials,
    /// From where.
    pub address: IpAddr,
    /// Their `User-Agent`, cut to 256 bytes.
    pub user_agent: Option<String>,
    /// What for.
    pub purpose: Purpose,
    /// By which request, as the log and the app's webhooks name it.
    pub request_id: RequestId,
}

/// What a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A new session.
    Start,
    /// A longer life for one.
    Renew,
}

/// What a hook decided.
#[derive(Clone, Debug, PartialEq)]
pub enum Decision {
    /// Let them in.
    Allow(Box<Authenticated>),
    /// Keep them out.
    Deny(Denied),
    /// No answer was to be had: close code 4206, and they may try again.
    Unavailable {
        /// When.
        retry_after: Duration,
    },
}

/// A user whose credentials are good: what a hook answers, and what an [`Authenticator`] makes of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Authenticated {
    /// The unique name.
    pub username: Username,
    /// What the hook says of the user; empty with an access token, for the store has it.
    pub profile: Profile,
    /// What the user may do.
    pub grant: Grant,
    /// When the session ends unless it is renewed. A hook sets a bound, or [`Timestamp::MAX`] for none; an
    /// [`Authenticator`] lowers it to the app's lifetime.
    pub expires: Timestamp,
    /// How the user proved who they are.
    pub method: AuthMethod,
}

impl Authenticated {
    /// A user with an empty profile and grant, whose session lives as long as the app lets it.
    #[must_use]
    pub fn new(username: Username, method: AuthMethod) -> Self {
        Self {
            username,
            profile: Profile::default(),
            grant: Grant::default(),
            expires: Timestamp::MAX,
            method,
        }
    }

    /// Whether only the name, or an access token of a guest, vouches for the user.
    #[must_use]
    pub const fn is_guest(&self) -> bool {
        match self.method {
            AuthMethod::Guest => true,
            AuthMethod::Hook { .. } => false,
            AuthMethod::AccessToken { guest, .. } => guest,
        }
    }

    /// When the user last showed other credentials than an access token, where it is `now`.
    #[must_use]
    pub const fn authenticated_at(&self, now: Timestamp) -> Timestamp {
        match self.method {
            AuthMethod::Guest | AuthMethod::Hook { .. } => now,
            AuthMethod::AccessToken { authenticated, .. } => authenticated,
        }
    }
}

/// Why somebody is kept out: `auth_denied`, `token_expired` or `token_revoked`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denied {
    /// The code they are told.
    pub code: ErrorCode,
    /// What was expected; says nothing of who is registered.
    pub message: String,
}

impl Denied {
    /// A refusal with this code.
    #[must_use]
    pub fn new(code: ErrorCode, message: &str) -> Self {
        Self { code, message: message.into() }
    }

    /// The refusal of every guest: whether guests are off or the name is registered is not told.
    #[must_use]
    pub fn guest() -> Self {
        Self::new(ErrorCode::AuthDenied, "this name needs credentials")
    }

    fn without_username() -> Self {
        Self::new(ErrorCode::AuthDenied, "a username is needed with these credentials")
    }
}

/// Decides who comes in. The pluggable point.
pub trait AuthHook: Send + Sync + 'static {
    /// A word for it in logs and metrics.
    fn name(&self) -> &'static str;

    /// Whether it has people prove who they are; an app with `require_auth_token` rejects what a hook that does not would claim.
    fn is_secure(&self) -> bool {
        true
    }

    /// Whether this request is for this hook; the first that says so decides.
    fn claims(&self, request: &AuthRequest) -> bool;

    /// Decides. The caller bounds how long it may take and how many run at a time.
    fn decide<'a>(&'a self, request: &'a AuthRequest) -> BoxFuture<'a, Decision>;
}

/// Makes the process's one crypto provider that of tokens too; may be called any number of times.
pub fn install_crypto() {
    // A second call finds a provider in place, which can only be this one: no other is compiled in.
    let _already_installed = jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER.install_default();
}

/// Whether two hashes of secrets are the same, in a time that does not tell where they differ.
fn is_same_digest(a: &Digest, b: &Digest) -> bool {
    verify_slices_are_equal(a.as_ref(), b.as_ref()).is_ok()
}
