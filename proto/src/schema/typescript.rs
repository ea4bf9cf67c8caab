//! TypeScript declarations from the JSON Schema: an interface for each object, a union for each choice.
//!
//! It supports the part of JSON Schema that these messages use, and panics on anything else: it runs when the files
//! are generated and checked, never in the gateway.

use std::fmt::Write as _;

use serde_json::{Map, Value};

const HEADER: &str = "\
// Generated from the Rust types; do not edit. To generate it again:
//   cargo run -p stagedoor-proto --features schema --example generate
";

/// The declarations of every definition of `schema`, in the order of their names.
pub(super) fn declarations(schema: &Value) -> String {
    let mut out = HEADER.to_owned();
    for (name, definition) in schema["$defs"].as_object().expect("a schema has definitions") {
        out.push('\n');
        out.push_str(&doc(definition, ""));
        if has_properties(definition) {
            let fields = fields(definition, "");
            let _ = writeln!(out, "export interface {name} {fields}"); // Writing to a String cannot fail.
        } else {
            let _ = writeln!(out, "export type {name} ={};", after_equals(definition));
        }
    }
    out
}

/// A union has a line for each alternative; other types follow on the same line.
fn after_equals(schema: &Value) -> String {
    let Some(choices) = choices(schema) else { return format!(" {}", type_of(schema, "")) };
    let lines =
        choices.iter().map(|choice| format!("{}  | {}", doc(choice, "  "), type_of(choice, "  ")));
    format!("\n{}", lines.collect::<Vec<_>>().join("\n"))
}

fn type_of(schema: &Value, indent: &str) -> String {
    if let Some(target) = schema["$ref"].as_str() {
        return target.trim_start_matches("#/$defs/").to_owned();
    }
    if let Some(word) = schema.get("const") {
        return word.to_string();
    }
    if let Some(words) = schema["enum"].as_array() {
        return words.iter().map(Value::to_string).collect::<Vec<_>>().join(" | ");
    }
    if let Some(parts) = schema["allOf"].as_array() {
        return joined(parts, " & ", indent);
    }
    if has_properties(schema) {
        return fields(schema, indent);
    }
    if let Some(choices) = choices(schema) {
        return joined(choices, " | ", indent);
    }
    match &schema["type"] {
        Value::String(name) => named_type(name, schema, indent),
        Value::Array(names) => {
            let names = names.iter().map(|name| name.as_str().expect("types are named by texts"));
            names.map(|name| named_type(name, schema, indent)).collect::<Vec<_>>().join(" | ")
        }
        Value::Null => "unknown".to_owned(),
        other @ (Value::Bool(_) | Value::Number(_) | Value::Object(_)) => {
            panic!("no TypeScript for the type {other}")
        }
    }
}

fn named_type(name: &str, schema: &Value, indent: &str) -> String {
    match name {
        "string" | "boolean" | "null" => name.to_owned(),
        "integer" | "number" => "number".to_owned(),
        "object" => "Record<string, never>".to_owned(),
        "array" => format!("Array<{}>", type_of(&schema["items"], indent)),
        other => panic!("no TypeScript for the type {other}"),
    }
}

fn fields(schema: &Value, indent: &str) -> String {
    let properties = properties(schema).expect("only called for objects with fields");
    let inner = format!("{indent}  ");
    let required = schema["required"].as_array().map_or(&[][..], Vec::as_slice);
    let mut out = String::from("{\n");
    for (name, field) in properties {
        let mark = if required.iter().any(|known| known == name) { "" } else { "?" };
        if properties.len() == 1 && field["description"].is_null() {
            return format!("{{ {name}{mark}: {} }}", type_of(field, indent));
        }
        out.push_str(&doc(field, &inner));
        let _ = writeln!(out, "{inner}{name}{mark}: {};", type_of(field, &inner));
    }
    out + indent + "}"
}

fn properties(schema: &Value) -> Option<&Map<String, Value>> {
    schema["properties"].as_object().filter(|fields| !fields.is_empty())
}

fn has_properties(schema: &Value) -> bool {
    properties(schema).is_some()
}

fn choices(schema: &Value) -> Option<&[Value]> {
    schema["oneOf"].as_array().or_else(|| schema["anyOf"].as_array()).map(Vec::as_slice)
}

fn joined(parts: &[Value], with: &str, indent: &str) -> String {
    parts.iter().map(|part| type_of(part, indent)).collect::<Vec<_>>().join(with)
}

/// The description as a doc comment.
fn doc(schema: &Value, indent: &str) -> String {
    let Some(text) = schema["description"].as_str() else { return String::new() };
    if !text.contains('\n') {
        return format!("{indent}/** {text} */\n");
    }
    let mut out = format!("{indent}/**\n");
    for line in text.lines() {
        out.push_str(format!("{indent} * {line}").trim_end());
        out.push('\n');
    }
    out + indent + " */\n"
}
