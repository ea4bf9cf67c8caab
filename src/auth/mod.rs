//! Authentication: the hooks that decide, the tokens they read, and the gateway's own access token.
//!
//! [`AuthHook`] is the extension point. The first hook that claims a request decides it. A hook that fails admits no
//! user. Not here: bans and revocations (`store`), and sessions (`hub`).

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

pub use authenticator::{AppAuth, AuthError, Authenticator, DEFAULT_ACCESS_TTL};
pub use breaker::BreakerLimits;
pub use guard::{Guard, GuardLimits};
pub use issuer::{ClaimMap, Issuer, IssuerError};
pub use operator::OperatorKey;
pub use server::{InvalidServerKey, ServerActor, ServerAuth, ServerKey};

pub use crate::store::{AuthMethod, CredentialSource};

use crate::grant::Grant;
use crate::request::RequestId;
use crate::store::Profile;

/// Credentials and the client that presents them: the input of an [`AuthHook`].
#[derive(Clone, Debug)]
pub struct AuthRequest {
    pub app: Arc<str>,
    /// The claimed username; may be absent if a token contains it.
    pub username: Option<Username>,
    pub instance: InstanceId,
    pub credentials: Credentials,
    /// The client's address, behind trusted proxies.
    pub address: IpAddr,
    /// The `User-Agent` header, cut to 256 bytes.
    pub user_agent: Option<String>,
    pub purpose: Purpose,
    /// The id of the request in logs and in the app's webhooks.
    pub request_id: RequestId,
}

/// The operation that a request authenticates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    Start,
    Renew,
}

/// The answer of a hook.
#[derive(Clone, Debug, PartialEq)]
pub enum Decision {
    Allow(Box<Authenticated>),
    Deny(Denied),
    /// The hook could not decide: close code 4206, and the client may retry.
    Unavailable {
        retry_after: Duration,
    },
}

/// An authenticated user: returned by a hook, then restricted by an [`Authenticator`].
#[derive(Clone, Debug, PartialEq)]
pub struct Authenticated {
    pub username: Username,
    /// The user's profile. Empty with an access token, because the store has it.
    pub profile: Profile,
    pub grant: Grant,
    /// When the session expires unless it is renewed. A hook returns its limit, or [`Timestamp::MAX`] for none; an
    /// [`Authenticator`] lowers it to the app's `access_ttl`.
    pub expires: Timestamp,
    pub method: AuthMethod,
    /// When the app issued the credentials, if they were a session token; the epoch if it did not say. With an access
    /// token: those that it continues.
    pub token_issued: Option<Timestamp>,
    /// Set by the hook; an [`Authenticator`] makes a [`CredentialSource::Hook`] that set `expires` a bounded one.
    pub source: CredentialSource,
}

impl Authenticated {
    /// A user with an empty profile and grant, whose session expires after the app's `access_ttl`.
    #[must_use]
    pub fn new(username: Username, method: AuthMethod) -> Self {
        let source = match method {
            AuthMethod::Guest => CredentialSource::Guest,
            AuthMethod::Hook { .. } => CredentialSource::Hook,
            AuthMethod::AccessToken { .. } => CredentialSource::SessionToken,
        };
        Self {
            username,
            profile: Profile::default(),
            grant: Grant::default(),
            expires: Timestamp::MAX,
            method,
            token_issued: None,
            source,
        }
    }

    /// Whether the user presented only a name, or the access token of a guest.
    #[must_use]
    pub const fn is_guest(&self) -> bool {
        match self.method {
            AuthMethod::Guest => true,
            AuthMethod::Hook { .. } => false,
            AuthMethod::AccessToken { guest, .. } => guest,
        }
    }

    /// When the user last presented credentials other than an access token: `now`, unless `method` is one.
    #[must_use]
    pub const fn authenticated_at(&self, now: Timestamp) -> Timestamp {
        match self.method {
            AuthMethod::Guest | AuthMethod::Hook { .. } => now,
            AuthMethod::AccessToken { authenticated, .. } => authenticated,
        }
    }
}

/// A rejection: `auth_denied`, `token_expired` or `token_revoked`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denied {
    pub code: ErrorCode,
    /// What was expected. Does not reveal which names are registered.
    pub message: String,
}

impl Denied {
    #[must_use]
    pub fn new(code: ErrorCode, message: &str) -> Self {
        Self { code, message: message.into() }
    }

    /// The one rejection of guests: it does not reveal whether guests are disabled or the name is registered.
    #[must_use]
    pub fn guest() -> Self {
        Self::new(ErrorCode::AuthDenied, "this username requires credentials")
    }

    fn without_username() -> Self {
        Self::new(ErrorCode::AuthDenied, "these credentials require a username")
    }
}

/// Authenticates users. The extension point for embedders.
pub trait AuthHook: Send + Sync + 'static {
    /// The label of this hook in logs and metrics.
    fn name(&self) -> &'static str;

    /// Whether credentials of this hook prove the username. An app with `require_auth_token` uses
    /// no other hooks, except for guests.
    fn verifies_identity(&self) -> bool {
        true
    }

    /// Whether the gateway itself decides, from its settings and keys. Such a hook is asked again when its app's
    /// settings change while a start waits; a server of the app is asked once.
    fn is_local(&self) -> bool {
        false
    }

    /// The grant of every session from this source, if the settings of the app alone decide it: it follows them.
    fn configured_grant(&self, _source: CredentialSource) -> Option<&Grant> {
        None
    }

    /// Whether this hook decides the request. The first hook that returns true decides.
    fn claims(&self, request: &AuthRequest) -> bool;

    /// Decides a request. The caller limits duration and concurrency.
    fn decide<'a>(&'a self, request: &'a AuthRequest) -> BoxFuture<'a, Decision>;
}

/// Installs the crypto provider for tokens. Can be called repeatedly.
pub fn install_crypto() {
    // A second call fails because this provider is installed already: no other one is compiled in.
    let _already_installed = jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER.install_default();
}

/// Compares two hashes of secrets in constant time.
fn is_same_digest(a: &Digest, b: &Digest) -> bool {
    verify_slices_are_equal(a.as_ref(), b.as_ref()).is_ok()
}
