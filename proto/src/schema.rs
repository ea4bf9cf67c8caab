//! JSON Schema and TypeScript types of every message, for `schema/` and for checks of messages against it.
//!
//! The schema is generated from the Rust types, the TypeScript from the schema. Invariant: the output does not depend
//! on compiled features, because objects are sorted by key. Descriptions state what a schema cannot express: lengths in
//! bytes and normal forms. Not here: writing the files (`examples/generate.rs`).

mod typescript;

use std::borrow::Cow;

use schemars::generate::SchemaSettings;
use schemars::transform::{RecursiveTransform, Transform};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};

use crate::{ClientMessage, Command, Disconnect, Error, Pong, Push, Reply, ServerMessage};

/// The JSON Schema (draft 2020-12) of the messages of both sides.
#[must_use]
pub fn json_schema() -> Value {
    let mut generator = SchemaGenerator::from(SchemaSettings::draft2020_12());
    let client = generator.subschema_for::<ClientMessage>();
    let server = generator.subschema_for::<ServerMessage>();
    let mut schema = json_schema!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": crate::SUBPROTOCOL,
        "description": "Every message of the Stagedoor protocol, version 1.",
        "oneOf": [client, server],
        "$defs": generator.take_definitions(true),
    });
    RecursiveTransform(open).transform(&mut schema);
    let mut schema = schema.to_value();
    schema.sort_all_objects();
    schema
}

/// [`json_schema()`] as the text of a file.
#[must_use]
pub fn json_schema_text() -> String {
    format!("{:#}\n", json_schema())
}

/// The TypeScript declarations of all types in [`json_schema()`], as the text of a file.
#[must_use]
pub fn typescript_text() -> String {
    typescript::declarations(&json_schema())
}

/// Unknown fields are ignored, so no schema may forbid them.
fn open(schema: &mut Schema) {
    schema.remove("additionalProperties");
}

impl JsonSchema for ClientMessage {
    fn schema_name() -> Cow<'static, str> {
        "ClientMessage".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let request = object(&json!({ "id": request_id() }), &["id"]);
        json_schema!({
            "description": "What a client sends.",
            "oneOf": [
                {
                    "description": "A request; exactly one reply follows.",
                    "allOf": [request, generator.subschema_for::<Command>()],
                },
                described(
                    "The answer to a ping.",
                    object(&json!({ "pong": generator.subschema_for::<Pong>() }), &["pong"]),
                ),
            ],
        })
    }
}

impl JsonSchema for ServerMessage {
    fn schema_name() -> Cow<'static, str> {
        "ServerMessage".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let ok = generator.subschema_for::<Reply>();
        let error = generator.subschema_for::<Error>();
        let disconnect = generator.subschema_for::<Disconnect>();
        let reply = json!({ "id": request_id(), "seq": seq(), "ok": ok });
        let refusal = json!({ "id": request_id(), "seq": seq(), "error": error });
        let push = object(&json!({ "seq": seq() }), &["seq"]);
        json_schema!({
            "description": "What the gateway sends.",
            "oneOf": [
                described("The reply to a request.", object(&reply, &["id", "ok"])),
                described("The refusal of a request.", object(&refusal, &["id", "error"])),
                {
                    "description": "Something happened.",
                    "allOf": [push, generator.subschema_for::<Push>()],
                },
                described(
                    "Say that you are there.",
                    object(&json!({ "ping": { "type": "object" } }), &["ping"]),
                ),
                described(
                    "A close follows.",
                    object(&json!({ "disconnect": disconnect }), &["disconnect"]),
                ),
            ],
        })
    }
}

fn request_id() -> Value {
    json!({
        "description": "The request's number, picked by the client.",
        "type": "integer",
        "minimum": 0,
        "maximum": u32::MAX,
    })
}

fn seq() -> Value {
    json!({
        "description": "The frame's number in its session.",
        "type": "integer",
        "format": "uint64",
        "minimum": 0,
    })
}

fn object(properties: &Value, required: &[&str]) -> Value {
    json!({ "type": "object", "properties": properties, "required": required })
}

fn described(description: &str, mut schema: Value) -> Value {
    schema["description"] = description.into();
    schema
}
