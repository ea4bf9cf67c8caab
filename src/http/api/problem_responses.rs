//! Problem responses of operations: one per status, with its codes.
//!
//! Operations with the same problems share a response, named after its status and codes. All have one schema, because
//! generators cannot merge a schema with the codes of a status; these are in `x-codes`.

use std::collections::{BTreeMap, BTreeSet};

use hyper::StatusCode;
use serde_json::{Map, Value, json};

use crate::http::problem::{Problem, ProblemKind};

/// The request id header, in the spelling of the document; see [`crate::request::HEADER`].
pub(super) const REQUEST_ID: &str = "X-Request-Id";
/// The text of examples.
const DETAIL: &str = "what was found, and what was expected";
/// The schema of problem codes.
pub(super) const CODES: &str = "ProblemCode";

/// A reference to that header.
pub(super) fn request_id() -> Value {
    json!({ "$ref": "#/components/headers/request_id" })
}

/// Problem responses by name.
pub(super) struct ProblemResponses {
    /// The schema of a problem.
    problem: Value,
    responses: BTreeMap<String, Value>,
    codes: BTreeSet<&'static str>,
}

impl ProblemResponses {
    pub(super) fn new(problem: Value) -> Self {
        Self { problem, responses: BTreeMap::new(), codes: BTreeSet::new() }
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

    /// The schema of the codes of all operations.
    pub(super) fn codes(&self) -> Value {
        let description = "What went wrong, for programs. A later version may have further codes.";
        json!({ "type": "string", "enum": self.codes, "description": description })
    }

    /// The responses of all operations.
    pub(super) fn into_responses(self) -> BTreeMap<String, Value> {
        self.responses
    }

    fn name(&mut self, status: StatusCode, kinds: &[ProblemKind]) -> Value {
        let codes: Vec<&str> = kinds.iter().map(|kind| kind.code).collect();
        let name = format!("{}.{}", status.as_str(), codes.join("."));
        let reference = json!({ "$ref": format!("#/components/responses/{name}") });
        self.codes.extend(&codes);
        let schema = &self.problem;
        self.responses.entry(name).or_insert_with(|| {
            let title = status.canonical_reason().unwrap_or("Error");
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
                "content": { "application/problem+json": {
                    "schema": schema,
                    "example": Problem::new(kinds[0], DETAIL),
                } },
                "x-codes": codes,
            })
        });
        reference
    }
}
