//! The auth webhook: the app's own server decides.
//!
//! Status 200 admits the user. 401 and 403 deny the attempt, and so do 400, 404, 409 and 422 with a JSON object that
//! has `message` or `code`. Any other response is a failure and admits no user.
//! Source: `docs/protocol.md`, "Auth webhook".

use std::collections::HashSet;
use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use reqwest::{Client, Response, StatusCode, Url, header};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use stagedoor_proto::{Credentials, Data, ErrorCode, InstanceId, Role, Timestamp, Username};

use super::api_token::has_api_token;
use super::denials::DenialCounter;
use super::settings::{ConfiguredHook, HookSettings};
use crate::auth::token::rooms_of;
use crate::auth::{
    AuthHook, AuthMethod, AuthRequest, Authenticated, CredentialSource, Decision, Denied, Guard,
    GuardLimits, Purpose,
};
use crate::clock::{Clock, Rng};
use crate::grant::{Grant, RoomPattern, Scopes};
use crate::outbound::{self, Network, OutboundError, WebhookSecret};
use crate::request;
use crate::store::Profile;
use crate::sync::{Mutex, Rank};
use crate::telemetry::{DenialStatus, Metrics};

pub struct WebhookHook {
    url: Url,
    secret: WebhookSecret,
    client: Client,
    clock: Clock,
    /// Statuses and fields that were logged already.
    logged: Mutex<HashSet<String>>,
    denials: DenialCounter,
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
        metrics: Arc<Metrics>,
    ) -> Result<Self, OutboundError> {
        let url = outbound::parse_url(url)?;
        let client = outbound::client(&url, deadline, network)?;
        let logged = Mutex::new(Rank::Leaf, HashSet::new());
        let denials = DenialCounter::new(metrics);
        Ok(Self { url, secret, client, clock, logged, denials })
    }

    /// The guarded hook, if the app has an auth webhook.
    ///
    /// # Errors
    /// When its secret cannot sign, and as [`WebhookHook::new`].
    pub fn configured(settings: HookSettings<'_>) -> ConfiguredHook {
        let Some(webhook) = &settings.app.auth_webhook else { return Ok(None) };
        let secret = WebhookSecret::parse(&webhook.secret)?;
        let network = settings.network(webhook.allow_private);
        let (clock, metrics) = (settings.clock, Arc::clone(settings.metrics));
        let deadline = webhook.deadline;
        let hook = Self::new(&webhook.url, secret, deadline, network, clock.clone(), metrics)?;
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
                self.log_unknown_fields(request, &body);
                let allowed =
                    self.allowed(answer, username).ok_or(OutboundError::InvalidResponse)?;
                self.denials.record_admission();
                Ok(Decision::Allow(Box::new(allowed)))
            }
            status => {
                let Some((label, needs_body)) = denial_of(status) else {
                    return Err(OutboundError::Status(status));
                };
                let denied = match denial(response).await {
                    Some(denied) => denied,
                    // Without an explanation a proxy or a wrong URL answered.
                    None if needs_body => return Err(OutboundError::Status(status)),
                    None => Denied::new(ErrorCode::AuthDenied, "the app rejected this user"),
                };
                self.denials.record_denial(label);
                Ok(Decision::Deny(denied))
            }
        }
    }

    /// Whether this was not logged yet. Remembers at most [`MAX_LOGGED`] texts.
    fn is_first(&self, text: &str) -> bool {
        let mut logged = self.logged.lock();
        logged.len() < MAX_LOGGED && logged.insert(text.to_owned())
    }

    fn log_unknown_fields(&self, request: &AuthRequest, body: &[u8]) {
        let fields = serde_json::from_slice::<Map<String, Value>>(body);
        let fields = fields.unwrap_or_default();
        for field in fields
            .into_iter()
            .map(|(field, _)| field)
            .filter(|field| !ANSWER_FIELDS.contains(&field.as_str()))
        {
            let field: String = field.chars().take(MAX_FIELD_CHARS).collect();
            if self.is_first(&field) {
                let app = &*request.app;
                tracing::warn!(app, ?field, "unknown field in an answer of the auth webhook");
            }
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
        let rooms = answer.rooms.map_or(Some(Vec::new()), |rooms| rooms.with(answer.role))?;
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
            token_issued: None,
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
                let is_new = match &error {
                    OutboundError::Status(status) => self.is_first(status.as_str()),
                    _ => true,
                };
                if is_new {
                    tracing::warn!(app = &*request.app, %error, "auth webhook request failed");
                }
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

/// The rooms of an answer: a role for each pattern, or a list of patterns beside one `role`.
#[derive(Deserialize)]
#[serde(untagged)]
enum Rooms {
    Table(Map<String, Value>),
    List(Vec<String>),
}

impl Rooms {
    fn with(self, role: Option<Value>) -> Option<Vec<(RoomPattern, Role)>> {
        match self {
            Self::Table(rooms) => rooms_of(&rooms),
            Self::List(patterns) => {
                let role = role?;
                rooms_of(&patterns.into_iter().map(|pattern| (pattern, role.clone())).collect())
            }
        }
    }
}

/// The fields of a 200 response.
const ANSWER_FIELDS: [&str; 8] =
    ["username", "name", "properties", "rooms", "role", "scopes", "ttl_s", "app_moderator"];

/// The body of a 200 response.
#[derive(Deserialize)]
struct Answer {
    username: Option<Username>,
    name: Option<String>,
    properties: Option<Data>,
    rooms: Option<Rooms>,
    role: Option<Value>,
    scopes: Option<Scopes>,
    ttl_s: Option<NonZeroU64>,
    app_moderator: Option<bool>,
}

/// The denial that a response with this status is, and whether only together with a body that explains it.
const fn denial_of(status: StatusCode) -> Option<(DenialStatus, bool)> {
    Some(match status {
        StatusCode::UNAUTHORIZED => (DenialStatus::Unauthorized, false),
        StatusCode::FORBIDDEN => (DenialStatus::Forbidden, false),
        StatusCode::BAD_REQUEST => (DenialStatus::BadRequest, true),
        StatusCode::NOT_FOUND => (DenialStatus::NotFound, true),
        StatusCode::CONFLICT => (DenialStatus::Conflict, true),
        StatusCode::UNPROCESSABLE_ENTITY => (DenialStatus::Unprocessable, true),
        _ => return None,
    })
}

/// The denial that a body explains: a JSON object with `message` or `code`.
async fn denial(response: Response) -> Option<Denied> {
    let body = outbound::read_limited(response, MAX_ANSWER_BYTES).await.ok()?;
    let body: Map<String, Value> = serde_json::from_slice(&body).ok()?;
    let explanation = body.get("message").or_else(|| body.get("code"))?;
    let message = explanation.as_str().unwrap_or("the app rejected this user");
    let shortened: String =
        message.chars().filter(|char| !char.is_control()).take(MAX_MESSAGE_CHARS).collect();
    Some(Denied::new(ErrorCode::AuthDenied, &shortened))
}

/// Maximum number of statuses and unknown fields that are logged.
const MAX_LOGGED: usize = 64;
/// Maximum length of an unknown field in the log.
const MAX_FIELD_CHARS: usize = 64;
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
