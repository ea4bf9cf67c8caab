//! What the JSON Schema of the file says about a key.
//!
//! The types of secrets are marked in the schema, so no list can miss one.

use serde_json::Value;

use super::root::Config;
use super::suggest::one_of;

/// Whether the value at `key`, such as `apps[0].auth_webhook.secret`, is a secret or part of one.
pub(super) fn is_secret(key: &str) -> bool {
    let schema = Config::schema().to_value();
    let mut nodes = top(&schema);
    key.split(['.', '[']).any(|segment| {
        nodes = next(&schema, &nodes, segment);
        nodes.iter().any(|node| is_marked(&schema, node))
    })
}

/// The keys without a default of the table at `key`, one of which is `field`.
pub(super) fn required_beside(key: &str, field: &str) -> Vec<String> {
    let schema = Config::schema().to_value();
    let required = at(&schema, key).into_iter().filter_map(|node| {
        let names = node.get("required")?.as_array()?.iter().filter_map(Value::as_str);
        let names: Vec<_> = names.map(str::to_owned).collect();
        names.iter().any(|name| name == field).then_some(names)
    });
    required.into_iter().next().unwrap_or_else(|| vec![field.to_owned()])
}

/// What the value at `key` may be, if it is one of a few texts, or a table.
pub(super) fn expected_at(key: &str) -> Option<String> {
    let schema = Config::schema().to_value();
    let nodes = at(&schema, key);
    let listed = nodes.iter().filter_map(|node| node.get("enum")?.as_array()).flatten();
    let texts = nodes.iter().filter_map(|node| node.get("const")).chain(listed);
    let texts: Vec<_> = texts.filter_map(Value::as_str).collect();
    if !texts.is_empty() {
        return Some(one_of(&texts));
    }
    let tables = nodes.iter().filter_map(|node| node.get("properties")?.as_object());
    let keys: Vec<_> = tables.flat_map(|table| table.keys().map(String::as_str)).collect();
    (!keys.is_empty()).then(|| format!("a table with {}", one_of(&keys)))
}

/// The schemas of the value at `key`.
fn at<'a>(schema: &'a Value, key: &str) -> Vec<&'a Value> {
    let segments = key.split(['.', '[']).filter(|segment| !segment.is_empty());
    segments.fold(top(schema), |nodes, segment| next(schema, &nodes, segment))
}

fn top(schema: &Value) -> Vec<&Value> {
    let mut nodes = Vec::new();
    expand(schema, schema, &mut nodes);
    nodes
}

/// The schemas of `segment` below those of `nodes`.
fn next<'a>(schema: &'a Value, nodes: &[&'a Value], segment: &str) -> Vec<&'a Value> {
    let mut next = Vec::new();
    for node in nodes.iter().filter_map(|node| below(node, segment)) {
        expand(schema, node, &mut next);
    }
    next
}

/// The schema of a segment of a key, such as `auth_webhook` or `0]`.
fn below<'a>(node: &'a Value, segment: &str) -> Option<&'a Value> {
    if segment.ends_with(']') {
        return node.get("items");
    }
    let property = node.get("properties").and_then(|properties| properties.get(segment));
    // The keys of a table such as `default_rooms` are the operator's.
    property.or_else(|| node.get("additionalProperties"))
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
pub(super) fn expand<'a>(schema: &'a Value, node: &'a Value, nodes: &mut Vec<&'a Value>) {
    nodes.push(node);
    let target =
        node.get("$ref").and_then(Value::as_str).and_then(|target| schema.pointer(&target[1..]));
    let choices = ["anyOf", "oneOf", "allOf"].iter().filter_map(|key| node.get(key)?.as_array());
    for node in choices.flatten().chain(target) {
        expand(schema, node, nodes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn required_keys_of_a_table_are_found() {
        for (key, field, expected) in [
            ("", "store", &["apps", "store"][..]),
            ("store.sqlite", "path", &["path"]),
            ("apps[1].auth_webhook", "secret", &["secret", "url"]),
            ("apps[0].webhook_endpoints[2]", "id", &["id", "secrets", "url"]),
            ("listen.tls", "cert", &["cert", "key"]),
            ("no.such[0].table", "key", &["key"]),
        ] {
            let mut found = required_beside(key, field);
            found.sort_unstable();
            assert_eq!(found, expected, "{key}");
        }
    }

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
