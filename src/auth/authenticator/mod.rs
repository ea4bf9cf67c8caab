//! Authenticates users of one app: by access token, or by the first hook that claims the credentials.
//!
//! Invariants: an access token calls no hook, extends no expiry and adds no permission; a hook cannot return another
//! user than the request names; a session's expiry is a whole second, so that it and its access token expire together.
//! Not here: bans and revocations, which the store checks next.

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use stagedoor_proto::{Credentials, ErrorCode, Timestamp};

use crate::auth::token::{AccessClaims, AccessTokens, TokenError, VerifiedToken};
use crate::auth::{
    AuthHook, AuthMethod, AuthRequest, Authenticated, CredentialSource, Decision, Denied, Purpose,
};
use crate::clock::Clock;
use crate::config::Renewal;
use crate::grant::Grant;
use crate::names::NameRules;
use crate::revocation::Issued;
use crate::store::TokenPosition;
use crate::telemetry::{HookOutcome, Metrics};

/// How an app authenticates users.
#[derive(Clone)]
pub struct AppAuth {
    pub id: Arc<str>,
    /// In order of precedence: the first that claims a request decides it.
    pub hooks: Vec<Arc<dyn AuthHook>>,
    /// Whether some of them are of the embedder, which may grant guests something else than the settings.
    pub has_own_hooks: bool,
    /// Whether guests may start and renew sessions.
    pub guests: bool,
    /// Rejects api tokens, and renewals without an auth token except those of guests.
    pub require_auth_token: bool,
    /// Who may extend a session that the app's backend bounded.
    pub renewal: Renewal,
    /// Which usernames credentials may carry; those that guests choose follow [`NameRules::Precis`].
    pub usernames: NameRules,
    /// Maximum lifetime of a session that is not renewed.
    pub access_ttl: Duration,
    /// How long after authentication a session can be renewed without authenticating again.
    pub max_session_age: Duration,
}

impl AppAuth {
    /// Uses the defaults of the configuration for everything but `id` and `hooks`.
    #[must_use]
    pub fn new(id: Arc<str>, hooks: Vec<Arc<dyn AuthHook>>) -> Self {
        let (access_ttl, max_session_age) = (DEFAULT_ACCESS_TTL, DEFAULT_MAX_SESSION_AGE);
        let (renewal, usernames) = (Renewal::default(), NameRules::default());
        let (guests, require_auth_token) = (true, false);
        Self {
            id,
            hooks,
            has_own_hooks: false,
            guests,
            require_auth_token,
            renewal,
            usernames,
            access_ttl,
            max_session_age,
        }
    }
}

pub struct Authenticator {
    app: AppAuth,
    access: Arc<AccessTokens>,
    metrics: Arc<Metrics>,
    clock: Clock,
}

/// Why authentication failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthError {
    #[error("{}", .0.message)]
    Denied(Denied),
    /// No decision was possible: close code 4206.
    #[error("authentication unavailable")]
    Unavailable { retry_after: Duration },
}

impl Authenticator {
    #[must_use]
    pub fn new(
        app: AppAuth,
        access: Arc<AccessTokens>,
        metrics: Arc<Metrics>,
        clock: Clock,
    ) -> Self {
        Self { app, access, metrics, clock }
    }

    /// # Errors
    /// [`AuthError::Denied`] (stop, or reauth for an expired token) and [`AuthError::Unavailable`] (retry).
    ///
    /// # Cancel safety
    /// Changes no state, so it can be dropped at any time.
    pub async fn authenticate(&self, request: &AuthRequest) -> Result<Authenticated, AuthError> {
        match &request.credentials {
            Credentials::Token(token) if self.access.is_named_by(token.as_str()) => {
                self.by_access_token(request, token.as_str()).map_err(AuthError::Denied)
            }
            Credentials::Guest {} | Credentials::Params(_) | Credentials::Token(_) => {
                self.by_hook(request).await
            }
        }
    }

    /// Decides again about a request that former settings of the app accepted. What a server of the app decided stands
    /// while that hook is still the one to decide; it is not asked twice.
    ///
    /// # Errors
    /// As [`Authenticator::authenticate`].
    pub async fn reauthenticate(
        &self,
        request: &AuthRequest,
        accepted: &Authenticated,
    ) -> Result<Authenticated, AuthError> {
        let is_access_token = matches!(accepted.method, AuthMethod::AccessToken { .. });
        if !is_access_token && self.hook_for(request).is_some_and(|hook| !hook.is_local()) {
            return Ok(accepted.clone());
        }
        self.authenticate(request).await
    }

    /// Decides whether a session can be renewed without credentials, and until when.
    ///
    /// # Errors
    /// `auth_token_required` where the app's backend bounded the session, or the app requires an auth token for every
    /// renewal; `token_expired` past the `max_session_age`; `auth_denied` for guests of an app that has none any more.
    pub fn self_renew(
        &self,
        source: CredentialSource,
        authenticated_at: Timestamp,
        now: Timestamp,
    ) -> Result<Timestamp, Denied> {
        let is_allowed = match source {
            CredentialSource::Guest if !self.app.guests => return Err(Denied::guest()),
            CredentialSource::Guest => true,
            CredentialSource::SessionToken | CredentialSource::BoundedHook => {
                self.app.renewal == Renewal::Client && !self.app.require_auth_token
            }
            CredentialSource::Hook | CredentialSource::ApiToken => !self.app.require_auth_token,
        };
        if !is_allowed {
            return Err(Denied::new(
                ErrorCode::AuthTokenRequired,
                "this session can only be renewed with an auth token, or with params if a hook started it",
            ));
        }
        let expires = self.expiry(now).min(floor_to_second(self.max_age(authenticated_at)));
        if expires <= now {
            return Err(Denied::new(
                ErrorCode::TokenExpired,
                "maximum session age reached; renew with an auth token",
            ));
        }
        Ok(expires)
    }

    /// Checks whether a session may be renewed with credentials of this kind, before they are verified.
    ///
    /// # Errors
    /// `auth_denied`.
    pub fn may_renew_with(
        &self,
        source: CredentialSource,
        credentials: &Credentials,
    ) -> Result<(), Denied> {
        let message = match credentials {
            Credentials::Params(_) if source == CredentialSource::SessionToken => {
                "a session that a token started cannot be renewed with params"
            }
            Credentials::Guest {} => "a session cannot be renewed as a guest",
            Credentials::Params(_) | Credentials::Token(_) => return Ok(()),
        };
        Err(Denied::new(ErrorCode::AuthDenied, message))
    }

    /// Checks whether verified credentials may replace those that a session lives by.
    ///
    /// # Errors
    /// `auth_denied`: a guest stays a guest, and what a hook of the app started is not extended by the api token, which
    /// every client has.
    pub fn check_renewal(
        &self,
        source: CredentialSource,
        verified: CredentialSource,
    ) -> Result<(), Denied> {
        let message = match (source, verified) {
            (CredentialSource::Guest, CredentialSource::Guest) => return Ok(()),
            (CredentialSource::Guest, _) => "a guest session is renewed without credentials",
            (_, CredentialSource::Guest) => "a session cannot be renewed as a guest",
            (
                CredentialSource::Hook | CredentialSource::BoundedHook,
                CredentialSource::ApiToken,
            ) => "a session that a hook started cannot be renewed with the api token",
            (
                CredentialSource::SessionToken
                | CredentialSource::Hook
                | CredentialSource::BoundedHook
                | CredentialSource::ApiToken,
                _,
            ) => return Ok(()),
        };
        Err(Denied::new(ErrorCode::AuthDenied, message))
    }

    /// Whether guests may start and renew sessions.
    #[must_use]
    pub const fn allows_guests(&self) -> bool {
        self.app.guests
    }

    /// The grant of sessions from this source, if the app's settings alone decide it. It replaces what a former start
    /// was granted.
    #[must_use]
    pub fn configured_grant(&self, source: CredentialSource) -> Option<&Grant> {
        if self.app.has_own_hooks {
            return None;
        }
        self.app.hooks.iter().find_map(|hook| hook.configured_grant(source))
    }

    /// When a session that last authenticated at `authenticated_at` ends, unless it authenticates again.
    #[must_use]
    pub fn max_age(&self, authenticated_at: Timestamp) -> Timestamp {
        authenticated_at + self.app.max_session_age
    }

    /// The latest expiry of a session that is started or renewed at `now`.
    #[must_use]
    pub fn expiry(&self, now: Timestamp) -> Timestamp {
        floor_to_second(now + self.app.access_ttl)
    }

    fn by_access_token(&self, request: &AuthRequest, token: &str) -> Result<Authenticated, Denied> {
        if request.purpose == Purpose::Renew {
            return Err(Denied::new(
                ErrorCode::AuthDenied,
                "an access token cannot be used to renew",
            ));
        }
        let VerifiedToken { claims, expires, .. } = self.access.read(&self.app.id, token)?;
        if claims.instance != request.instance {
            return Err(TokenError::WrongInstance.into());
        }
        if request.username.as_ref().is_some_and(|username| *username != claims.sub) {
            return Err(TokenError::WrongUser.into());
        }
        if claims.guest && !self.app.guests {
            return Err(Denied::guest());
        }
        let AccessClaims {
            sub, family, guest, source, auth_ms, token_ms, issued_ms, grant, ..
        } = claims;
        let (authenticated, issued) = (auth_ms, issued_ms);
        let position = TokenPosition { serial: claims.serial, previous: claims.previous };
        let method = AuthMethod::AccessToken { family, guest, authenticated, issued, position };
        let token_issued = token_ms;
        Ok(Authenticated {
            grant,
            expires,
            token_issued,
            source,
            ..Authenticated::new(sub, method)
        })
    }

    /// The hook that decides a request, if one may.
    fn hook_for(&self, request: &AuthRequest) -> Option<&Arc<dyn AuthHook>> {
        let hook = self.app.hooks.iter().find(|hook| hook.claims(request));
        let is_guest = matches!(request.credentials, Credentials::Guest {});
        hook.filter(|hook| is_guest || hook.verifies_identity() || !self.app.require_auth_token)
    }

    async fn by_hook(&self, request: &AuthRequest) -> Result<Authenticated, AuthError> {
        let asked = self.clock.wall();
        match self.hook_for(request) {
            None => Err(AuthError::Denied(unsupported_credentials(&request.credentials))),
            Some(hook) => match self.call_hook(&**hook, request).await {
                Decision::Allow(mut authenticated) => {
                    if let AuthMethod::Hook { issued: issued @ None } = &mut authenticated.method {
                        *issued = Some(Issued::ByGateway(asked));
                    }
                    self.restrict(request, *authenticated).map_err(AuthError::Denied)
                }
                Decision::Deny(denied) => Err(AuthError::Denied(denied)),
                Decision::Unavailable { retry_after } => {
                    Err(AuthError::Unavailable { retry_after })
                }
            },
        }
    }

    /// Calls a hook and records its duration.
    async fn call_hook(&self, hook: &dyn AuthHook, request: &AuthRequest) -> Decision {
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

    /// Checks the username of a session that starts.
    fn check_name(&self, authenticated: &Authenticated) -> Result<(), Denied> {
        let is_guest = matches!(authenticated.method, AuthMethod::Guest);
        let rules = if is_guest { NameRules::Precis } else { self.app.usernames };
        rules.check(authenticated.username.as_str()).map_err(|invalid| {
            // A guest may choose another name; verified credentials carry theirs.
            let code = if is_guest { ErrorCode::InvalidArgument } else { ErrorCode::AuthDenied };
            Denied::new(code, &format!("username {invalid}"))
        })
    }

    /// Compares a hook's answer with the request, and applies the limits of the app.
    fn restrict(
        &self,
        request: &AuthRequest,
        mut authenticated: Authenticated,
    ) -> Result<Authenticated, Denied> {
        if request.username.as_ref().is_some_and(|username| *username != authenticated.username) {
            return Err(Denied::new(
                ErrorCode::AuthDenied,
                "the credentials belong to another user",
            ));
        }
        if matches!(authenticated.method, AuthMethod::AccessToken { .. }) {
            return Err(Denied::new(
                ErrorCode::AuthDenied,
                "an auth hook cannot accept an access token",
            ));
        }
        if request.purpose == Purpose::Start {
            self.check_name(&authenticated)?;
        }
        if authenticated.source == CredentialSource::Hook && authenticated.expires != Timestamp::MAX
        {
            authenticated.source = CredentialSource::BoundedHook;
        }
        let now = self.clock.wall();
        authenticated.expires = floor_to_second(authenticated.expires).min(self.expiry(now));
        if authenticated.expires <= now {
            return Err(TokenError::Expired.into());
        }
        Ok(authenticated)
    }
}

/// The rejection of credentials that no hook of the app claims.
fn unsupported_credentials(credentials: &Credentials) -> Denied {
    let message = match credentials {
        Credentials::Guest {} => return Denied::guest(),
        Credentials::Params(_) => "this app does not accept these auth params",
        Credentials::Token(_) => "this app does not accept session tokens",
    };
    Denied::new(ErrorCode::AuthDenied, message)
}

/// `exp` has whole seconds: a session with a finer expiry would outlive its access token.
const fn floor_to_second(at: Timestamp) -> Timestamp {
    Timestamp::from_secs(at.as_secs())
}

/// Default of `access_ttl`.
pub const DEFAULT_ACCESS_TTL: Duration = Duration::from_hours(30 * 24);
/// Default of `max_session_age`.
const DEFAULT_MAX_SESSION_AGE: Duration = Duration::from_hours(30 * 24);
