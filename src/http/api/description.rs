//! The `OpenAPI` description of one operation.

use std::any::type_name;
use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde_json::{Map, Value, json};
use stagedoor_proto::{RoomId, SessionId, StreamId, Username};

use super::body::Body;
use super::idempotency::INTERNAL;
use super::portable;
use super::problem_responses::{REQUEST_ID, request_id};
use super::schemas::Schemas;
use super::tags::Tag;
use crate::http::host::FOREIGN_HOST;
use crate::http::problem::ProblemKind;

/// The path parameters for an example body of an operation in a room.
const EXAMPLE_ROOM: &[(&str, &str)] = &[("room", "lobby")];

/// An operation object under construction.
pub(super) struct Description<'a> {
    schemas: &'a mut Schemas,
    object: Value,
    /// The problems that it returns.
    kinds: BTreeSet<ProblemKind>,
    has_store: bool,
    path_example: &'static [(&'static str, &'static str)],
}

impl<'a> Description<'a> {
    /// The parts that follow from the route: path parameters and problems.
    pub(super) fn new(
        schemas: &'a mut Schemas,
        path: &str,
        tag: Tag,
        refused_as: Vec<ProblemKind>,
    ) -> Self {
        let names = path.split(['{', '}']).skip(1).step_by(2);
        let mut parameters: Vec<Value> = names.map(|name| in_path(name, schemas)).collect();
        parameters.push(json!({ "$ref": "#/components/parameters/request_id" }));
        let object = json!({ "tags": [tag.name], "parameters": parameters, "responses": {} });
        // Every call can return these.
        let mut kinds = BTreeSet::from([FOREIGN_HOST, ProblemKind::OVERLOADED]);
        kinds.extend(refused_as);
        let path_example = if path.contains("{room}") { EXAMPLE_ROOM } else { &[] };
        Self { schemas, object, kinds, has_store: true, path_example }
    }

    /// Sets the operation id, used by generated clients, and the summary.
    pub(super) fn named(mut self, id: &str, summary: &str) -> Self {
        self.object["operationId"] = id.into();
        self.object["summary"] = summary.into();
        self
    }

    /// Sets what the summary leaves open.
    pub(super) fn describe(mut self, text: &str) -> Self {
        self.object["description"] = text.into();
        self
    }

    /// Requires the operator key.
    pub(super) fn for_operators(mut self) -> Self {
        self.object["security"] = json!([{ "operator": [] }]);
        self
    }

    /// Declares that the operation does not use the store.
    pub(super) fn without_store(self) -> Self {
        Self { has_store: false, ..self }
    }

    /// Adds problems that do not follow from the handler's parameters.
    pub(super) fn rejects(mut self, kinds: &[ProblemKind]) -> Self {
        self.kinds.extend(kinds);
        self
    }

    /// Sets the query: each field of `T` is a parameter.
    pub(super) fn query<T: JsonSchema>(mut self) -> Self {
        let schema = T::json_schema(&mut self.schemas.requests).to_value();
        let fields = schema["properties"].as_object().expect("a query is an object");
        for (name, schema) in fields {
            let mut schema = schema.clone();
            portable::simplify(&mut schema);
            let description =
                schema.as_object_mut().and_then(|schema| schema.remove("description"));
            let parameter = json!({
                "name": name, "in": "query", "description": description, "schema": schema,
            });
            self.parameters().push(parameter);
        }
        self
    }

    /// Sets the body with an example, and marks the operation as a change with an idempotency key.
    pub(super) fn body<B: Body>(mut self, example: &Value) -> Self {
        if let Err(error) = B::read(example, self.path_example) {
            unreachable!("invalid example of {}: {error}", type_name::<B>());
        }
        let schema = self.schemas.requests.subschema_for::<B::Schema>();
        let content = json!({ "application/json": { "schema": schema, "example": example } });
        self.object["requestBody"] = json!({ "content": content });
        if is_body_required(schema.as_value(), self.schemas.requests.definitions()) {
            self.object["requestBody"]["required"] = true.into();
        }
        self.parameters().push(json!({ "$ref": "#/components/parameters/idempotency_key" }));
        self
    }

    /// Sets the answer with an example.
    pub(super) fn returns<T: JsonSchema>(self, status: u16, example: &Value) -> Self {
        let schema = self.schemas.responses.subschema_for::<T>();
        let content = json!({ "application/json": { "schema": schema, "example": example } });
        self.answers(status, json!({ "description": "Success.", "content": content }))
    }

    /// Sets an empty answer.
    pub(super) fn returns_nothing(self) -> Self {
        self.answers(204, json!({ "description": "Success." }))
    }

    /// Sets an answer of JSON lines in one of these media types.
    pub(super) fn returns_lines(self, media_types: &[&str]) -> Self {
        let schema = json!({ "schema": { "type": "string" } });
        let content: Map<_, _> =
            media_types.iter().map(|name| ((*name).to_owned(), schema.clone())).collect();
        let description = "One row per line, then a line with the chain head.";
        self.answers(200, json!({ "description": description, "content": content }))
    }

    /// The operation object without its problem responses, and the problems.
    pub(super) fn into_parts(mut self) -> (Value, BTreeSet<ProblemKind>) {
        if self.has_store {
            self.kinds.insert(ProblemKind::STORE_UNAVAILABLE);
            // Changes run on a task of their own.
            self.kinds.extend(self.object.get("requestBody").map(|_| INTERNAL));
        }
        (self.object, self.kinds)
    }

    fn answers(mut self, status: u16, mut answer: Value) -> Self {
        answer["headers"] = json!({ REQUEST_ID: request_id() });
        self.object["responses"][status.to_string()] = answer;
        self
    }

    fn parameters(&mut self) -> &mut Vec<Value> {
        self.object["parameters"].as_array_mut().expect("created as an array")
    }
}

/// Whether a body of this schema is required. An empty body means `{}`, which is invalid if the schema, or each of its
/// alternatives, requires a field.
pub(super) fn is_body_required(schema: &Value, definitions: &Map<String, Value>) -> bool {
    let of = |key: &str| schema.get(key).and_then(Value::as_array).filter(|of| !of.is_empty());
    let requires_field = |schema: &Value| is_body_required(schema, definitions);
    let reference = schema.get("$ref").and_then(Value::as_str);
    let named = reference.and_then(|reference| reference.rsplit('/').next());
    of("required").is_some()
        || ["oneOf", "anyOf"]
            .into_iter()
            .filter_map(of)
            .any(|choices| choices.iter().all(requires_field))
        || of("allOf").is_some_and(|parts| parts.iter().any(requires_field))
        || named.and_then(|name| definitions.get(name)).is_some_and(requires_field)
}

/// A path parameter, named in the path of the operation.
fn in_path(name: &str, schemas: &mut Schemas) -> Value {
    let requests = &mut schemas.requests;
    let (schema, description) = match name {
        "session" => (requests.subschema_for::<SessionId>(), "Session id."),
        "username" => (requests.subschema_for::<Username>(), "Username, percent-encoded."),
        "room" => (requests.subschema_for::<RoomId>(), "Room id."),
        "stream" => (requests.subschema_for::<StreamId>(), "Stream id."),
        "app" => (schemars::json_schema!({ "type": "string" }), "App id."),
        "number" => (requests.subschema_for::<u64>(), "Number of the dead letter."),
        other => unreachable!("path parameter {{{other}}} has no schema"),
    };
    json!({
        "name": name, "in": "path", "required": true, "description": description, "schema": schema,
    })
}
