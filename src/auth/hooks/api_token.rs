//! The app's token and a user id: whoever has the one may be anybody.
//!
//! For development, and where an operator enables it: every client holds the same token, so it proves nobody.

use std::sync::Arc;

use aws_lc_rs::digest::{Digest, SHA256, digest};
use futures::FutureExt;
use futures::future::{BoxFuture, ready};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};
use stagedoor_proto::{Credentials, Data, ErrorCode, Username};

use super::settings::{ConfiguredHook, HookSettings};
use crate::auth::{
    AuthHook, AuthMethod, AuthRequest, Authenticated, Decision, Denied, is_same_digest,
};
use crate::grant::Grant;

/// Lets in whoever has the app's token.
pub struct ApiTokenHook {
    /// Of equal length whatever is shown, so that comparing tells nothing of the token's.
    digest: Digest,
    grant: Grant,
}

/// A token that could be guessed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an api token has at least {MIN_API_TOKEN_BYTES} bytes")]
pub struct ShortApiToken;

impl ApiTokenHook {
    /// Users who show `token` may do what `grant` says.
    ///
    /// # Errors
    /// When the token is short.
    pub fn new(token: &SecretString, grant: Grant) -> Result<Self, ShortApiToken> {
        let token = token.expose_secret().as_bytes();
        if token.len() < MIN_API_TOKEN_BYTES {
            return Err(ShortApiToken);
        }
        Ok(Self { digest: digest(&SHA256, token), grant })
    }

    /// Of an app that has an api token.
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
        let shown = params.get(API_TOKEN).and_then(Value::as_str).unwrap_or_default();
        if !is_same_digest(&digest(&SHA256, shown.as_bytes()), &self.digest) {
            return Err(Denied::new(ErrorCode::AuthDenied, "the `api_token` is not the app's"));
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

    fn is_secure(&self) -> bool {
        false
    }

    fn claims(&self, request: &AuthRequest) -> bool {
        matches!(&request.credentials, Credentials::Params(params) if has_api_token(params))
    }

    fn decide<'a>(&'a self, request: &'a AuthRequest) -> BoxFuture<'a, Decision> {
        let decision = match self.user(request) {
            Err(denied) => Decision::Deny(denied),
            Ok(username) => Decision::Allow(Box::new(Authenticated {
                grant: self.grant.clone(),
                ..Authenticated::new(username, AuthMethod::Hook { issued: None })
            })),
        };
        ready(decision).boxed()
    }
}

/// Whether auth params are an api token's: an object that has one.
pub(super) fn has_api_token(params: &Data) -> bool {
    serde_json::from_str::<Map<String, Value>>(params.as_json())
        .is_ok_and(|params| params.contains_key(API_TOKEN))
}

const API_TOKEN: &str = "api_token";
const USER_ID: &str = "user_id";
/// Shortest api token.
const MIN_API_TOKEN_BYTES: usize = 16;
