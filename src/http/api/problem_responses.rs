//! How operations are refused: a response for each status, with the codes that come with it.
//!
//! Operations that are refused alike share a response, under a name made from its status and its codes.

use std::collections::{BTreeMap, BTreeSet};

use hyper::StatusCode;
use serde_json::{Map, Value, json};

use crate::http::problem::ProblemKind;

/// The header by which a call is known, in the document's spelling of [`crate::request::HEADER`].
pub(super) const REQUEST_ID: &str = "X-Request-Id";

/// That header, among those of a response.
pub(super) fn request_id() -> Value {
    json!({ "$ref": "#/components/headers/request_id" })
}

/// The responses that tell of problems, by name.
pub(super) struct ProblemResponses {
    /// The schema of a problem.
    problem: Value,
    responses: BTreeMap<String, Value>,
}

impl ProblemResponses {
    /// None yet.
    pub(super) fn new(problem: Value) -> Self {
        Self { problem, responses: BTreeMap::new() }
    }

    /// What stands among the responses of an operation that is refused so.
    pub(super) fn tell(&mut self, kinds: &BTreeSet<ProblemKind>) -> Map<String, Value> {
        let mut statuses = BTreeMap::<StatusCode, Vec<ProblemKind>>::new();
        for kind in kinds {
            statuses.entry(kind.status).or_default().push(*kind);
        }
        statuses
            .iter()
            .map(|(status, kinds)| (status.as_str().into(), self.name(*status, kinds)))
            .collect()
    }

    /// Those of all operations.
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
                    "description": "When to try again, in seconds from now.",
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
