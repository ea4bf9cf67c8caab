//! Tests that the files in `schema/` match the Rust types.

use stagedoor_proto::{Command, Push, Reply, schema};

const REMEDY: &str = "cargo run -p stagedoor-proto --features schema --example generate";

#[test]
fn the_checked_in_json_schema_is_what_the_types_generate() {
    let checked_in = include_str!("../schema/stagedoor.v1.schema.json");
    assert!(checked_in == schema::json_schema_text(), "the JSON Schema is stale; run: {REMEDY}");
}

#[test]
fn the_checked_in_typescript_is_what_the_types_generate() {
    let checked_in = include_str!("../schema/stagedoor.v1.d.ts");
    assert!(checked_in == schema::typescript_text(), "the TypeScript is stale; run: {REMEDY}");
}

#[test]
fn the_schema_has_every_command_reply_and_push() {
    let schema = schema::json_schema();
    for (definition, names) in
        [("Command", Command::NAMES), ("Reply", Reply::NAMES), ("Push", Push::NAMES)]
    {
        let alternatives = schema["$defs"][definition]["oneOf"].as_array().expect("a choice");
        for name in names {
            let is_there = |choice: &serde_json::Value| choice["required"][0] == *name;
            assert!(alternatives.iter().any(is_there), "{definition} has no `{name}`");
        }
        assert_eq!(alternatives.len(), names.len(), "{definition}");
    }
}
