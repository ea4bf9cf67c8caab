//! Builds apps from their configuration: keys, token readers, auth hooks and webhook endpoints.

use std::collections::HashMap;
use std::sync::Arc;

use super::error::ServerError;
use crate::auth::hooks::{
    ApiTokenHook, ConfiguredHook, GuestHook, HookSettings, JwtHook, WebhookHook,
};
use crate::auth::keys::{AppKey, PublicKeyKind};
use crate::auth::token::{AccessTokens, AppTokens};
use crate::auth::{AppAuth, AuthHook, Authenticator, Guard, GuardLimits, ServerAuth, ServerKey};
use crate::clock::Clock;
use crate::config::{self, Config, KeyAlgorithm, Mode};
use crate::hub::App;
use crate::store::Store;
use crate::telemetry::Metrics;
use crate::webhook::{DispatchSignal, Endpoint, Webhooks};

/// The embedder's auth hooks for the app of this id. They run before the configured ones, with the same guard as the
/// webhook.
pub type CustomHooks<'a> = &'a dyn Fn(&str) -> Vec<Arc<dyn AuthHook>>;

/// Builds apps at the start and when their configuration changes.
pub(super) struct AppsBuilder {
    mode: Mode,
    access: Arc<AccessTokens>,
    store: Arc<dyn Store>,
    /// Wakes the webhook dispatcher.
    dispatch_signal: DispatchSignal,
    metrics: Arc<Metrics>,
    clock: Clock,
    /// The embedder's hooks by app; they survive reloads.
    own: HashMap<Arc<str>, Vec<Arc<dyn AuthHook>>>,
}

impl AppsBuilder {
    pub(super) fn new(
        config: &Config,
        access: Arc<AccessTokens>,
        store: Arc<dyn Store>,
        dispatch_signal: DispatchSignal,
        metrics: Arc<Metrics>,
        clock: Clock,
        own: CustomHooks<'_>,
    ) -> Self {
        let guarded = |hook| -> Arc<dyn AuthHook> {
            Arc::new(Guard::new(hook, GuardLimits::default(), clock.clone()))
        };
        let hooks_of = |app: &config::App| {
            (Arc::clone(&app.id), own(&app.id).into_iter().map(guarded).collect())
        };
        let own = config.apps.iter().map(hooks_of).collect();
        Self { mode: config.mode, access, store, dispatch_signal, metrics, clock, own }
    }

    /// Builds an app. It takes over unchanged endpoints of `former`.
    pub(super) fn build(
        &self,
        rules: &config::App,
        former: Option<&App>,
    ) -> Result<App, ServerError> {
        let wrong = |reason: String| ServerError::App { app: Arc::clone(&rules.id), reason };
        let keys = app_keys(rules).map_err(&wrong)?;
        let tokens = AppTokens::new(Arc::clone(&rules.id), keys.into(), self.clock.clone());
        let mut hooks = self.own.get(&rules.id).cloned().unwrap_or_default();
        let settings = HookSettings {
            app: rules,
            mode: self.mode,
            tokens: &tokens,
            clock: &self.clock,
            metrics: &self.metrics,
        };
        for configured in HOOKS {
            hooks.extend(configured(settings).map_err(|error| wrong(error.to_string()))?);
        }
        // A hook of the embedder may accept guests of its own.
        let has_own_hooks = self.own.get(&rules.id).is_some_and(|own| !own.is_empty());
        let auth = AppAuth {
            id: Arc::clone(&rules.id),
            hooks,
            has_own_hooks,
            guests: rules.guests || has_own_hooks,
            require_auth_token: rules.require_auth_token,
            renewal: rules.renewal,
            usernames: rules.usernames,
            access_ttl: rules.access_ttl,
            max_session_age: rules.max_session_age,
        };
        let server = ServerAuth::new(server_keys(rules).map_err(wrong)?, tokens.clone());
        let (access, metrics) = (Arc::clone(&self.access), Arc::clone(&self.metrics));
        let auth = Authenticator::new(auth, access, metrics, self.clock.clone());
        let webhooks = self.webhooks(rules, former)?;
        Ok(App::new(rules.clone(), auth, tokens, server, Arc::new(webhooks)))
    }

    /// The app's webhook endpoints. An endpoint whose configuration is unchanged keeps its state.
    fn webhooks(&self, rules: &config::App, former: Option<&App>) -> Result<Webhooks, ServerError> {
        let before = former.map(|app| app.all_webhooks().endpoints()).unwrap_or_default();
        let endpoint = |configured: &config::WebhookEndpoint| {
            if let Some(same) = before.iter().find(|endpoint| endpoint.has_config(configured)) {
                return Ok(Arc::clone(same));
            }
            let states = self.metrics.webhook_endpoints.clone();
            Endpoint::new(configured, states).map(Arc::new).map_err(|error| ServerError::App {
                app: Arc::clone(&rules.id),
                reason: format!("endpoint {}: {error}", configured.id),
            })
        };
        let endpoints = rules.webhook_endpoints.iter().map(endpoint).collect::<Result<_, _>>()?;
        let (app, store) = (Arc::clone(&rules.id), Arc::clone(&self.store));
        let (clock, dispatch_signal) = (self.clock.clone(), self.dispatch_signal.clone());
        Ok(Webhooks::new(app, endpoints, store, clock, dispatch_signal, Arc::clone(&self.metrics)))
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

/// The configured hooks in order. Each accepts one kind of credentials, the webhook all others.
const HOOKS: [fn(HookSettings<'_>) -> ConfiguredHook; 4] =
    [JwtHook::configured, GuestHook::configured, ApiTokenHook::configured, WebhookHook::configured];
