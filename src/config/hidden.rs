//! Values that reports and errors never show in full: secrets, and the paths of URLs.
//!
//! Hidden values cannot be compared by their printed form; each section lists them for comparison, and destructuring
//! makes the compiler ask about each new field.

use std::collections::BTreeMap;

use secrecy::ExposeSecret;

use super::apps::App;

impl App {
    /// Every value that is not shown in full, by key.
    pub(super) fn hidden(&self) -> BTreeMap<String, Vec<&str>> {
        let Self {
            hs256_secrets,
            jwks,
            server_keys,
            api_token,
            auth_webhook,
            webhook_endpoints,
            id: _,
            public_keys: _,
            guests: _,
            default_rooms: _,
            require_auth_token: _,
            renewal: _,
            duplicate_policy: _,
            sessions_per_user: _,
            revocation_leeway: _,
            instances_per_user: _,
            access_ttl: _,
            max_session_age: _,
            audit_retention: _,
            default_role: _,
            subscriber_signals: _,
            membership_expiry: _,
            max_block_duration: _,
            default_block_duration: _,
            roster_limit: _,
            ban_guest_addresses: _,
            guest_names: _,
            usernames: _,
            guest_retention: _,
        } = self;
        let hs256_secrets = hs256_secrets.iter().map(|key| key.secret.expose_secret());
        let own = [
            ("hs256_secrets", hs256_secrets.collect()),
            ("server_keys", server_keys.iter().map(ExposeSecret::expose_secret).collect()),
            ("api_token", api_token.iter().map(ExposeSecret::expose_secret).collect()),
        ];
        let own = own.map(|(key, values): (&str, Vec<&str>)| (key.to_owned(), values));
        let jwks = jwks.iter().flat_map(|jwks| inside("jwks", jwks.hidden()));
        let webhook =
            auth_webhook.iter().flat_map(|webhook| inside("auth_webhook", webhook.hidden()));
        let endpoints = webhook_endpoints.iter().enumerate().flat_map(|(index, endpoint)| {
            endpoint
                .hidden()
                .map(|(key, values)| (format!("webhook_endpoints[{index}].{key}"), values))
        });
        own.into_iter().chain(jwks).chain(webhook).chain(endpoints).collect()
    }
}

/// Prefixes the keys of hidden values with `table`.
fn inside<'a, const N: usize>(
    table: &str,
    hidden: [(&str, &'a str); N],
) -> [(String, Vec<&'a str>); N] {
    hidden.map(|(key, value)| (format!("{table}.{key}"), vec![value]))
}
