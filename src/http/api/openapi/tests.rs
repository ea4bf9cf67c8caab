use std::collections::HashSet;

use super::super::description::is_body_required;
use super::super::openapi_document as document;
use super::*;

const REMEDY: &str = "cargo run --example openapi > docs/openapi.json";

#[test]
fn checked_in_document_is_current() {
    let checked_in = include_str!("../../../../docs/openapi.json");
    assert!(checked_in == document(), "docs/openapi.json is stale; run: {REMEDY}");
}

#[test]
fn every_operation_has_id_summary_and_answer() {
    let document: Value = serde_json::from_str(&document()).unwrap();
    let mut names = HashSet::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let name =
                operation["operationId"].as_str().unwrap_or_else(|| panic!("{method} {path}"));
            assert!(names.insert(name), "{name} is not unique");
            assert!(!operation["summary"].as_str().unwrap_or_default().is_empty(), "{name}");
            let statuses = operation["responses"].as_object().unwrap().keys();
            assert!(statuses.into_iter().any(|status| status.starts_with("20")), "{name}");
        }
    }
}

#[test]
fn every_reference_resolves() {
    fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
        match value {
            Value::Object(fields) => {
                found.extend(fields.get("$ref").and_then(Value::as_str));
                fields.values().for_each(|value| references(value, found));
            }
            Value::Array(items) => items.iter().for_each(|value| references(value, found)),
            _ => {}
        }
    }
    let document: Value = serde_json::from_str(&document()).unwrap();
    let mut found = Vec::new();
    references(&document, &mut found);
    assert!(found.len() > 50);
    for reference in found {
        let pointer = reference.strip_prefix('#').expect("it is of this document");
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
}

#[test]
fn body_is_required_if_its_schema_requires_a_field() {
    let named = json!({ "Strict": { "required": ["room"] }, "Loose": { "properties": {} } });
    let named = named.as_object().unwrap();
    let (strict, loose) =
        (json!({ "$ref": "#/components/schemas/Strict" }), json!({ "$ref": "#/c/Loose" }));
    for (schema, expected) in [
        (json!({ "type": "object" }), false),
        (json!({ "required": [] }), false),
        (json!({ "required": ["room"] }), true),
        (strict.clone(), true),
        (loose.clone(), false),
        (json!({ "oneOf": [strict, { "required": ["username"] }] }), true),
        (json!({ "oneOf": [strict, loose] }), false),
        (json!({ "allOf": [strict, loose] }), true),
    ] {
        assert_eq!(is_body_required(&schema, named), expected, "{schema}");
    }
    let document: Value = serde_json::from_str(&document()).unwrap();
    for (path, expected) in [
        ("/rooms", Some(true)),
        ("/rooms/{room}/force_disconnect", Some(true)),
        ("/rooms/{room}/lock", None),
        ("/users/{username}/ban", None),
    ] {
        let body = &document["paths"][format!("/api/v1/apps/{{app}}{path}")]["post"]["requestBody"];
        assert_eq!(body.get("required").and_then(Value::as_bool), expected, "{path}");
    }
}

#[test]
fn transient_problem_has_retry_after() {
    assert!(REQUEST_ID.eq_ignore_ascii_case(crate::request::HEADER));
    let document: Value = serde_json::from_str(&document()).unwrap();
    let responses = document["components"]["responses"].as_object().unwrap();
    for (name, expected) in [
        ("401.unauthorized", None),
        ("409.ref_in_use", Some(true)),
        ("409.ref_in_use.room_exists", Some(false)),
        ("429.rate_limited", Some(true)),
        ("503.overloaded.store_unavailable", Some(true)),
    ] {
        let headers = &responses[name]["headers"];
        let required = headers.get("Retry-After").map(|header| header["required"] == true);
        assert_eq!(required, expected, "{name}");
    }
}
