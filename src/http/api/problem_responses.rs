//! Problem responses of operations: one per status, with its codes.
//!
//! Operations with the same problems share a response, named after its status and codes.

use std::collections::{BTreeMap, BTreeSet};

use hyper::StatusCode;
use serde_json::{Map, Value, json};

use crate::http::problem::ProblemKind;

/// The request id header, in the spelling of the document; see [`crate::request::HEADER`].
pub(super) const REQUEST_ID: &str = "X-Request-Id";

/// A reference to that header.
pub(super) fn request_id() -> Value {
    json!({ "$ref": "#/components/headers/request_id" })
}

/// Problem responses by name.
pub(super) struct ProblemResponses {
    /// The schema of a problem.
    problem: Value,
    responses: BTreeMap<String, Value>,
}

impl ProblemResponses {
    pub(super) fn new(problem: Value) -> Self {
        Self { problem, responses: BTreeMap::new() }
    }

    /// The responses of an operation with these problems.
    pub(super) fn describe(&mut self, kinds: &BTreeSet<ProblemKind>) -> Map<String, Value> {
        let mut statuses = BTreeMap::<StatusCode, Vec<ProblemKind>>::new();
        for kind in kinds {
            statuses.entry(kind.status).or_default().push(*kind);
        }
        statuses
            .iter()
            .map(|(status, kinds)| (status.as_str().into(), self.name(*status, kinds)))
            .collect()
    }

    /// The responses of all operations.
    pub(super) fn into_responses(self) -> BTreeMap<String, Value> {
        self.responses
    }

    fn name(&mut self, status: StatusCode, kinds: &[ProblemKind]) -> Value {
        let codes: Vec<&str> = kinds.iter().map(|kind| kind.code).collect();
        let name = format!("{}.{}", status.as_str(), codes.join("."));
        let reference = json!({ "$ref": format!("#/components/responses/{name}") });
        let problem = &self.problem;
        self.responses.entry(name).or_insert_with(|| {
            let properties =
                json!({ "status": { "const": status.as_u16() }, "code": { "enum": codes } });
            let schema = json!({ "allOf": [problem, { "properties": properties }] });
            let title = status.canonical_reason().unwrap_or("Refused");
            let mut headers = json!({ REQUEST_ID: request_id() });
            if kinds.iter().any(|kind| kind.passes) {
                headers["Retry-After"] = json!({
                    "description": "Seconds until the call can be retried.",
                    "required": kinds.iter().all(|kind| kind.passes),
                    "schema": { "type": "integer", "minimum": 1 },
                });
            }
            json!({
                "description": format!("{title}: `{}`.", codes.join("`, `")),
                "headers": headers,
                "content": { "application/problem+json": { "schema": schema } },
            })
        });
        reference
    }
}
