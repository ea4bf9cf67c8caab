//! TypeScript declarations from the JSON Schema: an interface for each object, a union for each choice.
//!
//! What a client sends has exclusive choices: two commands in one message, or two targets of a command, do not compile.
//! What it receives has plain unions, which `in` narrows.
//!
//! It supports the part of JSON Schema that these messages use, and panics on anything else: it runs when the files
//! are generated and checked, never in the gateway.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::{Map, Value};

const HEADER: &str = "\
// Generated from the Rust types; do not edit. To generate it again:
//   cargo run -p stagedoor-proto --features schema --example generate

/** Exactly one of the fields of `T`. */
type ExactlyOne<T> = {
  [K in keyof T]: { [P in K]: T[P] } & { [P in Exclude<keyof T, K>]?: never };
}[keyof T];

/** None of the fields of `T`. */
type NoneOf<T> = { [K in keyof T]?: never };
";

/// The definition of everything that a client sends.
const SENT: &str = "ClientMessage";

/// The declarations of every definition of `schema`, in the order of their names.
pub(super) fn declarations(schema: &Value) -> String {
    let mut out = HEADER.to_owned();
    let sent = reachable(schema, SENT);
    for (name, definition) in schema["$defs"].as_object().expect("a schema has definitions") {
        out.push('\n');
        out.push_str(&doc(definition, ""));
        if let Some(exclusive) = exclusive(definition).filter(|_| sent.contains(name.as_str())) {
            let _ = writeln!(out, "export type {name} = {exclusive};");
        } else if has_properties(definition) {
            let fields = fields(definition, "");
            let _ = writeln!(out, "export interface {name} {fields}"); // Writing to a String cannot fail.
        } else {
            let _ = writeln!(out, "export type {name} ={};", after_equals(definition));
        }
    }
    out
}

/// The names of the definitions that `from` refers to, directly or not, and its own.
fn reachable<'a>(schema: &'a Value, from: &'a str) -> BTreeSet<&'a str> {
    let (mut found, mut open) = (BTreeSet::new(), vec![from]);
    while let Some(name) = open.pop() {
        if found.insert(name) {
            refs(&schema["$defs"][name], &mut open);
        }
    }
    found
}

fn refs<'a>(schema: &'a Value, out: &mut Vec<&'a str>) {
    match schema {
        Value::Object(fields) => {
            out.extend(schema["$ref"].as_str().map(target));
            fields.values().for_each(|field| refs(field, out));
        }
        Value::Array(items) => items.iter().for_each(|item| refs(item, out)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn target(reference: &str) -> &str {
    reference.trim_start_matches("#/$defs/")
}

/// The type of a definition with alternatives that exclude each other; `None` if it has none.
fn exclusive(schema: &Value) -> Option<String> {
    if has_properties(schema) {
        return with_alternatives(schema);
    }
    let choices = schema["oneOf"].as_array()?;
    let is_tagged = |choice: &Value| properties(choice).is_some_and(|fields| fields.len() == 1);
    if choices.iter().all(is_tagged) {
        return Some(one_of_fields(choices));
    }
    choices.iter().any(has_properties).then(|| exclusive_union(choices))
}

/// One field of several, each with the description of its alternative.
fn one_of_fields(choices: &[Value]) -> String {
    let mut out = String::from("ExactlyOne<{\n");
    for choice in choices {
        let (name, field) =
            properties(choice).and_then(|fields| fields.iter().next()).expect("it has one field");
        out.push_str(&doc(choice, "  "));
        let _ = writeln!(out, "  {name}: {};", type_of(field, "  "));
    }
    out + "}>"
}

/// Alternatives with fields of their own, or with those of other definitions: each excludes the fields of the others.
fn exclusive_union(choices: &[Value]) -> String {
    let parts =
        |choice: &Value| choice["allOf"].as_array().cloned().unwrap_or(vec![choice.clone()]);
    let lines = choices.iter().map(|choice| {
        let mut line = format!("{}  | {}", doc(choice, "  "), type_of(choice, "  "));
        for other in choices.iter().filter(|other| *other != choice).flat_map(parts) {
            if let Some(name) = other["$ref"].as_str() {
                let _ = write!(line, " & NoneOf<{}>", target(name));
            }
            for name in properties(&other).into_iter().flat_map(Map::keys) {
                let _ = write!(line, " & {{ {name}?: never }}");
            }
        }
        line
    });
    format!("\n{}", lines.collect::<Vec<_>>().join("\n"))
}

/// An object of which exactly one set of fields is required, or two fields exclude each other.
fn with_alternatives(schema: &Value) -> Option<String> {
    let names = |required: &Value| -> Vec<String> {
        let names = required.as_array().map_or(&[][..], Vec::as_slice);
        names.iter().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let (sets, is_required): (Vec<_>, _) = if let Some(choices) = schema["oneOf"].as_array() {
        (choices.iter().map(|choice| names(&choice["required"])).collect(), true)
    } else {
        let excluded = names(&schema["not"]["required"]);
        (excluded.into_iter().map(|name| vec![name]).collect(), false)
    };
    let all: BTreeSet<&String> = sets.iter().flatten().collect();
    if all.is_empty() {
        return None;
    }
    let fields_of = properties(schema)?;
    let mut common = schema.clone();
    let kept = fields_of.iter().filter(|(name, _)| !all.contains(name));
    common["properties"] = kept.map(|(name, field)| (name.clone(), field.clone())).collect();
    let mut out = if has_properties(&common) { fields(&common, "") + " & (" } else { "(".into() };
    for set in &sets {
        out.push_str("\n  | {\n");
        for name in set {
            let field = &fields_of[name];
            let (mark, kind) = (if is_required { "" } else { "?" }, type_of(field, "    "));
            let kind = if is_required { kind.trim_end_matches(" | null") } else { &kind };
            let _ = writeln!(out, "{}    {name}{mark}: {kind};", doc(field, "    "));
        }
        for name in all.iter().filter(|name| !set.contains(name)) {
            let _ = writeln!(out, "    {name}?: never;");
        }
        out.push_str("  }");
    }
    Some(out + "\n)")
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
        return self::target(target).to_owned();
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
