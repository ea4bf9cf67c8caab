//! Session tokens: signed with one of the app's keys, or by a foreign issuer.
//!
//! The unverified `iss` only selects the keys to verify with. No circuit breaker guards this hook: fetching an issuer's
//! keys has its own timeout and rate limit, and cached keys work while the issuer is down.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use stagedoor_proto::Credentials;

use super::settings::{ConfiguredHook, HookSettings};
use crate::auth::token::{AppTokens, Compact, SessionClaims, TokenError, VerifiedToken};
use crate::auth::{
    AuthHook, AuthMethod, AuthRequest, Authenticated, CredentialSource, Decision, Issuer,
    IssuerError,
};
use crate::clock::Clock;
use crate::revocation::Issued;
use crate::store::Profile;

pub struct JwtHook {
    tokens: AppTokens,
    issuers: Vec<Issuer>,
    clock: Clock,
}

impl JwtHook {
    /// Accepts tokens of the app itself, and of `issuers`.
    #[must_use]
    pub const fn new(tokens: AppTokens, issuers: Vec<Issuer>, clock: Clock) -> Self {
        Self { tokens, issuers, clock }
    }

    /// The hook of every app. In an app without keys it rejects every token.
    ///
    /// # Errors
    /// When the key set of the app's issuer cannot be used.
    pub fn configured(settings: HookSettings<'_>) -> ConfiguredHook {
        let issuer = settings.app.jwks.as_ref().map(|jwks| {
            Issuer::configured(jwks, settings.network(jwks.allow_private), settings.clock.clone())
        });
        let issuers = issuer.transpose()?.into_iter().collect();
        let hook = Self::new(settings.tokens.clone(), issuers, settings.clock.clone());
        Ok(Some(Arc::new(hook)))
    }

    async fn read(
        &self,
        request: &AuthRequest,
    ) -> Result<VerifiedToken<SessionClaims>, IssuerError> {
        let Credentials::Token(token) = &request.credentials else {
            return Err(TokenError::NotAToken.into());
        };
        let compact = Compact::parse(token.as_str())?;
        let claimed = compact.unverified_issuer();
        let checked =
            match self.issuers.iter().find(|issuer| claimed.as_deref() == Some(issuer.issuer())) {
                Some(issuer) => issuer.read(&compact, self.clock.wall()).await?,
                None => self.tokens.read_session(token.as_str())?,
            };
        match &checked.claims {
            // The authenticator checks this for every hook; here the error can name the token.
            claims if request.username.as_ref().is_some_and(|username| *username != claims.sub) => {
                Err(TokenError::WrongUser.into())
            }
            claims
                if claims
                    .instance
                    .as_ref()
                    .is_some_and(|instance| *instance != request.instance) =>
            {
                Err(TokenError::WrongInstance.into())
            }
            _ => Ok(checked),
        }
    }

    fn allow(&self, checked: VerifiedToken<SessionClaims>) -> Decision {
        let VerifiedToken {
            claims: SessionClaims { sub, name, grant, ttl_s, .. },
            issued,
            expires,
        } = checked;
        let expires =
            ttl_s.map_or(expires, |secs| self.clock.wall() + Duration::from_secs(secs.get()));
        let profile = Profile { name, properties: None };
        let method = AuthMethod::Hook { issued: Some(Issued::ByApp(issued)) };
        let source = CredentialSource::SessionToken;
        Decision::Allow(Box::new(Authenticated {
            username: sub,
            profile,
            grant,
            expires,
            method,
            token_issued: Some(issued.unwrap_or_default()),
            source,
        }))
    }
}

impl AuthHook for JwtHook {
    fn name(&self) -> &'static str {
        "jwt"
    }

    fn is_local(&self) -> bool {
        true
    }

    fn claims(&self, request: &AuthRequest) -> bool {
        matches!(request.credentials, Credentials::Token(_))
    }

    fn decide<'a>(&'a self, request: &'a AuthRequest) -> BoxFuture<'a, Decision> {
        async move {
            match self.read(request).await {
                Ok(checked) => self.allow(checked),
                Err(IssuerError::Token(error)) => Decision::Deny(error.into()),
                Err(IssuerError::Unavailable) => {
                    Decision::Unavailable { retry_after: KEYS_RETRY_AFTER }
                }
            }
        }
        .boxed()
    }
}

/// Retry delay while an issuer's keys are not available.
const KEYS_RETRY_AFTER: Duration = Duration::from_secs(30);
