//! Values that reports and errors never show in full: secrets, and the paths of URLs.
//!
//! The types of secrets are marked in the schema, so no list can miss one. Hidden values cannot be compared by their
//! printed form; each section lists them for comparison, and destructuring makes the compiler ask about each new field.

use std::collections::BTreeMap;

use secrecy::ExposeSecret;
use serde_json::Value;

use super::apps::App;
use super::root::Config;

/// Whether the value at `key`, such as `apps[0].auth_webhook.secret`, is a secret or part of one.
pub(super) fn is_secret(key: &str) -> bool {
    let schema = Config::schema().to_value();
    let mut nodes = Vec::new();
    expand(&schema, &schema, &mut nodes);
    for segment in key.split(['.', '[']) {
        let mut next = Vec::new();
        for node in nodes.into_iter().filter_map(|node| below(node, segment)) {
            expand(&schema, node, &mut next);
        }
        if next.iter().any(|node| is_marked(&schema, node)) {
            return true;
        }
        nodes = next;
    }
    false
}

/// The schema of a segment of a key, such as `auth_webhook` or `0]`.
fn below<'a>(node: &'a Value, segment: &str) -> Option<&'a Value> {
    if segment.ends_with(']') { node.get("items") } else { node.get("properties")?.get(segment) }
}

/// Whether `node` is the schema of a secret or of a list of secrets.
fn is_marked(schema: &Value, node: &Value) -> bool {
    let mut items = Vec::new();
    if let Some(item) = node.get("items") {
        expand(schema, item, &mut items);
    }
    items.iter().chain([&node]).any(|node| node.get("writeOnly") == Some(&Value::Bool(true)))
}

/// Adds a node of the schema, and every schema that it refers to or has as an alternative.
fn expand<'a>(schema: &'a Value, node: &'a Value, nodes: &mut Vec<&'a Value>) {
    nodes.push(node);
    let target =
        node.get("$ref").and_then(Value::as_str).and_then(|target| schema.pointer(&target[1..]));
    let choices = ["anyOf", "oneOf", "allOf"].iter().filter_map(|key| node.get(key)?.as_array());
    for node in choices.flatten().chain(target) {
        expand(schema, node, nodes);
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_found_by_their_types() {
        for (key, expected) in [
            ("apps[0].auth_webhook.secret", true),
            ("apps[1].auth_webhook.secret.file", true),
            ("apps[0].server_keys", true),
            ("apps[0].server_keys[2]", true),
            ("apps[0].hs256_secrets", true),
            ("apps[0].hs256_secrets[0]", true),
            ("apps[0].hs256_secrets[0].kid", true),
            ("apps[0].api_token", true),
            ("apps[0].webhook_endpoints[3].secrets[0]", true),
            ("operator.api_key", true),
            ("apps", false),
            ("apps[0].auth_webhook", false),
            ("apps[0].auth_webhook.url", false),
            ("apps[0].public_keys[0].file", false),
            ("operator", false),
            ("listen.listen", false),
            ("no.such[0].key", false),
            ("", false),
        ] {
            assert_eq!(is_secret(key), expected, "{key}");
        }
    }
}
