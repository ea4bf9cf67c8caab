//! The server API's document, held against what the gateway answers in any test.

use std::sync::LazyLock;

use serde_json::Value;

static DOCUMENT: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(&stagedoor::http::openapi_document()).unwrap());

/// Holds an answer against the document: its status is one of the operation's, and a problem's code one of the status's.
///
/// Nothing is said of what is no operation.
pub fn assert_documented(method: &str, path: &str, status: u16, body: &Value) {
    let Some(operation) = operation(method, path) else { return };
    let name = operation["operationId"].as_str().unwrap();
    let told = &operation["responses"][status.to_string()];
    assert!(!told.is_null(), "{name} does not say that it answers {status}: {body}");
    if status < 400 {
        return;
    }
    let reference = told["$ref"].as_str().expect("refusals are shared").trim_start_matches('#');
    let refusal = DOCUMENT.pointer(reference).unwrap();
    let schema = &refusal["content"]["application/problem+json"]["schema"]["allOf"][1];
    let codes = schema["properties"]["code"]["enum"].as_array().unwrap();
    assert!(
        codes.contains(&body["code"]),
        "{name} does not say that it answers {status} so: {body}"
    );
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
    let is_part = |(told, asked): (&&str, &&str)| told.starts_with('{') || told == asked;
    template.len() == path.len() && template.iter().zip(&path).all(is_part)
}
