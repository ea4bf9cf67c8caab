//! The auth webhook: the app's own server decides.
//!
//! Status 200 admits the user, 401 and 403 reject the user. Any other response is a failure and admits no user.
//! Source: `docs/protocol.md`, "Auth webhook".

use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use reqwest::{Client, Response, StatusCode, Url, header};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use stagedoor_proto::{Credentials, Data, ErrorCode, InstanceId, Timestamp, Username};

use super::api_token::has_api_token;
use super::settings::{ConfiguredHook, HookSettings};
use crate::auth::token::rooms_of;
use crate::auth::{
    AuthHook, AuthMethod, AuthRequest, Authenticated, CredentialSource, Decision, Denied, Guard,
    GuardLimits, Purpose,
};
use crate::clock::{Clock, Rng};
use crate::grant::{Grant, Scopes};
use crate::outbound::{self, Network, OutboundError, WebhookSecret};
use crate::request;
use crate::store::Profile;

pub struct WebhookHook {
    url: Url,
    secret: WebhookSecret,
    client: Client,
    clock: Clock,
}

impl WebhookHook {
    /// Calls `url` with a timeout of `deadline`.
    ///
    /// # Errors
    /// When `url` is not an `http` or `https` URL or is outside `network`, or TLS cannot be set up.
    pub fn new(
        url: &str,
        secret: WebhookSecret,
        deadline: Duration,
        network: Network,
        clock: Clock,
    ) -> Result<Self, OutboundError> {
        let url = outbound::parse_url(url)?;
        let client = outbound::client(&url, deadline, network)?;
        Ok(Self { url, secret, client, clock })
    }

    /// The guarded hook, if the app has an auth webhook.
    ///
    /// # Errors
    /// When its secret cannot sign, and as [`WebhookHook::new`].
    pub fn configured(settings: HookSettings<'_>) -> ConfiguredHook {
        let Some(webhook) = &settings.app.auth_webhook else { return Ok(None) };
        let secret = WebhookSecret::parse(&webhook.secret)?;
        let network = settings.network(webhook.allow_private);
        let clock = settings.clock;
        let hook = Self::new(&webhook.url, secret, webhook.deadline, network, clock.clone())?;
        let limits = GuardLimits {
            deadline: webhook.deadline,
            concurrency: webhook.max_concurrent,
            ..GuardLimits::default()
        };
        Ok(Some(Arc::new(Guard::new(Arc::new(hook), limits, clock.clone()))))
    }

    async fn call(
        &self,
        request: &AuthRequest,
        username: &Username,
    ) -> Result<Decision, OutboundError> {
        let body = request_body(request, username);
        let call =
            self.client.post(self.url.clone()).header(header::CONTENT_TYPE, "application/json");
        let mut call = call.header(request::HEADER, request.request_id.to_string());
        let secrets = std::slice::from_ref(&self.secret);
        let (id, now) = (Rng.bits(), self.clock.wall());
        for (name, value) in outbound::signature_headers(secrets, id, now, &body) {
            call = call.header(name, value);
        }
        let response = call.body(body).send().await.map_err(OutboundError::request)?;
        match response.status() {
            StatusCode::OK => {
                let body = outbound::read_limited(response, MAX_ANSWER_BYTES).await?;
                let answer: Answer =
                    serde_json::from_slice(&body).map_err(|_| OutboundError::InvalidResponse)?;
                let allowed =
                    self.allowed(answer, username).ok_or(OutboundError::InvalidResponse)?;
                Ok(Decision::Allow(Box::new(allowed)))
            }
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                Ok(Decision::Deny(denied(response).await))
            }
            status => Err(OutboundError::Status(status)),
        }
    }

    fn allowed(&self, answer: Answer, requested: &Username) -> Option<Authenticated> {
        let is_too_long =
            answer.name.as_ref().is_some_and(|name| name.chars().count() > MAX_NAME_CHARS)
                || answer
                    .properties
                    .as_ref()
                    .is_some_and(|data| data.as_json().len() > MAX_PROPERTIES_BYTES);
        if is_too_long {
            return None;
        }
        let rooms = rooms_of(&answer.rooms.unwrap_or_default())?;
        Some(Authenticated {
            username: answer.username.unwrap_or_else(|| requested.clone()),
            profile: Profile { name: answer.name, properties: answer.properties },
            grant: Grant {
                rooms,
                scopes: answer.scopes,
                app_moderator: answer.app_moderator.unwrap_or_default(),
            },
            expires: answer
                .ttl_s
                .map_or(Timestamp::MAX, |secs| self.clock.wall() + Duration::from_secs(secs.get())),
            method: AuthMethod::Hook { issued: None },
            source: CredentialSource::Hook,
        })
    }
}

impl AuthHook for WebhookHook {
    fn name(&self) -> &'static str {
        "webhook"
    }

    fn claims(&self, request: &AuthRequest) -> bool {
        matches!(&request.credentials, Credentials::Params(params) if !has_api_token(params))
    }

    fn decide<'a>(&'a self, request: &'a AuthRequest) -> BoxFuture<'a, Decision> {
        async move {
            let Some(username) = &request.username else {
                return Decision::Deny(Denied::without_username());
            };
            self.call(request, username).await.unwrap_or_else(|error| {
                tracing::warn!(app = &*request.app, %error, "auth webhook request failed");
                Decision::Unavailable { retry_after: RETRY_AFTER }
            })
        }
        .boxed()
    }
}

fn request_body(request: &AuthRequest, username: &Username) -> Vec<u8> {
    #[derive(Serialize)]
    struct AuthRequestBody<'a> {
        app: &'a str,
        username: &'a Username,
        auth_params: Option<&'a Data>,
        instance: &'a InstanceId,
        address: std::net::IpAddr,
        user_agent: Option<&'a str>,
        purpose: &'static str,
    }
    let body = AuthRequestBody {
        app: &request.app,
        username,
        auth_params: match &request.credentials {
            Credentials::Params(params) => Some(params),
            Credentials::Guest {} | Credentials::Token(_) => None,
        },
        instance: &request.instance,
        address: request.address,
        user_agent: request.user_agent.as_deref(),
        purpose: match request.purpose {
            Purpose::Start => "start",
            Purpose::Renew => "renew",
        },
    };
    serde_json::to_vec(&body).expect("the body has only strings and JSON")
}

/// The body of a 200 response.
#[derive(Deserialize)]
struct Answer {
    username: Option<Username>,
    name: Option<String>,
    properties: Option<Data>,
    rooms: Option<Map<String, Value>>,
    scopes: Option<Scopes>,
    ttl_s: Option<NonZeroU64>,
    app_moderator: Option<bool>,
}

/// The rejection does not depend on the body, which only provides the message.
async fn denied(response: Response) -> Denied {
    #[derive(Deserialize)]
    struct RejectionBody {
        message: String,
    }
    let body = outbound::read_limited(response, MAX_ANSWER_BYTES).await.unwrap_or_default();
    let message = serde_json::from_slice::<RejectionBody>(&body).map(|body| body.message);
    let message = message.unwrap_or_else(|_| "the app rejected this user".into());
    let shortened = message.chars().filter(|char| !char.is_control()).take(MAX_MESSAGE_CHARS);
    Denied { code: ErrorCode::AuthDenied, message: shortened.collect() }
}

/// Maximum size of a response body.
const MAX_ANSWER_BYTES: usize = 64 * 1024;
/// Maximum length of a rejection message; the rest is cut off.
const MAX_MESSAGE_CHARS: usize = 256;
/// Maximum length of a display name.
const MAX_NAME_CHARS: usize = 256;
/// Maximum size of a user's properties, which the store persists.
const MAX_PROPERTIES_BYTES: usize = 8 * 1024;
/// Retry delay after a failed call.
const RETRY_AFTER: Duration = Duration::from_secs(5);
