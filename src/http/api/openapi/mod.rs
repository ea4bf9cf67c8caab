//! The API's document: `OpenAPI` 3.1, made from the routes and the types they take and give.
//!
//! Schemas are those of the types themselves; of the wire's types, those of the protocol's own schema. A test compares
//! the document with `docs/openapi.json`. It is made when it is first asked for.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use axum::body::Bytes;
use axum::response::{IntoResponse, Response};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::PREFIX;
use super::routes::Operation;
use crate::http::problem::Problem;
use crate::http::request_id;

use super::problem_responses::{REQUEST_ID, Refusals};

use super::description::Description;

/// The document.
pub(super) async fn serve() -> Response {
    static TEXT: LazyLock<Bytes> = LazyLock::new(|| document().into());
    let mut response = TEXT.clone().into_response();
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    response
}

/// The document as the text of a file.
#[must_use]
pub fn document() -> String {
    format!("{:#}\n", value(&super::all().into_operations()))
}

fn value(operations: &[Operation]) -> Value {
    let mut schemas = generator();
    let problem = schemas.subschema_for::<Problem>();
    let mut refusals = Refusals::new(problem.into());
    let mut paths = BTreeMap::<String, Map<String, Value>>::new();
    for operation in operations {
        let description = Description::new(&mut schemas, operation);
        let (mut told, kinds) = (operation.describe)(description).into_parts();
        let answers = told["responses"].as_object_mut().expect("it was made as one");
        answers.extend(refusals.tell(&kinds));
        let path = paths.entry(format!("{PREFIX}{}", operation.path)).or_default();
        path.insert(operation.method.as_str().to_owned(), told);
    }
    let mut document = json!({
        "openapi": "3.1.1",
        "info": {
            "title": "Stagedoor server API",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "What an app's backend and its operators may do. Every call that changes something is durable \
                            when it is answered, acts at once, and is done once for each `ref`.",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "security": [{ "server": [] }],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "server": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A server key of the app (`sk_…`), or a server token.",
                },
                "operator": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "The key of whoever runs the node (`sk_…`), `operator.api_key` in the configuration.",
                },
            },
            "responses": refusals.into_responses(),
            "headers": {
                "request_id": {
                    "description": "The id of the call: the caller's, or else a new one. It stands in the log.",
                    "required": true,
                    "schema": { "type": "string", "pattern": request_id::pattern() },
                },
            },
            "parameters": {
                "request_id": {
                    "name": REQUEST_ID,
                    "in": "header",
                    "description": "By which id the call is to be known, in the log and in what webhooks are told of it. \
                                    One that is none is replaced.",
                    "schema": { "type": "string", "pattern": request_id::pattern() },
                },
                "idempotency_key": {
                    "name": "Idempotency-Key",
                    "in": "header",
                    "description": "The header form of `ref`: the call is done once, and answered again for 24 hours.",
                    "schema": { "type": "string", "pattern": "^[A-Za-z0-9._~-]{1,64}$" },
                },
            },
        },
    });
    document["components"]["schemas"] = schemas.take_definitions(true).into();
    document.sort_all_objects();
    document
}

fn generator() -> SchemaGenerator {
    SchemaGenerator::from(SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    }))
}
