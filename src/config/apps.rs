//! `[[apps]]`: the tenants, each with its keys, authentication methods and settings.
//!
//! Invariants, beside the ranges of single values: ids differ, every app has an authentication method, an app with
//! `require_auth_token` has none that proves less, and no default exceeds its maximum.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use schemars::JsonSchema;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use stagedoor_proto::Role;

use super::auth_webhook::AuthWebhook;
use super::keys::{HmacSecret, Jwks, PublicKey, RawPublicKey};
use super::mistakes::any_key_of;
use super::ranges;
use super::secret;
use super::value::{self, DAY, MINUTE, SECOND};
use super::violation::RuleViolation;
use super::webhook_endpoints::{self, WebhookEndpoint};
use crate::grant::RoomPattern;
use crate::names::NameRules;
use crate::revocation::DEFAULT_REVOCATION_LEEWAY;

/// One tenant: its id, keys, authentication methods and settings. Apps share nothing.
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent switches, each with its own key in the file"
)]
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default = "App::unnamed", deny_unknown_fields)]
pub struct App {
    /// The app's id in tokens, URL paths and commands: 1 to 64 characters of `A-Z a-z 0-9 _ -`.
    #[serde(deserialize_with = "value::app_id")]
    #[schemars(with = "String")]
    pub id: Arc<str>,
    /// HS256 secrets of session, room and server tokens. The first signs, all verify. With several keys each needs a
    /// `kid`.
    pub hs256_secrets: Vec<HmacSecret>,
    /// Public keys that verify session, room and server tokens: RSA (2048 bits or more), P-256 or Ed25519.
    #[schemars(with = "Vec<RawPublicKey>")]
    pub public_keys: Vec<PublicKey>,
    /// Another token issuer, whose session tokens are accepted too.
    pub jwks: Option<Jwks>,
    /// Keys that authenticate calls of the app's server API: `sk_` followed by at least 32 characters.
    #[serde(with = "secret::ServerKeys")]
    pub server_keys: Vec<SecretString>,
    /// Whether guests may connect: users who only name themselves.
    pub guests: bool,
    /// How many client instances may use one guest name. A role or exemption of a shared name is for one token family.
    pub guest_names: GuestNames,
    /// Which usernames verified credentials may carry. Names that guests choose always follow `precis`.
    pub usernames: NameRules,
    /// How long a guest who is not seen is retained, and an exclusive name with a penalty or role of its guest.
    #[serde(with = "ranges::BoundedDuration::<MINUTE, { 24 * DAY }>")]
    pub guest_retention: Duration,
    /// Rooms that guests and users of the api token may join without a room token, with their role: `{ "lobby-*" =
    /// "publisher" }`.
    #[serde(with = "ranges::Rooms")]
    pub default_rooms: Vec<(RoomPattern, Role)>,
    /// A token that authenticates any username. Meant for trusted clients and for tests.
    #[serde(with = "secret::Optional")]
    pub api_token: Option<SecretString>,
    /// The app's own auth webhook, called for each `start` with `params`.
    pub auth_webhook: Option<AuthWebhook>,
    /// Webhook endpoints: servers of the app that receive events.
    pub webhook_endpoints: Vec<WebhookEndpoint>,
    /// Whether the app rejects the api token, and renewals without an auth token except those of guests.
    pub require_auth_token: bool,
    /// Who may extend a session whose expiry the app's backend set, by a session token or the auth webhook's `ttl_s`.
    pub renewal: Renewal,
    /// Which connection is closed when a client instance connects twice.
    pub duplicate_policy: DuplicatePolicy,
    /// Maximum number of concurrent sessions of one user.
    #[serde(with = "ranges::BoundedCount::<1, 10_000>")]
    pub sessions_per_user: usize,
    /// Client instances remembered of a registered user. Above it those without a session are forgotten, oldest first.
    #[serde(with = "ranges::BoundedCount::<1, 10_000>")]
    pub instances_per_user: usize,
    /// Lifetime of an access token.
    #[serde(with = "ranges::BoundedDuration::<{ 10 * SECOND }, { 366 * DAY }>")]
    pub access_ttl: Duration,
    /// How long after authentication a session can be renewed without authenticating again.
    #[serde(with = "ranges::BoundedDuration::<{ 10 * SECOND }, { 366 * DAY }>")]
    pub max_session_age: Duration,
    /// How long after a revocation the `iat` of a token signed by the app is still rejected. Covers clocks that differ,
    /// and that `iat` has whole seconds.
    #[serde(with = "ranges::BoundedDuration::<{ value::MS }, { 60 * SECOND }>")]
    pub revocation_leeway: Duration,
    /// How long rows of the audit log are retained.
    #[serde(with = "ranges::BoundedDuration::<DAY, { 3_660 * DAY }>")]
    pub audit_retention: Duration,
    /// Role of a room token without a `role` claim.
    pub default_role: Role,
    /// Whether participants with role `subscriber` may send signals.
    pub subscriber_signals: bool,
    /// What happens to a membership when its token expires.
    pub membership_expiry: MembershipExpiry,
    /// Longest app-wide block that a moderator may set.
    #[serde(with = "ranges::BoundedDuration::<SECOND, { 366 * DAY }>")]
    pub max_block_duration: Duration,
    /// Block duration of a removal that names none.
    #[serde(with = "ranges::BoundedDuration::<SECOND, { 366 * DAY }>")]
    pub default_block_duration: Duration,
    /// Largest room whose participants are all listed. In larger rooms clients get counts, moderators and publishers.
    #[serde(with = "ranges::BoundedCount::<1, 10_000>")]
    pub roster_limit: u32,
    /// Whether a ban of a guest also blocks other guests from the same address.
    pub ban_guest_addresses: bool,
}

/// Who may extend a session whose expiry the app's backend set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Renewal {
    /// Only the backend: by a new session token, or by the auth webhook.
    #[default]
    Backend,
    /// The client too, up to `max_session_age`.
    Client,
}

/// Which connection is closed when a client instance connects twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DuplicatePolicy {
    /// The older connection is closed.
    #[default]
    NewestWins,
    /// The newer connection is rejected while the older one is alive.
    RejectNew,
}

/// How many client instances may use one guest name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GuestNames {
    /// One, and others that prove to be the same person. Development mode has `shared`.
    #[default]
    Exclusive,
    /// Any number.
    Shared,
}

/// What happens to a membership when its token expires.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MembershipExpiry {
    /// The membership stays: a token is only checked when joining.
    #[default]
    Keep,
    /// The membership ends.
    Enforce,
}

/// One way to authenticate users of an app.
#[derive(Clone, Copy, Debug)]
pub struct AuthMethod {
    /// The key that enables it.
    pub key: &'static str,
    /// The name shown to operators.
    pub name: &'static str,
    pub is_enabled: bool,
}

impl App {
    /// The defaults of all keys, with an empty id.
    pub(super) fn unnamed() -> Self {
        Self {
            id: "".into(),
            hs256_secrets: Vec::new(),
            public_keys: Vec::new(),
            jwks: None,
            server_keys: Vec::new(),
            guests: false,
            guest_names: GuestNames::default(),
            usernames: NameRules::default(),
            guest_retention: Duration::from_hours(7 * 24),
            default_rooms: Vec::new(),
            api_token: None,
            auth_webhook: None,
            webhook_endpoints: Vec::new(),
            require_auth_token: false,
            renewal: Renewal::default(),
            duplicate_policy: DuplicatePolicy::default(),
            sessions_per_user: 20,
            instances_per_user: 100,
            access_ttl: Duration::from_hours(30 * 24),
            max_session_age: Duration::from_hours(30 * 24),
            revocation_leeway: DEFAULT_REVOCATION_LEEWAY,
            audit_retention: Duration::from_hours(365 * 24),
            default_role: Role::Publisher,
            subscriber_signals: false,
            membership_expiry: MembershipExpiry::default(),
            max_block_duration: Duration::from_hours(24),
            default_block_duration: Duration::from_mins(10),
            roster_limit: 200,
            ban_guest_addresses: false,
        }
    }

    /// All authentication methods, enabled or not.
    #[must_use]
    pub fn auth_methods(&self) -> [AuthMethod; 6] {
        let method = |key, name, is_enabled| AuthMethod { key, name, is_enabled };
        [
            method("hs256_secrets", "tokens signed with a secret", !self.hs256_secrets.is_empty()),
            method("public_keys", "tokens signed with a private key", !self.public_keys.is_empty()),
            method("jwks", "tokens of another issuer", self.jwks.is_some()),
            method("auth_webhook", "auth webhook", self.auth_webhook.is_some()),
            method("api_token", "api token", self.api_token.is_some()),
            method("guests = true", "guests", self.guests),
        ]
    }

    /// The violated rules between the values of this app.
    fn violations(&self) -> Vec<RuleViolation> {
        let mut violations = Vec::new();
        if self.id.is_empty() {
            let missing = RuleViolation::new("id", "nothing", "an id");
            violations.push(missing.with_inputs([any_key_of("")]));
        }
        if self.require_auth_token && self.api_token.is_some() {
            let found = "a token with require_auth_token = true";
            let allowed = "no api token with require_auth_token";
            violations.push(RuleViolation::new("api_token", found, allowed));
        }
        let methods = self.auth_methods();
        if !methods.iter().any(|method| method.is_enabled) {
            let keys = methods.map(|method| method.key).join(", ");
            let found = "an app without an authentication method";
            let inputs = methods.map(|method| method.key.trim_end_matches(" = true").to_owned());
            violations.push(RuleViolation {
                key: String::new(),
                found: found.to_owned(),
                allowed: format!("at least one of {keys}"),
                inputs: inputs.into_iter().chain([any_key_of("")]).collect(),
            });
        }
        let kids = self.hs256_secrets.iter().map(|key| &key.kid);
        let kids: Vec<_> = kids.chain(self.public_keys.iter().map(|key| &key.kid)).collect();
        let named: HashSet<&str> = kids.iter().filter_map(|kid| kid.as_deref()).collect();
        if kids.len() > 1 && named.len() < kids.len() {
            let found = format!("{} keys without a different kid each", kids.len());
            let key = if self.hs256_secrets.is_empty() { "public_keys" } else { "hs256_secrets" };
            let violation = RuleViolation::new(key, found, "a different kid for each key");
            violations.push(violation.with_inputs(["hs256_secrets", "public_keys"]));
        }
        let jwks = self.jwks.as_ref().and_then(|jwks| Some(jwks.violation()?.inside("jwks")));
        let webhook = self.auth_webhook.as_ref();
        let webhook = webhook.and_then(|hook| Some(hook.violation()?.inside("auth_webhook")));
        violations.extend(jwks.into_iter().chain(webhook));
        for (key, value, limit_key, limit) in [
            (
                "default_block_duration",
                self.default_block_duration,
                "max_block_duration",
                self.max_block_duration,
            ),
            ("access_ttl", self.access_ttl, "max_session_age", self.max_session_age),
        ] {
            if value > limit {
                let [value, limit] = [value, limit].map(value::format_duration);
                let found = format!("{value} where that is {limit}");
                let violation = RuleViolation::new(key, found, format!("at most {limit_key}"));
                violations.push(violation.with_inputs([limit_key]));
            }
        }
        violations.extend(webhook_endpoints::violations(&self.webhook_endpoints));
        violations
    }

    /// Every key of the app that proves something, with what it is called.
    fn keys(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let secrets = self.hs256_secrets.iter().map(|key| ("hs256_secrets", &key.secret));
        let keys = self.server_keys.iter().map(|key| ("server_keys", key));
        let token = self.api_token.iter().map(|token| ("api_token", token));
        let all = secrets.chain(keys).chain(token);
        all.map(|(name, key)| (name, key.expose_secret()))
    }

    /// The key of this app that has the same value as `other`.
    pub(super) fn same_key(&self, other: &SecretString) -> Option<&'static str> {
        self.keys().find(|(_, key)| *key == other.expose_secret()).map(|(name, _)| name)
    }
}

/// The violated rules between values of an app, and between apps.
pub(super) fn violations(apps: &[App]) -> Vec<RuleViolation> {
    if apps.is_empty() {
        return vec![RuleViolation::new("apps", "no app", "at least one [[apps]]")];
    }
    let mut violations = Vec::new();
    let mut ids = HashSet::new();
    for (index, app) in apps.iter().enumerate() {
        let table = format!("apps[{index}]");
        violations.extend(app.violations().into_iter().map(|violation| violation.inside(&table)));
        if !app.id.is_empty() && !ids.insert(&app.id) {
            let found = format!("\"{}\" a second time", app.id);
            violations.push(RuleViolation::new(format!("{table}.id"), found, "a unique id"));
        }
    }
    violations
}
