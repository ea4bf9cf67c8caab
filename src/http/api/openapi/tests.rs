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
fn schemas_have_only_forms_that_generators_support() {
    fn check(at: &str, schema: &Value, problems: &mut Vec<String>) {
        let mut report = |what: &str| problems.push(format!("{at}: {what}"));
        match schema {
            Value::Object(fields) => {
                if fields.contains_key("const") {
                    report("a constant");
                }
                if fields.contains_key("allOf") {
                    report("a merged schema");
                }
                let types = fields.get("type");
                if types.is_some_and(|types| *types == "null" || types.is_array()) {
                    report("null");
                }
                let required = fields.get("required").and_then(Value::as_array);
                let unique: HashSet<_> = required.into_iter().flatten().collect();
                if unique.len() < required.map_or(0, Vec::len) {
                    report("a field that is required twice");
                }
                let properties = fields.get("properties").and_then(Value::as_object);
                for (name, field) in properties.into_iter().flatten() {
                    if field.get("default").is_some() {
                        report(&format!("a default of {name}"));
                    }
                }
                for key in ["oneOf", "anyOf"] {
                    let choices = fields.get(key).and_then(Value::as_array);
                    let is_named = |choice: &Value| choice.get("$ref").is_some();
                    if choices.is_some_and(|choices| !choices.iter().all(is_named)) {
                        report("an alternative without a name");
                    }
                }
                for (key, value) in fields.iter().filter(|(key, _)| *key != "example") {
                    check(&format!("{at}/{key}"), value, problems);
                }
            }
            Value::Array(items) => items.iter().for_each(|item| check(at, item, problems)),
            _ => {}
        }
    }
    let document: Value = serde_json::from_str(&document()).unwrap();
    let mut problems = Vec::new();
    check("", &document, &mut problems);
    assert!(problems.is_empty(), "{problems:#?}");
}

#[test]
fn every_operation_is_described_for_readers() {
    let document: Value = serde_json::from_str(&document()).unwrap();
    let tags: Vec<&Value> =
        document["tags"].as_array().unwrap().iter().map(|tag| &tag["name"]).collect();
    assert_eq!(document["servers"].as_array().unwrap().len(), 1);
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let description = operation["description"].as_str().unwrap_or_default();
            assert!(description.ends_with('.'), "{method} {path}");
            let used = operation["tags"].as_array().unwrap();
            assert!(used.len() == 1 && tags.contains(&&used[0]), "{method} {path}");
            for parameter in operation["parameters"].as_array().unwrap() {
                let described = parameter.get("$ref").or_else(|| parameter.get("description"));
                assert!(described.is_some_and(Value::is_string), "{method} {path}: {parameter}");
            }
        }
    }
}

#[test]
fn every_field_is_described_for_readers() {
    let document: Value = serde_json::from_str(&document()).unwrap();
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        let fields = schema.get("properties").and_then(Value::as_object);
        for (field, schema) in fields.filter(|fields| fields.len() > 1).into_iter().flatten() {
            let description = schema["description"].as_str().unwrap_or_default();
            assert!(!description.is_empty(), "{name}.{field}");
        }
    }
}

#[test]
fn problem_response_lists_its_codes() {
    let document: Value = serde_json::from_str(&document()).unwrap();
    let known = document["components"]["schemas"]["ProblemCode"]["enum"].as_array().unwrap();
    for (name, response) in document["components"]["responses"].as_object().unwrap() {
        let codes = response["x-codes"].as_array().unwrap();
        assert!(!codes.is_empty() && codes.iter().all(|code| known.contains(code)), "{name}");
        let content = &response["content"]["application/problem+json"];
        assert_eq!(content["schema"], json!({ "$ref": "#/components/schemas/Problem" }), "{name}");
        assert!(codes.contains(&content["example"]["code"]), "{name}");
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
