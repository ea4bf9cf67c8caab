//! Generates values that a JSON Schema allows, for the part of JSON Schema that this protocol uses.

use proptest::prelude::*;
use proptest::string::string_regex;
use serde_json::{Map, Value, json};

/// Arbitrary JSON, a few levels deep.
pub(crate) fn any_json() -> BoxedStrategy<Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    let tree = leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((any::<String>(), inner), 0..4)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    });
    tree.boxed()
}

/// Values that `schema` allows; `root` has the definitions it refers to.
pub(crate) fn values(schema: &Value, root: &Value) -> BoxedStrategy<Value> {
    if let Some(target) = schema["$ref"].as_str() {
        let name = target.trim_start_matches("#/$defs/");
        let definition = &root["$defs"][name];
        assert!(!definition.is_null(), "{target} is defined");
        return values(definition, root);
    }
    if let Some(word) = schema.get("const") {
        return Just(word.clone()).boxed();
    }
    if let Some(words) = schema["enum"].as_array() {
        return prop::sample::select(words.clone()).boxed();
    }
    if let Some(parts) = schema["allOf"].as_array() {
        let parts: Vec<_> = parts.iter().map(|part| values(part, root)).collect();
        return parts.prop_map(merged).boxed();
    }
    if schema["properties"].is_object() {
        return objects(schema, root);
    }
    if let Some(choices) = schema["oneOf"].as_array().or_else(|| schema["anyOf"].as_array()) {
        let choices: Vec<_> = choices.iter().map(|choice| values(choice, root)).collect();
        return one_of(choices);
    }
    match &schema["type"] {
        Value::Null => any_json(),
        Value::String(name) => of_type(name, schema, root),
        Value::Array(names) => {
            let names = names.iter().filter_map(Value::as_str);
            one_of(names.map(|name| of_type(name, schema, root)).collect())
        }
        other => panic!("no values for the type {other}"),
    }
}

fn one_of(choices: Vec<BoxedStrategy<Value>>) -> BoxedStrategy<Value> {
    proptest::strategy::Union::new(choices).boxed()
}

fn of_type(name: &str, schema: &Value, root: &Value) -> BoxedStrategy<Value> {
    match name {
        "null" => Just(Value::Null).boxed(),
        "boolean" => any::<bool>().prop_map(Value::from).boxed(),
        "object" => Just(json!({})).boxed(),
        "integer" => integers(schema),
        "string" => strings(schema),
        "array" => {
            let most = schema["maxItems"].as_u64().map_or(3, |most| most.min(3));
            let most = usize::try_from(most).expect("3 at most");
            prop::collection::vec(values(&schema["items"], root), 0..=most)
                .prop_map(Value::from)
                .boxed()
        }
        other => panic!("no values for the type {other}"),
    }
}

fn integers(schema: &Value) -> BoxedStrategy<Value> {
    let most = match schema["format"].as_str() {
        Some("uint16") => u64::from(u16::MAX),
        Some("uint32") => u64::from(u32::MAX),
        _ => u64::MAX,
    };
    let most = schema["maximum"].as_u64().unwrap_or(most);
    let least = schema["minimum"].as_u64().unwrap_or(0);
    prop_oneof![least..=most, Just(least), Just(most)].prop_map(Value::from).boxed()
}

fn strings(schema: &Value) -> BoxedStrategy<Value> {
    let least = schema["minLength"].as_u64().unwrap_or(0);
    // Longer texts add no coverage; the vectors test the bounds.
    let most = schema["maxLength"].as_u64().map_or(40, |most| most.min(least + 20));
    let pattern = match schema["pattern"].as_str() {
        Some(pattern) if pattern.ends_with("*$") => {
            let class = pattern.trim_start_matches('^').trim_end_matches("*$");
            // No control characters, and in normal form C, which a schema cannot express.
            let class = if class.starts_with("[^") { "[ -~éßæ漢字😀]" } else { class };
            format!("{class}{{{least},{most}}}")
        }
        Some(pattern) => pattern.trim_start_matches('^').trim_end_matches('$').to_owned(),
        None => format!(".{{{least},{most}}}"),
    };
    let excluded = schema["not"]["enum"].as_array().cloned().unwrap_or_default();
    let texts = string_regex(&pattern).expect("a pattern proptest knows").prop_map(Value::from);
    texts.prop_filter("excluded", move |text| !excluded.contains(text)).boxed()
}

fn objects(schema: &Value, root: &Value) -> BoxedStrategy<Value> {
    if let Some(excluded) = schema["not"]["required"].as_array() {
        let without = excluded.iter().map(|name| {
            with_required(schema, root, &schema["required"], std::slice::from_ref(name))
        });
        return one_of(without.collect());
    }
    match schema["oneOf"].as_array() {
        None => with_required(schema, root, &schema["required"], &[]),
        Some(choices) => {
            let names = |choice: &Value| choice["required"].as_array().cloned().unwrap_or_default();
            let every: Vec<_> = choices.iter().flat_map(names).collect();
            let variants = choices.iter().map(|choice| {
                let mut required = names(choice);
                let without: Vec<_> =
                    every.iter().filter(|name| !required.contains(name)).cloned().collect();
                required.extend(names(schema));
                with_required(schema, root, &Value::from(required), &without)
            });
            one_of(variants.collect())
        }
    }
}

/// Objects with all fields of `required`, none of `without`, and any other fields.
fn with_required(
    schema: &Value,
    root: &Value,
    required: &Value,
    without: &[Value],
) -> BoxedStrategy<Value> {
    let named = |list: &[Value], name: &str| list.iter().any(|known| known == name);
    let required = required.as_array().map_or(&[][..], Vec::as_slice);
    let properties = schema["properties"].as_object().expect("an object's schema");
    let fields = properties.iter().filter(|(name, _)| !named(without, name));
    let fields: Vec<_> = fields
        .map(|(name, field)| {
            let (name, value) = (name.clone(), values(field, root));
            if named(required, &name) {
                // `null` would count as absent where one of several fields is required.
                value
                    .prop_filter("null", |value| !value.is_null())
                    .prop_map(move |value| Some((name.clone(), value)))
                    .boxed()
            } else {
                prop::option::of(value.prop_map(move |value| (name.clone(), value))).boxed()
            }
        })
        .collect();
    fields.prop_map(|fields| Value::Object(fields.into_iter().flatten().collect())).boxed()
}

fn merged(parts: Vec<Value>) -> Value {
    let mut whole = Map::new();
    for part in parts {
        let Value::Object(part) = part else { panic!("only objects are joined: {part}") };
        whole.extend(part);
    }
    Value::Object(whole)
}
