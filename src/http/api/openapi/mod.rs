//! The `OpenAPI` 3.1 document, generated from the routes and their types.
//!
//! Wire types have the protocol's own schemas, in the form that code generators support. Tests compare the document
//! with `docs/openapi.json`; `make openapi` runs generators and linters on it.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::description::Description;
use super::problem_responses::{CODES, ProblemResponses, REQUEST_ID};
use super::routes::Operation;
use super::schemas::Schemas;
use super::tags::Tag;
use crate::http::problem::Problem;
use crate::http::request_id;

/// The document of `operations` under `prefix`, as the text of a file.
pub(super) fn document(prefix: &str, operations: &[Operation]) -> String {
    format!("{:#}\n", value(prefix, operations))
}

fn value(prefix: &str, operations: &[Operation]) -> Value {
    let mut schemas = Schemas::new();
    let problem = schemas.responses.subschema_for::<Problem>();
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
    let mut definitions = schemas.into_definitions();
    definitions.insert(CODES.to_owned(), problem_responses.codes());
    let mut document = json!({
        "openapi": "3.1.1",
        "info": {
            "title": "Stagedoor server API",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "The API for an app's backend and for operators. A change is durable when it is answered, applies at \
                            once, and is applied once per `ref`.",
            "contact": { "name": "The maintainers of Stagedoor" },
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [server()],
        "tags": tags(operations),
        "security": [{ "server": [] }],
        "paths": paths,
        "components": {
            "schemas": definitions,
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
    document.sort_all_objects();
    document
}

/// Where the API is. The document cannot know the address, so it is a variable.
fn server() -> Value {
    json!({
        "url": "{scheme}://{address}",
        "description": "A gateway.",
        "variables": {
            "scheme": {
                "default": "http",
                "enum": ["http", "https"],
                "description": "`https` with `listen.admin_tls`, or behind a proxy.",
            },
            "address": {
                "default": "127.0.0.1:7080",
                "description": "Host and port of `admin_listen`; in development mode those of the clients' port.",
            },
        },
    })
}

/// The tags of the operations, in their order.
fn tags(operations: &[Operation]) -> Vec<Value> {
    let mut tags = Vec::<Tag>::new();
    for operation in operations {
        if !tags.contains(&operation.tag) {
            tags.push(operation.tag);
        }
    }
    tags.iter().map(|tag| json!({ "name": tag.name, "description": tag.description })).collect()
}
