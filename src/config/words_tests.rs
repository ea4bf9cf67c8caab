//! Values of every other type, at every key.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use super::Config;

/// A value of each type.
const VALUES: [&str; 9] =
    ["5", "-5", "1.5", "\"x\"", "true", "1979-05-27", "[5]", "[\"x\"]", "{ x = 5 }"];

/// Words of types that a reader of the file does not know.
const WORDS: [&str; 13] = [
    "struct",
    "enum",
    "variant",
    "sequence",
    "tuple",
    "map",
    "newtype",
    "u16",
    "u32",
    "u64",
    "usize",
    "path string",
    "string or table",
];

/// Adds the documents in which `value` is at each key below `node`; `wrap` makes a document of a value at `node`.
fn documents(
    schema: &Value,
    node: &Value,
    value: &str,
    wrap: &dyn Fn(String) -> String,
    made: &mut BTreeSet<String>,
) {
    let target = node.get("$ref").and_then(Value::as_str);
    let target = target.and_then(|target| schema.pointer(&target[1..]));
    let choices = ["anyOf", "oneOf", "allOf"].iter().filter_map(|key| node.get(key)?.as_array());
    for node in choices.flatten().chain(target) {
        documents(schema, node, value, wrap, made);
    }
    for (key, node) in node.get("properties").and_then(Value::as_object).into_iter().flatten() {
        let wrap = |value: String| wrap(format!("{{ {key} = {value} }}"));
        made.insert(wrap(value.to_owned()));
        documents(schema, node, value, &wrap, made);
    }
    if let Some(node) = node.get("items") {
        let wrap = |value: String| wrap(format!("[{value}]"));
        made.insert(wrap(value.to_owned()));
        documents(schema, node, value, &wrap, made);
    }
}

#[test]
fn values_of_another_type_are_reported_without_names_of_types() {
    let schema = Config::schema().to_value();
    let document = |table: String| table[1..table.len() - 1].trim().to_owned();
    let mut wrong = BTreeSet::new();
    let mut count = 0;
    for value in VALUES {
        let mut made = BTreeSet::new();
        documents(&schema, &schema, value, &document, &mut made);
        for text in made {
            let Err(errors) = Config::parse(Path::new("gateway.toml"), &text) else { continue };
            count += 1;
            let said = errors.to_string();
            for line in said.lines().filter(|line| WORDS.iter().any(|word| line.contains(word))) {
                wrong.insert(format!("{line}    ({text})"));
            }
        }
    }
    assert!(count > 1_000, "every key was set: {count}");
    assert!(wrong.is_empty(), "{wrong:#?}");
}
