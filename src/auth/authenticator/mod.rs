//! One app's way in: the access token first, then the chain of hooks.
//!
//! Invariants: an access token asks no hook, moves no expiry and widens nothing; whoever a hook lets in is who they
//! said they are; a session's expiry is a whole second, so that it and its access token end together.
//! Not here: whether the store lets them in, which is asked next.

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use stagedoor_proto::{Credentials, ErrorCode, Timestamp};

use crate::auth::token::{AccessClaims, AccessTokens, Checked, TokenError};
use crate::auth::{AuthHook, AuthMethod, AuthRequest, Authenticated, Decision, Denied, Purpose};
use crate::clock::Clock;
use crate::telemetry::{HookOutcome, Metrics};

/// How an app lets people in.
#[derive(Clone)]
pub struct AppAuth {
    /// The app's id.
    pub id: Arc<str>,
    /// Asked in this order; the first that claims a request decides it.
    pub hooks: Vec<Arc<dyn AuthHook>>,
    /// No guests, no api tokens, and no renewal without an auth token.
    pub require_auth_token: bool,
    /// How long a session lives at most, unless it is renewed.
    pub access_ttl: Duration,
    /// How long after a full authentication a session may renew itself.
    pub max_session_age: Duration,
}

impl AppAuth {
    /// The app `id` with its `hooks`, and defaults for the rest.
    #[must_use]
    pub fn new(id: Arc<str>, hooks: Vec<Arc<dyn AuthHook>>) -> Self {
        let (access_ttl, max_session_age) = (DEFAULT_ACCESS_TTL, DEFAULT_MAX_SESSION_AGE);
        Self { id, hooks, require_auth_token: false, access_ttl, max_session_age }
    }
}

/// Decides who comes into one app.
pub struct Authenticator {
    app: AppAuth,
    access: Arc<AccessTokens>,
    metrics: Arc<Metrics>,
    clock: Clock,
}

/// Why somebody does not come in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthError {
    /// They may not.
    #[error("{}", .0.message)]
    Denied(Denied),
    /// It could not be decided: close code 4206.
    #[error("who may come in cannot be decided now")]
    Unavailable {
        /// When to try again.
        retry_after: Duration,
    },
}

impl Authenticator {
    /// The way into `app`.
    #[must_use]
    pub fn new(
        app: AppAuth,
        access: Arc<AccessTokens>,
        metrics: Arc<Metrics>,
        clock: Clock,
    ) -> Self {
        Self { app, access, metrics, clock }
    }

    /// Decides a request.
    ///
    /// # Errors
    /// [`AuthError::Denied`] (stop, or reauth for an expired token) and [`AuthError::Unavailable`] (retry).
    ///
    /// # Cancel safety
    /// A dropped call has changed nothing.
    pub async fn authenticate(&self, request: &AuthRequest) -> Result<Authenticated, AuthError> {
        match &request.credentials {
            Credentials::Token(token) if self.access.is_named_by(token.as_str()) => {
                self.by_access_token(request, token.as_str()).map_err(AuthError::Denied)
            }
            Credentials::Params(params) if params.as_json().len() > MAX_AUTH_PARAMS_BYTES => {
                let message = format!("auth params have at most {MAX_AUTH_PARAMS_BYTES} bytes");
                Err(AuthError::Denied(Denied { code: ErrorCode::AuthDenied, message }))
            }
            Credentials::Guest {} | Credentials::Params(_) | Credentials::Token(_) => {
                self.by_hook(request).await
            }
        }
    }

    /// Whether a session that last fully authenticated at `auth` may renew itself without an auth token.
    ///
    /// # Errors
    /// `auth_denied` in an app with `require_auth_token`, `token_expired` past its `max_session_age`.
    pub fn may_self_renew(&self, auth: Timestamp, now: Timestamp) -> Result<(), Denied> {
        if self.app.require_auth_token {
            return Err(Denied::new(
                ErrorCode::AuthDenied,
                "this app asks for an auth token to renew with",
            ));
        }
        if now.saturating_since(auth) >= self.app.max_session_age {
            return Err(Denied::new(
                ErrorCode::TokenExpired,
                "too long without an auth token: renew with one",
            ));
        }
        Ok(())
    }

    /// When a session that begins or is renewed now ends, when nothing else bounds it.
    #[must_use]
    pub fn expiry(&self, now: Timestamp) -> Timestamp {
        whole_second(now + self.app.access_ttl)
    }

    fn by_access_token(&self, request: &AuthRequest, token: &str) -> Result<Authenticated, Denied> {
        if request.purpose == Purpose::Renew {
            return Err(Denied::new(
                ErrorCode::AuthDenied,
                "renew with an auth token, or with none",
            ));
        }
        let Checked { claims, expires, .. } = self.access.read(&self.app.id, token)?;
        if claims.instance != request.instance {
            return Err(TokenError::WrongInstance.into());
        }
        if request.username.as_ref().is_some_and(|username| *username != claims.sub) {
            return Err(TokenError::WrongUser.into());
        }
        if claims.guest && self.app.require_auth_token {
            return Err(Denied::guest());
        }
        let AccessClaims { sub, instance: _, family, guest, auth_ms, issued_ms, grant } = claims;
        let (authenticated, issued) = (auth_ms, issued_ms);
        let method = AuthMethod::AccessToken { family, guest, authenticated, issued };
        Ok(Authenticated { grant, expires, ..Authenticated::new(sub, method) })
    }

    async fn by_hook(&self, request: &AuthRequest) -> Result<Authenticated, AuthError> {
        let hook = self.app.hooks.iter().find(|hook| hook.claims(request));
        match hook.filter(|hook| hook.is_secure() || !self.app.require_auth_token) {
            None => Err(AuthError::Denied(no_way_in(&request.credentials))),
            Some(hook) => match self.ask(&**hook, request).await {
                Decision::Allow(authenticated) => {
                    self.admit(request, *authenticated).map_err(AuthError::Denied)
                }
                Decision::Deny(denied) => Err(AuthError::Denied(denied)),
                Decision::Unavailable { retry_after } => {
                    Err(AuthError::Unavailable { retry_after })
                }
            },
        }
    }

    /// Asks a hook; how long it took is counted.
    async fn ask(&self, hook: &dyn AuthHook, request: &AuthRequest) -> Decision {
        let began = self.clock.micros();
        let decision = hook.decide(request).await;
        let outcome = match &decision {
            Decision::Allow(_) => HookOutcome::Allowed,
            Decision::Deny(_) => HookOutcome::Denied,
            Decision::Unavailable { .. } => HookOutcome::Unavailable,
        };
        self.metrics.auth_hook_duration.observe(hook.name(), outcome, self.clock.since(began));
        decision
    }

    /// Compares a hook's answer with what was asked, and bounds it by what the app allows.
    fn admit(
        &self,
        request: &AuthRequest,
        mut authenticated: Authenticated,
    ) -> Result<Authenticated, Denied> {
        if request.username.as_ref().is_some_and(|asked| *asked != authenticated.username) {
            return Err(Denied::new(ErrorCode::AuthDenied, "the credentials are another user's"));
        }
        if authenticated.is_guest() && self.app.require_auth_token {
            return Err(Denied::guest());
        }
        if matches!(authenticated.method, AuthMethod::AccessToken { .. }) {
            return Err(Denied::new(ErrorCode::AuthDenied, "an auth hook reads no access token"));
        }
        let now = self.clock.now();
        authenticated.expires = whole_second(authenticated.expires).min(self.expiry(now));
        if authenticated.expires <= now {
            return Err(TokenError::Expired.into());
        }
        Ok(authenticated)
    }
}

/// The refusal of credentials that nothing takes in this app.
fn no_way_in(credentials: &Credentials) -> Denied {
    let message = match credentials {
        Credentials::Guest {} => return Denied::guest(),
        Credentials::Params(_) => "this app does not take such auth params",
        Credentials::Token(_) => "this app does not take session tokens",
    };
    Denied::new(ErrorCode::AuthDenied, message)
}

/// Tokens tell their expiry in seconds; a session that lived on to the millisecond would outlive its token.
const fn whole_second(at: Timestamp) -> Timestamp {
    Timestamp::from_secs(at.as_secs())
}

/// Life of a session unless configured otherwise.
const DEFAULT_ACCESS_TTL: Duration = Duration::from_hours(30 * 24);
/// Time a session may renew itself unless configured otherwise.
const DEFAULT_MAX_SESSION_AGE: Duration = Duration::from_hours(30 * 24);
/// Largest auth params, in bytes of JSON.
const MAX_AUTH_PARAMS_BYTES: usize = 8 * 1024;
