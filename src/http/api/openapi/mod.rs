//! The API's document: `OpenAPI` 3.1, made from the routes and the types they take and give.
//!
//! Schemas are those of the types themselves; of the wire's types, those of the protocol's own schema. A test compares
//! the document with `docs/openapi.json`.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::description::Description;
use super::problem_responses::{ProblemResponses, REQUEST_ID};
use super::routes::Operation;
use crate::http::problem::Problem;
use crate::http::request_id;

/// The document of `operations`, whose paths begin with `prefix`, as the text of a file.
pub(super) fn document(prefix: &str, operations: &[Operation]) -> String {
    format!("{:#}\n", value(prefix, operations))
}

fn value(prefix: &str, operations: &[Operation]) -> Value {
    let mut schemas = generator();
    let problem = schemas.subschema_for::<Problem>();
    let mut problem_responses = ProblemResponses::new(problem.into());
    let mut paths = BTreeMap::<String, Map<String, Value>>::new();
    for operation in operations {
        let description =
            Description::new(&mut schemas, operation.path, operation.tag, (operation.problems)());
        let (mut told, kinds) = (operation.describe)(description).into_parts();
        let answers = told["responses"].as_object_mut().expect("it was made as one");
        answers.extend(problem_responses.tell(&kinds));
        let path = paths.entry(format!("{prefix}{}", operation.path)).or_default();
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
            "responses": problem_responses.into_responses(),
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
