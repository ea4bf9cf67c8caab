//! The app's api token and a user id.
//!
//! Meant for trusted clients and for tests: every client has the same token, so the token proves no username.

use std::sync::Arc;

use aws_lc_rs::digest::{Digest, SHA256, digest};
use futures::FutureExt;
use futures::future::{BoxFuture, ready};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};
use stagedoor_proto::{Credentials, Data, ErrorCode, Username};

use super::settings::{ConfiguredHook, HookSettings};
use crate::auth::{
    AuthHook, AuthMethod, AuthRequest, Authenticated, CredentialSource, Decision, Denied,
    is_same_digest,
};
use crate::grant::Grant;

pub struct ApiTokenHook {
    /// Hashes have equal length, so a comparison does not reveal the length of the token.
    digest: Digest,
    grant: Grant,
}

/// The token is short enough to be guessed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an api token needs at least {MIN_API_TOKEN_BYTES} bytes")]
pub struct ShortApiToken;

impl ApiTokenHook {
    /// Users who present `token` get `grant`.
    ///
    /// # Errors
    /// When the token is too short.
    pub fn new(token: &SecretString, grant: Grant) -> Result<Self, ShortApiToken> {
        let token = token.expose_secret().as_bytes();
        if token.len() < MIN_API_TOKEN_BYTES {
            return Err(ShortApiToken);
        }
        Ok(Self { digest: digest(&SHA256, token), grant })
    }

    /// The hook, if the app has an api token.
    ///
    /// # Errors
    /// As [`ApiTokenHook::new`].
    pub fn configured(settings: HookSettings<'_>) -> ConfiguredHook {
        let Some(token) = &settings.app.api_token else { return Ok(None) };
        Ok(Some(Arc::new(Self::new(token, settings.default_grant())?)))
    }

    fn user(&self, request: &AuthRequest) -> Result<Username, Denied> {
        let Credentials::Params(params) = &request.credentials else {
            return Err(Denied::without_username());
        };
        let params: Map<String, Value> = serde_json::from_str(params.as_json()).unwrap_or_default();
        let presented = params.get(API_TOKEN).and_then(Value::as_str).unwrap_or_default();
        if !is_same_digest(&digest(&SHA256, presented.as_bytes()), &self.digest) {
            return Err(Denied::new(ErrorCode::AuthDenied, "invalid `api_token`"));
        }
        match (params.get(USER_ID), &request.username) {
            (None, None) => Err(Denied::without_username()),
            (None, Some(username)) => Ok(username.clone()),
            (Some(id), _) => id.as_str().and_then(|id| id.parse().ok()).ok_or_else(|| {
                Denied::new(ErrorCode::AuthDenied, "the `user_id` must be a username")
            }),
        }
    }
}

impl AuthHook for ApiTokenHook {
    fn name(&self) -> &'static str {
        API_TOKEN
    }

    fn verifies_identity(&self) -> bool {
        false
    }

    fn is_local(&self) -> bool {
        true
    }

    fn configured_grant(&self, source: CredentialSource) -> Option<&Grant> {
        (source == CredentialSource::ApiToken).then_some(&self.grant)
    }

    fn claims(&self, request: &AuthRequest) -> bool {
        matches!(&request.credentials, Credentials::Params(params) if has_api_token(params))
    }

    fn decide<'a>(&'a self, request: &'a AuthRequest) -> BoxFuture<'a, Decision> {
        let decision = match self.user(request) {
            Err(denied) => Decision::Deny(denied),
            Ok(username) => Decision::Allow(Box::new(Authenticated {
                grant: self.grant.clone(),
                source: CredentialSource::ApiToken,
                ..Authenticated::new(username, AuthMethod::Hook { issued: None })
            })),
        };
        ready(decision).boxed()
    }
}

/// Whether auth params are an object with an api token.
pub(super) fn has_api_token(params: &Data) -> bool {
    serde_json::from_str::<Map<String, Value>>(params.as_json())
        .is_ok_and(|params| params.contains_key(API_TOKEN))
}

const API_TOKEN: &str = "api_token";
const USER_ID: &str = "user_id";
/// Minimum length of an api token.
const MIN_API_TOKEN_BYTES: usize = 16;
