//! `[[apps]]`: the tenants, each with its keys, its ways in and its rules.
//!
//! Invariants, over and above each value's own: ids differ, every app can be entered somehow, a `secure` app has no
//! weaker way in, and no default exceeds its maximum.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use schemars::JsonSchema;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use stagedoor_proto::Role;

use super::document::Flaw;
use super::endpoints::{self, Endpoint};
use super::keys::{HmacSecret, Jwks, PublicKey, RawPublicKey};
use super::value::{self, DAY, SECOND};
use super::webhook::Webhook;
use super::{secret, url};
use crate::grant::RoomPattern;

/// One tenant: its id, its keys and its rules. Nothing crosses apps.
#[expect(
    clippy::struct_excessive_bools,
    reason = "four independent answers, each of its own name in the file"
)]
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default = "App::unnamed", deny_unknown_fields)]
pub struct App {
    /// Names it in tokens, paths and commands.
    #[serde(deserialize_with = "value::app_id")]
    #[schemars(with = "String")]
    pub id: Arc<str>,
    /// Secrets that sign its session, room and server tokens; the first signs, all verify.
    pub hs256_secrets: Vec<HmacSecret>,
    /// Public keys that verify its session, room and server tokens.
    #[schemars(with = "Vec<RawPublicKey>")]
    pub public_keys: Vec<PublicKey>,
    /// Another issuer, whose session tokens are taken too.
    pub jwks: Option<Jwks>,
    /// Keys that open its server API.
    #[serde(with = "secret::ServerKeys")]
    pub server_keys: Vec<SecretString>,
    /// Whether a username alone lets somebody in.
    pub guests: bool,
    /// The rooms that guests, and those let in by the api token, may enter without a room token, with their role there.
    #[serde(with = "value::Rooms")]
    pub default_rooms: Vec<(RoomPattern, Role)>,
    /// Lets anybody who shows it in under any name.
    #[serde(with = "secret::Optional")]
    pub api_token: Option<SecretString>,
    /// Asked about each start with `params`.
    pub webhook: Option<Webhook>,
    /// Servers that are told what happens.
    pub endpoints: Vec<Endpoint>,
    /// Whether only full credentials start and renew.
    pub secure: bool,
    /// Who gives way when a client instance connects twice.
    pub duplicate_policy: DuplicatePolicy,
    /// Sessions a user may have at a time.
    #[serde(with = "value::CountIn::<1, 10_000>")]
    pub sessions_per_user: usize,
    /// How long an access token lives.
    #[serde(with = "value::DurationIn::<{ 10 * SECOND }, { 366 * DAY }>")]
    pub access_ttl: Duration,
    /// How long after full authentication a session may be renewed without it.
    #[serde(with = "value::DurationIn::<{ 10 * SECOND }, { 366 * DAY }>")]
    pub max_session_age: Duration,
    /// The role of a room token that names none.
    pub default_role: Role,
    /// Whether subscribers may send signals.
    pub subscriber_signals: bool,
    /// What becomes of a membership whose token runs out.
    pub membership_expiry: MembershipExpiry,
    /// The longest app-wide block a moderator may set.
    #[serde(with = "value::DurationIn::<SECOND, { 366 * DAY }>")]
    pub max_block: Duration,
    /// The block of a removal that names none.
    #[serde(with = "value::DurationIn::<SECOND, { 366 * DAY }>")]
    pub default_block: Duration,
    /// Participants up to which everybody in a room is listed.
    #[serde(with = "value::CountIn::<1, 10_000>")]
    pub roster_limit: u32,
    /// Whether a guest's block is of their address too.
    pub ban_guest_addresses: bool,
}

/// Who gives way when a client instance connects twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DuplicatePolicy {
    /// The older connection.
    #[default]
    NewestWins,
    /// The newer one, as long as the older one lives.
    RejectNew,
}

/// What becomes of a membership whose token runs out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MembershipExpiry {
    /// It stays: a token is for coming in.
    #[default]
    Keep,
    /// It ends.
    Enforce,
}

impl App {
    /// The defaults, without a name: what a file leaves out.
    pub(super) fn unnamed() -> Self {
        Self {
            id: "".into(),
            hs256_secrets: Vec::new(),
            public_keys: Vec::new(),
            jwks: None,
            server_keys: Vec::new(),
            guests: false,
            default_rooms: Vec::new(),
            api_token: None,
            webhook: None,
            endpoints: Vec::new(),
            secure: false,
            duplicate_policy: DuplicatePolicy::default(),
            sessions_per_user: 20,
            access_ttl: Duration::from_hours(30 * 24),
            max_session_age: Duration::from_hours(30 * 24),
            default_role: Role::Publisher,
            subscriber_signals: false,
            membership_expiry: MembershipExpiry::default(),
            max_block: Duration::from_hours(24),
            default_block: Duration::from_mins(10),
            roster_limit: 200,
            ban_guest_addresses: false,
        }
    }

    fn has_keys(&self) -> bool {
        !self.hs256_secrets.is_empty() || !self.public_keys.is_empty() || self.jwks.is_some()
    }

    /// Rules that hold between its values: the key at fault, what was found, what is allowed.
    fn flaw(&self) -> Option<(&'static str, String, &'static str)> {
        if self.id.is_empty() {
            return Some(("id", "nothing".to_owned(), "an id for the app"));
        }
        if self.secure && self.guests {
            return Some((
                "guests",
                "true with secure = true".to_owned(),
                "no guests in a secure app",
            ));
        }
        if self.secure && self.api_token.is_some() {
            let found = "a token with secure = true".to_owned();
            return Some(("api_token", found, "no api token in a secure app"));
        }
        if !self.guests && !self.has_keys() && self.api_token.is_none() && self.webhook.is_none() {
            let allowed = "one at least of hs256_secrets, public_keys, jwks, webhook, api_token, guests = true";
            return Some(("", "an app nobody can enter".to_owned(), allowed));
        }
        let kids = self.hs256_secrets.iter().map(|key| &key.kid);
        let kids: Vec<_> = kids.chain(self.public_keys.iter().map(|key| &key.kid)).collect();
        let named: HashSet<&str> = kids.iter().filter_map(|kid| kid.as_deref()).collect();
        if kids.len() > 1 && named.len() < kids.len() {
            let found = format!("{} keys of which not each has a kid of its own", kids.len());
            let key = if self.hs256_secrets.is_empty() { "public_keys" } else { "hs256_secrets" };
            return Some((key, found, "a different kid for each, so that keys can be exchanged"));
        }
        if let Some(flaw) = self.private_flaw() {
            return Some(flaw);
        }
        let pairs = [
            ("default_block", self.default_block, self.max_block, "at most max_block"),
            ("access_ttl", self.access_ttl, self.max_session_age, "at most max_session_age"),
        ];
        let (key, value, most, allowed) =
            pairs.into_iter().find(|(_, value, most, _)| value > most)?;
        Some((key, format!("{} where that is {}", value::told(value), value::told(most)), allowed))
    }

    /// Servers on a private network that are not said to be on one.
    fn private_flaw(&self) -> Option<(&'static str, String, &'static str)> {
        let jwks = self.jwks.as_ref().map(|jwks| ("jwks.url", &jwks.url, jwks.allow_private));
        let webhook = self.webhook.as_ref();
        let webhook = webhook.map(|hook| ("webhook.url", &hook.url, hook.allow_private));
        jwks.into_iter().chain(webhook).find_map(|(key, url, allow_private)| {
            let (found, allowed) = url::private_flaw(url, allow_private)?;
            Some((key, found, allowed))
        })
    }
}

/// Checks what holds between the values of an app, and between apps.
pub(super) fn check(apps: &[App]) -> Result<(), Flaw> {
    if apps.is_empty() {
        return Err(Flaw::new("apps", "no app", "at least one [[apps]]"));
    }
    let mut ids = HashSet::new();
    for (index, app) in apps.iter().enumerate() {
        if let Some((key, found, allowed)) = app.flaw() {
            let dot = if key.is_empty() { "" } else { "." };
            return Err(Flaw::new(format!("apps[{index}]{dot}{key}"), found, allowed));
        }
        if let Some((key, found, allowed)) = endpoints::flaw(&app.endpoints) {
            return Err(Flaw::new(format!("apps[{index}].{key}"), found, allowed));
        }
        if !ids.insert(&app.id) {
            let found = format!("\"{}\" a second time", app.id);
            return Err(Flaw::new(format!("apps[{index}].id"), found, "an id no other app has"));
        }
    }
    Ok(())
}
