//! The server API's document, held against what the gateway answers in any test.

use std::sync::LazyLock;

use reqwest::header::HeaderMap;
use serde_json::Value;

static DOCUMENT: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(&stagedoor::http::openapi_document()).unwrap());

/// Holds an answer against the document: its status is one of the operation's, a problem's code one of the status's,
/// and no header is missing.
///
/// Nothing is said of what is no operation.
pub fn assert_documented(method: &str, path: &str, status: u16, headers: &HeaderMap, body: &Value) {
    let Some(operation) = operation(method, path) else { return };
    let name = operation["operationId"].as_str().unwrap();
    let received = &operation["responses"][status.to_string()];
    assert!(!received.is_null(), "{name} does not say that it answers {status}: {body}");
    let answer = resolved(received);
    for (header, received) in answer["headers"].as_object().unwrap() {
        let may_lack = resolved(received)["required"] != true;
        assert!(
            may_lack || headers.contains_key(header),
            "{name}: {status} lacks {header}: {body}"
        );
    }
    if status < 400 {
        return;
    }
    let codes = answer["x-codes"].as_array().unwrap();
    assert!(
        codes.contains(&body["code"]),
        "{name} does not say that it answers {status} so: {body}"
    );
}

/// What a reference of the document stands for, if it is one.
fn resolved(value: &'static Value) -> &'static Value {
    let Some(reference) = value["$ref"].as_str() else { return value };
    DOCUMENT.pointer(reference.trim_start_matches('#')).unwrap()
}

/// The operation that a call asks for, if it asks for one.
fn operation(method: &str, path: &str) -> Option<&'static Value> {
    let paths = DOCUMENT["paths"].as_object().unwrap();
    let candidates = paths.iter().filter(|(template, _)| leads_to(template, path));
    // What is named as it stands goes before what stands for anything.
    let (_, operations) = candidates.min_by_key(|(template, _)| template.matches('{').count())?;
    operations.get(method.to_lowercase())
}

fn leads_to(template: &str, path: &str) -> bool {
    let (template, path): (Vec<_>, Vec<_>) =
        (template.split('/').collect(), path.split('/').collect());
    let is_part =
        |(received, asked): (&&str, &&str)| received.starts_with('{') || received == asked;
    template.len() == path.len() && template.iter().zip(&path).all(is_part)
}
