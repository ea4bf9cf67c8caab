//! How one operation is told.

use std::any::type_name;
use std::collections::BTreeSet;

use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};
use stagedoor_proto::{RoomId, SessionId, StreamId, Username};

use super::body::Body;
use super::idempotency::INTERNAL;
use super::problem_responses::{REQUEST_ID, request_id};
use crate::http::host::FOREIGN_HOST;
use crate::http::problem::ProblemKind;

/// What the path gives to an example of a body, where it names a room.
const EXAMPLE_ROOM: &[(&str, &str)] = &[("room", "lobby")];

/// An operation's entry in the document, on its way there.
pub(super) struct Description<'a> {
    schemas: &'a mut SchemaGenerator,
    told: Value,
    /// How it may be refused.
    kinds: BTreeSet<ProblemKind>,
    has_store: bool,
    path_example: &'static [(&'static str, &'static str)],
}

impl<'a> Description<'a> {
    /// What the route itself tells: its path's parameters, and how it is refused.
    pub(super) fn new(
        schemas: &'a mut SchemaGenerator,
        path: &str,
        tag: &str,
        refused_as: Vec<ProblemKind>,
    ) -> Self {
        let names = path.split(['{', '}']).skip(1).step_by(2);
        let mut parameters: Vec<Value> = names.map(|name| in_path(name, schemas)).collect();
        parameters.push(json!({ "$ref": "#/components/parameters/request_id" }));
        let told = json!({ "tags": [tag], "parameters": parameters, "responses": {} });
        // What any call may meet, whatever it is.
        let mut kinds = BTreeSet::from([FOREIGN_HOST, ProblemKind::OVERLOADED]);
        kinds.extend(refused_as);
        let path_example = if path.contains("{room}") { EXAMPLE_ROOM } else { &[] };
        Self { schemas, told, kinds, has_store: true, path_example }
    }

    /// Its name for generated clients, and what it does.
    pub(super) fn named(mut self, id: &str, summary: &str) -> Self {
        self.told["operationId"] = id.into();
        self.told["summary"] = summary.into();
        self
    }

    /// Only the operator's key opens it.
    pub(super) fn for_operators(mut self) -> Self {
        self.told["security"] = json!([{ "operator": [] }]);
        self
    }

    /// It neither reads nor keeps anything durable.
    pub(super) fn without_store(self) -> Self {
        Self { has_store: false, ..self }
    }

    /// How it is refused beside by what it takes.
    pub(super) fn rejects(mut self, kinds: &[ProblemKind]) -> Self {
        self.kinds.extend(kinds);
        self
    }

    /// The query it takes: each field of `T` is a parameter.
    pub(super) fn query<T: JsonSchema>(mut self) -> Self {
        let schema = T::json_schema(self.schemas).to_value();
        let fields = schema["properties"].as_object().expect("a query is an object");
        for (name, schema) in fields {
            let mut schema = without_null(schema.clone());
            let description =
                schema.as_object_mut().and_then(|schema| schema.remove("description"));
            let parameter = json!({
                "name": name, "in": "query", "description": description, "schema": schema,
            });
            self.parameters().push(parameter);
        }
        self
    }

    /// The body it takes, with an example; and so that it changes something, and is done once for each `ref`.
    pub(super) fn body<B: Body>(mut self, example: &Value) -> Self {
        if let Err(error) = B::read(example, self.path_example) {
            unreachable!("the example of {} is none: {error}", type_name::<B>());
        }
        let schema = self.schemas.subschema_for::<B::Schema>();
        let content = json!({ "application/json": { "schema": schema, "example": example } });
        self.told["requestBody"] = json!({ "content": content });
        if is_needed(schema.as_value(), self.schemas.definitions()) {
            self.told["requestBody"]["required"] = true.into();
        }
        self.parameters().push(json!({ "$ref": "#/components/parameters/idempotency_key" }));
        self
    }

    /// What it answers with, with an example.
    pub(super) fn returns<T: JsonSchema>(self, status: u16, example: &Value) -> Self {
        let schema = self.schemas.subschema_for::<T>();
        let content = json!({ "application/json": { "schema": schema, "example": example } });
        self.answers(status, json!({ "description": "It is done.", "content": content }))
    }

    /// It answers with nothing but that it is done.
    pub(super) fn returns_nothing(self) -> Self {
        self.answers(204, json!({ "description": "It is done." }))
    }

    /// It answers with lines of JSON.
    pub(super) fn returns_lines(self) -> Self {
        let content = json!({ "application/x-ndjson": { "schema": { "type": "string" } } });
        let description = "A row a line, then a line with the head.";
        self.answers(200, json!({ "description": description, "content": content }))
    }

    /// The entry but for refusals, and these.
    pub(super) fn into_parts(mut self) -> (Value, BTreeSet<ProblemKind>) {
        if self.has_store {
            self.kinds.insert(ProblemKind::STORE_UNAVAILABLE);
            // What changes something durable is done by a task of its own.
            self.kinds.extend(self.told.get("requestBody").map(|_| INTERNAL));
        }
        (self.told, self.kinds)
    }

    fn answers(mut self, status: u16, mut answer: Value) -> Self {
        answer["headers"] = json!({ REQUEST_ID: request_id() });
        self.told["responses"][status.to_string()] = answer;
        self
    }

    fn parameters(&mut self) -> &mut Vec<Value> {
        self.told["parameters"].as_array_mut().expect("it was made as one")
    }
}

/// Whether a body of this schema must be sent: an empty one stands for `{}`, which it is not where it asks for a field,
/// itself or by each of its choices.
pub(super) fn is_needed(schema: &Value, definitions: &Map<String, Value>) -> bool {
    let of = |key: &str| schema.get(key).and_then(Value::as_array).filter(|of| !of.is_empty());
    let asks = |schema: &Value| is_needed(schema, definitions);
    let reference = schema.get("$ref").and_then(Value::as_str);
    let named = reference.and_then(|reference| reference.rsplit('/').next());
    of("required").is_some()
        || ["oneOf", "anyOf"].into_iter().filter_map(of).any(|choices| choices.iter().all(asks))
        || of("allOf").is_some_and(|parts| parts.iter().any(asks))
        || named.and_then(|name| definitions.get(name)).is_some_and(asks)
}

/// A parameter is there or not; it is never `null`.
fn without_null(mut schema: Value) -> Value {
    let null = json!("null");
    if let Some(kinds) = schema.get_mut("type").and_then(Value::as_array_mut) {
        kinds.retain(|kind| *kind != null);
        if let [kind] = &kinds[..] {
            schema["type"] = kind.clone();
        }
    }
    let choices = schema.get("anyOf").and_then(Value::as_array);
    let choice = choices.and_then(|choices| choices.iter().find(|choice| choice["type"] != null));
    match choice.cloned() {
        Some(mut choice) => {
            // What is said of the parameter stays.
            choice["description"] = schema["description"].clone();
            choice
        }
        None => schema,
    }
}

fn in_path(name: &str, schemas: &mut SchemaGenerator) -> Value {
    let schema = match name {
        "session" => schemas.subschema_for::<SessionId>(),
        "username" => schemas.subschema_for::<Username>(),
        "room" => schemas.subschema_for::<RoomId>(),
        "stream" => schemas.subschema_for::<StreamId>(),
        "app" => schemars::json_schema!({ "type": "string", "description": "The app's id." }),
        "number" => schemas.subschema_for::<u64>(),
        other => unreachable!("a path says {{{other}}}, which has no schema"),
    };
    json!({ "name": name, "in": "path", "required": true, "schema": schema })
}
