//! The `OpenAPI` 3.1 document, generated from the routes and their types.
//!
//! Wire types have the protocol's own schemas. A test compares the document with `docs/openapi.json`.

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

/// The document of `operations` under `prefix`, as the text of a file.
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
        let (mut described, kinds) = (operation.describe)(description).into_parts();
        let answers = described["responses"].as_object_mut().expect("created as an object");
        answers.extend(problem_responses.describe(&kinds));
        let path = paths.entry(format!("{prefix}{}", operation.path)).or_default();
        path.insert(operation.method.as_str().to_owned(), described);
    }
    let mut document = json!({
        "openapi": "3.1.1",
        "info": {
            "title": "Stagedoor server API",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "The API for an app's backend and for operators. A change is durable when it is answered, applies at \
                            once, and is applied once per `ref`.",
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
                    "description": "The operator key (`sk_…`), `operator.api_key` in the configuration.",
                },
            },
            "responses": problem_responses.into_responses(),
            "headers": {
                "request_id": {
                    "description": "Request id: the caller's, or a generated one. It is in the log.",
                    "required": true,
                    "schema": { "type": "string", "pattern": request_id::pattern() },
                },
            },
            "parameters": {
                "request_id": {
                    "name": REQUEST_ID,
                    "in": "header",
                    "description": "Request id of the call, used in the log and in webhooks. An invalid id is replaced.",
                    "schema": { "type": "string", "pattern": request_id::pattern() },
                },
                "idempotency_key": {
                    "name": "Idempotency-Key",
                    "in": "header",
                    "description": "The header form of `ref`: the call is executed once; a repeated call gets the same answer for 24 hours.",
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
