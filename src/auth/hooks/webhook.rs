//! The "chat function": the app's own server decides.
//!
//! 200 with an answer lets in, 401 and 403 keep out; anything else is no answer, and lets nobody in.
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
    AuthHook, AuthMethod, AuthRequest, Authenticated, Decision, Denied, Guard, GuardLimits, Purpose,
};
use crate::clock::{Clock, Rng};
use crate::grant::{Grant, Scopes};
use crate::outbound::{self, Network, OutboundError, WebhookSecret};
use crate::request;
use crate::store::Profile;

/// Asks the app's server.
pub struct WebhookHook {
    url: Url,
    secret: WebhookSecret,
    client: Client,
    clock: Clock,
}

impl WebhookHook {
    /// Asks at `url`, for at most `deadline`.
    ///
    /// # Errors
    /// When `url` is no `http` or `https` URL or leads out of `network`, or TLS cannot be set up.
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

    /// Of an app that has a webhook, guarded.
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

    async fn ask(
        &self,
        request: &AuthRequest,
        username: &Username,
    ) -> Result<Decision, OutboundError> {
        let body = question(request, username);
        let call =
            self.client.post(self.url.clone()).header(header::CONTENT_TYPE, "application/json");
        let mut call = call.header(request::HEADER, request.request_id.to_string());
        let secrets = std::slice::from_ref(&self.secret);
        let (id, now) = (Rng.bits(), self.clock.now());
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

    fn allowed(&self, answer: Answer, asked: &Username) -> Option<Authenticated> {
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
            username: answer.username.unwrap_or_else(|| asked.clone()),
            profile: Profile { name: answer.name, properties: answer.properties },
            grant: Grant {
                rooms,
                scopes: answer.scopes,
                app_moderator: answer.app_moderator.unwrap_or_default(),
            },
            expires: answer
                .ttl_s
                .map_or(Timestamp::MAX, |secs| self.clock.now() + Duration::from_secs(secs.get())),
            method: AuthMethod::Hook { issued: None },
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
            self.ask(request, username).await.unwrap_or_else(|error| {
                tracing::warn!(app = &*request.app, %error, "auth webhook gave no answer");
                Decision::Unavailable { retry_after: RETRY_AFTER }
            })
        }
        .boxed()
    }
}

fn question(request: &AuthRequest, username: &Username) -> Vec<u8> {
    #[derive(Serialize)]
    struct Question<'a> {
        app: &'a str,
        username: &'a Username,
        auth_params: Option<&'a Data>,
        instance: &'a InstanceId,
        address: std::net::IpAddr,
        user_agent: Option<&'a str>,
        purpose: &'static str,
    }
    let question = Question {
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
    serde_json::to_vec(&question).expect("a question is texts and JSON")
}

/// What the app's server says of somebody it lets in.
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

/// A denial stands whatever its body says; only a message is taken from it.
async fn denied(response: Response) -> Denied {
    #[derive(Deserialize)]
    struct Refusal {
        message: String,
    }
    let body = outbound::read_limited(response, MAX_ANSWER_BYTES).await.unwrap_or_default();
    let message = serde_json::from_slice::<Refusal>(&body).map(|refusal| refusal.message);
    let message = message.unwrap_or_else(|_| "the app does not let this user in".into());
    let fits = message.chars().filter(|char| !char.is_control()).take(MAX_MESSAGE_CHARS);
    Denied { code: ErrorCode::AuthDenied, message: fits.collect() }
}

/// Largest answer that is read.
const MAX_ANSWER_BYTES: usize = 64 * 1024;
/// Longest message of a denial; the rest is cut off.
const MAX_MESSAGE_CHARS: usize = 256;
/// Longest name for display.
const MAX_NAME_CHARS: usize = 256;
/// Largest properties of a user, which the store keeps.
const MAX_PROPERTIES_BYTES: usize = 8 * 1024;
/// When to try again after no answer.
const RETRY_AFTER: Duration = Duration::from_secs(5);
