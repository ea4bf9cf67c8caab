//! Apps as configured, made ready to serve: keys, token readers, hooks in their order.

use std::collections::HashMap;
use std::sync::Arc;

use super::error::ServerError;
use crate::auth::hooks::{ApiTokenHook, GuestHook, JwtHook, WebhookHook};
use crate::auth::keys::{
    AppKey, ClaimMap, DEFAULT_KEYS_TIMEOUT, Issuer, JwksSource, PublicKeyKind,
};
use crate::auth::token::{AccessTokens, AppTokens};
use crate::auth::{AppAuth, AuthHook, Authenticator, Guard, GuardLimits, ServerAuth, ServerKey};
use crate::clock::Clock;
use crate::config::{self, Config, KeyAlgorithm, Mode};
use crate::grant::Grant;
use crate::hub::App;
use crate::outbound::{Network, WebhookSecret};
use crate::store::Store;
use crate::telemetry::Metrics;
use crate::webhook::{Bell, Endpoint, Webhooks};

/// Hooks of one's own for the app of this id, asked before the configured ones, and guarded as the webhook is.
pub type OwnHooks<'a> = &'a dyn Fn(&str) -> Vec<Arc<dyn AuthHook>>;

/// Makes apps ready to serve, at the start and whenever their rules change.
pub(super) struct Builder {
    mode: Mode,
    access: Arc<AccessTokens>,
    store: Arc<dyn Store>,
    /// Wakes who delivers webhooks.
    bell: Bell,
    metrics: Arc<Metrics>,
    clock: Clock,
    /// The embedder's own hooks of each app: they outlive every change of its rules.
    own: HashMap<Arc<str>, Vec<Arc<dyn AuthHook>>>,
}

impl Builder {
    pub(super) fn new(
        config: &Config,
        access: Arc<AccessTokens>,
        store: Arc<dyn Store>,
        bell: Bell,
        metrics: Arc<Metrics>,
        clock: Clock,
        own: OwnHooks<'_>,
    ) -> Self {
        let guarded = |hook| -> Arc<dyn AuthHook> {
            Arc::new(Guard::new(hook, GuardLimits::default(), clock.clone()))
        };
        let hooks_of = |app: &config::App| {
            (Arc::clone(&app.id), own(&app.id).into_iter().map(guarded).collect())
        };
        let own = config.apps.iter().map(hooks_of).collect();
        Self { mode: config.mode, access, store, bell, metrics, clock, own }
    }

    /// Makes an app ready to serve, in the place of `former` where there is one.
    pub(super) fn build(
        &self,
        rules: &config::App,
        former: Option<&App>,
    ) -> Result<App, ServerError> {
        let wrong = |reason: String| ServerError::App { app: Arc::clone(&rules.id), reason };
        let keys = app_keys(rules).map_err(&wrong)?;
        let tokens = AppTokens::new(Arc::clone(&rules.id), keys.into(), self.clock.clone());
        let mut hooks = self.own.get(&rules.id).cloned().unwrap_or_default();
        hooks.extend(configured_hooks(rules, &tokens, self.mode, &self.clock).map_err(&wrong)?);
        let auth = AppAuth {
            id: Arc::clone(&rules.id),
            hooks,
            secure: rules.secure,
            access_ttl: rules.access_ttl,
            max_session_age: rules.max_session_age,
        };
        let server = ServerAuth::new(server_keys(rules).map_err(wrong)?, tokens.clone());
        let (access, metrics) = (Arc::clone(&self.access), Arc::clone(&self.metrics));
        let auth = Authenticator::new(auth, access, metrics, self.clock.clone());
        let webhooks = self.webhooks(rules, former)?;
        Ok(App::new(rules.clone(), auth, tokens, server, Arc::new(webhooks)))
    }

    /// Who is told of what happens in the app. An endpoint that is configured as it was is the one there was: how it fares
    /// does not begin anew.
    fn webhooks(&self, rules: &config::App, former: Option<&App>) -> Result<Webhooks, ServerError> {
        let before = former.map(|app| app.all_webhooks().endpoints()).unwrap_or_default();
        let endpoint = |told: &config::Endpoint| {
            if let Some(same) = before.iter().find(|endpoint| endpoint.is_as(told)) {
                return Ok(Arc::clone(same));
            }
            let states = self.metrics.webhook_endpoints.clone();
            Endpoint::new(told, states).map(Arc::new).map_err(|error| ServerError::App {
                app: Arc::clone(&rules.id),
                reason: format!("endpoint {}: {error}", told.id),
            })
        };
        let endpoints = rules.endpoints.iter().map(endpoint).collect::<Result<_, _>>()?;
        let (app, store) = (Arc::clone(&rules.id), Arc::clone(&self.store));
        let (clock, bell) = (self.clock.clone(), self.bell.clone());
        Ok(Webhooks::new(app, endpoints, store, clock, bell, Arc::clone(&self.metrics)))
    }
}

fn app_keys(rules: &config::App) -> Result<Vec<AppKey>, String> {
    let mut keys = Vec::new();
    for secret in &rules.hs256_secrets {
        keys.push(
            AppKey::hs256(&rules.id, secret.kid.as_deref(), &secret.secret)
                .map_err(|error| error.to_string())?,
        );
    }
    for key in &rules.public_keys {
        let kind = match key.algorithm {
            KeyAlgorithm::Rs256 => PublicKeyKind::Rsa,
            KeyAlgorithm::Es256 => PublicKeyKind::P256,
            KeyAlgorithm::EdDsa => PublicKeyKind::Ed25519,
        };
        keys.push(
            AppKey::public(&rules.id, key.kid.as_deref(), kind, &key.pem)
                .map_err(|error| error.to_string())?,
        );
    }
    Ok(keys)
}

fn server_keys(rules: &config::App) -> Result<Vec<ServerKey>, String> {
    rules
        .server_keys
        .iter()
        .map(ServerKey::new)
        .collect::<Result<_, _>>()
        .map_err(|error| error.to_string())
}

/// The hooks in the order in which they are asked: each claims another kind of credentials, the webhook what is left.
fn configured_hooks(
    rules: &config::App,
    tokens: &AppTokens,
    mode: Mode,
    clock: &Clock,
) -> Result<Vec<Arc<dyn AuthHook>>, String> {
    let mut hooks: Vec<Arc<dyn AuthHook>> = Vec::new();
    let issuers = rules.jwks.as_ref().map(|jwks| issuer(jwks, mode, clock)).transpose()?;
    hooks.push(Arc::new(JwtHook::new(
        tokens.clone(),
        issuers.into_iter().collect(),
        clock.clone(),
    )));
    if rules.guests {
        hooks.push(Arc::new(GuestHook::new(default_grant(rules))));
    }
    if let Some(token) = &rules.api_token {
        let hook =
            ApiTokenHook::new(token, default_grant(rules)).map_err(|error| error.to_string())?;
        hooks.push(Arc::new(hook));
    }
    if let Some(webhook) = &rules.webhook {
        let secret = WebhookSecret::parse(&webhook.secret).map_err(|error| error.to_string())?;
        let network = network(webhook.allow_private, mode);
        let hook = WebhookHook::new(&webhook.url, secret, webhook.deadline, network, clock.clone());
        let hook = Arc::new(hook.map_err(|error| error.to_string())?);
        let limits = GuardLimits {
            deadline: webhook.deadline,
            concurrency: webhook.max_concurrent,
            ..GuardLimits::default()
        };
        hooks.push(Arc::new(Guard::new(hook, limits, clock.clone())));
    }
    Ok(hooks)
}

/// What those may do of whom no credentials say it.
fn default_grant(rules: &config::App) -> Grant {
    Grant { rooms: rules.default_rooms.clone(), ..Grant::default() }
}

/// Where the calls of auth hooks may lead; a developer's own servers are on the developer's machine.
fn network(allow_private: bool, mode: Mode) -> Network {
    Network::allowing_private(allow_private || mode == Mode::Dev)
}

fn issuer(jwks: &config::Jwks, mode: Mode, clock: &Clock) -> Result<Issuer, String> {
    let network = network(jwks.allow_private, mode);
    let keys = JwksSource::new(&jwks.url, DEFAULT_KEYS_TIMEOUT, network, clock.clone())
        .map_err(|error| error.to_string())?;
    let text = |claim: &Option<String>| claim.as_deref().map(Into::into);
    let claims = ClaimMap {
        username: jwks.claims.username.as_str().into(),
        name: text(&jwks.claims.name),
        rooms: text(&jwks.claims.rooms),
        scopes: text(&jwks.claims.scopes),
        instance: text(&jwks.claims.instance),
        app_moderator: text(&jwks.claims.app_moderator),
    };
    Ok(Issuer::new(&jwks.issuer, &jwks.audience, claims, keys))
}
