//! Values of every other type, at every key.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use super::Config;
use super::schema::expand;

/// Values of each type.
const VALUES: [&str; 12] = [
    "5",
    "-5",
    "1.5",
    "\"x\"",
    "true",
    "1979-05-27",
    "[5]",
    "[\"x\"]",
    "{}",
    "{ x = 5 }",
    "{ x = 5, y = 5 }",
    "{ local = 5 }",
];

/// Words of types that a reader of the file does not know.
const WORDS: [&str; 16] = [
    "struct",
    "enum",
    "variant",
    "sequence",
    "tuple",
    "map",
    "newtype",
    "element",
    "u16",
    "u32",
    "u64",
    "usize",
    "path string",
    "string or table",
    "found expected",
    "a valid value",
];

/// Adds the documents in which `value` is at each key below `node`; `wrap` makes a document of a value at `node`.
fn documents(
    schema: &Value,
    node: &Value,
    value: &str,
    wrap: &dyn Fn(String) -> String,
    made: &mut BTreeSet<String>,
) {
    let mut nodes = Vec::new();
    expand(schema, node, &mut nodes);
    for node in nodes {
        let keys = node.get("properties").and_then(Value::as_object).into_iter().flatten();
        let keys = keys.map(|(key, node)| (format!("{{ {key} = "), node, " }"));
        // The keys of a table such as `default_rooms` are the operator's.
        let own = node.get("additionalProperties").filter(|node| node.is_object());
        let own = own.map(|node| ("{ a = ".to_owned(), node, " }"));
        let items = node.get("items").map(|node| ("[".to_owned(), node, "]"));
        for (before, node, after) in keys.chain(own).chain(items) {
            let wrap = |value: String| wrap(format!("{before}{value}{after}"));
            made.insert(wrap(value.to_owned()));
            documents(schema, node, value, &wrap, made);
        }
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
