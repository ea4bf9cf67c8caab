//! Schemas in the part of JSON Schema that code generators support.
//!
//! An enum is a list of values, an absent field has no `null`, a type has a name, and a default is prose. Generators
//! drop or misread the other forms: `oneOf` of constants, `anyOf` with `null`, objects inside unions, alternatives of
//! required fields, and fields whose default makes them look always present. Invariant: a value that fits the original
//! schema, and that the gateway sends, fits the portable one.

use serde_json::{Map, Value, json};

/// Makes the component schemas portable and names the objects inside them.
pub(super) fn definitions(original: Map<String, Value>) -> Map<String, Value> {
    let mut named = Map::new();
    for (name, mut schema) in original {
        simplify(&mut schema);
        name_parts(&name, &mut schema, &mut named);
        insert(&mut named, name, schema);
    }
    named
}

/// Adds a definition. Two definitions of a name are equal, because a generator makes one type of them.
pub(super) fn insert(definitions: &mut Map<String, Value>, name: String, schema: Value) {
    if let Some(other) = definitions.get(&name).filter(|other| **other != schema) {
        unreachable!("two schemas are named {name}: {schema} and {other}");
    }
    definitions.insert(name, schema);
}

/// Rewrites a schema and the ones in it.
pub(super) fn simplify(schema: &mut Value) {
    if let Some(fields) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        fields.values_mut().for_each(describe_default);
    }
    children(schema).for_each(simplify);
    drop_null(schema);
    drop_required_alternatives(schema);
    list_strings(schema);
    bound_integers(schema);
    if schema["format"] == "uint" {
        // The registry of formats has only those with a size.
        schema["format"] = "uint64".into();
    }
}

/// The schemas directly inside a schema.
fn children(schema: &mut Value) -> impl Iterator<Item = &mut Value> {
    let fields = schema.as_object_mut().into_iter().flatten();
    fields.flat_map(|(key, value)| -> Box<dyn Iterator<Item = &mut Value>> {
        match (&**key, value) {
            ("properties", Value::Object(fields)) => Box::new(fields.values_mut()),
            ("oneOf" | "anyOf" | "allOf", Value::Array(choices)) => Box::new(choices.iter_mut()),
            ("items" | "additionalProperties", child @ Value::Object(_)) => {
                Box::new(std::iter::once(child))
            }
            _ => Box::new(std::iter::empty()),
        }
    })
}

/// Moves a field's default to its description: with a `default`, generated types have the field always.
fn describe_default(field: &mut Value) {
    let Some(default) = field.as_object_mut().and_then(|field| field.remove("default")) else {
        return;
    };
    let is_empty = default.as_object().is_some_and(Map::is_empty)
        || default.as_array().is_some_and(Vec::is_empty);
    if !is_empty {
        append(field, &format!("Default: `{default}`."), " ");
    }
}

/// Drops the `null` of an optional field. The gateway leaves such a field out.
fn drop_null(schema: &mut Value) {
    if let Some(types) = schema.get_mut("type").and_then(Value::as_array_mut) {
        types.retain(|name| name != "null");
        if let [only] = &types[..] {
            schema["type"] = only.clone();
        }
    }
    let Some(choices) = schema.get_mut("anyOf").and_then(Value::as_array_mut) else { return };
    choices.retain(|choice| choice["type"] != "null");
    if let [only] = &choices[..] {
        let only = only.clone();
        replace(schema, "anyOf", only);
    }
}

/// Drops alternatives that only require fields. The description says which fields go together.
fn drop_required_alternatives(schema: &mut Value) {
    let is_requirement = |choice: &Value| {
        choice.as_object().is_some_and(|fields| fields.keys().all(|key| key == "required"))
    };
    let choices = schema.get("oneOf").and_then(Value::as_array);
    if choices.is_some_and(|choices| choices.iter().all(is_requirement)) {
        schema.as_object_mut().expect("it has a field").remove("oneOf");
    }
}

/// Makes one enum of the alternatives that are constant strings.
fn list_strings(schema: &mut Value) {
    let Some(key) = union_of(schema) else { return };
    let choices = schema[key].as_array_mut().expect("a union is an array");
    let (mut values, mut lines, mut others) = (Vec::new(), Vec::new(), Vec::new());
    for choice in choices.drain(..) {
        let strings = strings_of(&choice);
        lines.extend(strings.iter().filter_map(|value| line_of(value, &choice)));
        if strings.is_empty() {
            others.push(choice);
        } else {
            values.extend(strings);
        }
    }
    if values.is_empty() {
        schema[key] = others.into();
        return;
    }
    let mut list = json!({ "type": "string", "enum": values });
    if others.is_empty() {
        replace(schema, key, list);
        append(schema, &lines.join("\n"), "\n\n");
    } else {
        append(&mut list, &lines.join("\n"), "");
        others.push(list);
        schema[key] = others.into();
    }
}

fn strings_of(choice: &Value) -> Vec<Value> {
    let constant = choice.get("const").filter(|value| value.is_string());
    let list = choice.get("enum").and_then(Value::as_array);
    constant.into_iter().chain(list.into_iter().flatten()).cloned().collect()
}

/// Makes one bounded integer of alternatives that are all integers, constant or in a range.
fn bound_integers(schema: &mut Value) {
    let Some(key) = union_of(schema) else { return };
    let choices = schema[key].as_array().expect("a union is an array");
    let bounds = |choice: &Value| {
        let bound = |key| choice.get("const").or_else(|| choice.get(key)).and_then(Value::as_u64);
        Some((bound("minimum")?, bound("maximum")?))
    };
    let Some(bounds) = choices.iter().map(bounds).collect::<Option<Vec<_>>>() else { return };
    let minimum = bounds.iter().map(|(minimum, _)| minimum).min();
    let maximum = bounds.iter().map(|(_, maximum)| maximum).max();
    let list = json!({ "type": "integer", "minimum": minimum, "maximum": maximum });
    let lines = choices.iter().filter_map(|choice| line_of(choice.get("const")?, choice));
    let lines: Vec<_> = lines.collect();
    replace(schema, key, list);
    append(schema, &lines.join("\n"), "\n\n");
}

fn union_of(schema: &Value) -> Option<&'static str> {
    ["oneOf", "anyOf"].into_iter().find(|key| schema.get(key).is_some())
}

/// A line of a list that explains the values of an enum.
fn line_of(value: &Value, choice: &Value) -> Option<String> {
    let text = choice.get("description")?.as_str()?;
    let name = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    Some(format!("- `{name}`: {}", text.replace('\n', " ")))
}

/// Replaces the union under `key` by `other`; the schema's own fields win.
fn replace(schema: &mut Value, key: &str, other: Value) {
    let fields = schema.as_object_mut().expect("it has a union");
    fields.remove(key);
    let Value::Object(other) = other else { return };
    for (key, value) in other {
        fields.entry(key).or_insert(value);
    }
}

/// Appends to the description.
fn append(schema: &mut Value, text: &str, separator: &str) {
    if text.is_empty() {
        return;
    }
    let description = match schema.get("description").and_then(Value::as_str) {
        Some(description) => format!("{description}{separator}{text}"),
        None => text.to_owned(),
    };
    schema["description"] = description.into();
}

/// Names the objects inside a schema, and the alternatives of a union, after the schema and the field.
fn name_parts(parent: &str, schema: &mut Value, named: &mut Map<String, Value>) {
    if let Some(fields) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        for (field, child) in fields {
            if is_object(child) {
                name_part(format!("{parent}{}", pascal(field)), child, named);
            }
        }
    }
    let Some(key) = union_of(schema) else { return };
    for choice in schema[key].as_array_mut().expect("a union is an array") {
        if let Some(suffix) = suffix_of(parent, choice) {
            name_part(format!("{parent}{}", pascal(&suffix)), choice, named);
        }
    }
}

/// What distinguishes an alternative of a union: its field or its value.
fn suffix_of(parent: &str, choice: &Value) -> Option<String> {
    if is_object(choice) {
        return choice["properties"].as_object()?.keys().next().cloned();
    }
    match choice.get("enum")?.as_array().map(Vec::as_slice) {
        Some([Value::String(only)]) => Some(only.clone()),
        _ => unreachable!("{parent} has several names beside objects"),
    }
}

fn name_part(name: String, schema: &mut Value, named: &mut Map<String, Value>) {
    name_parts(&name, schema, named);
    let reference = json!({ "$ref": format!("#/components/schemas/{name}") });
    insert(named, name, std::mem::replace(schema, reference));
}

fn is_object(schema: &Value) -> bool {
    schema
        .get("properties")
        .is_some_and(|fields| fields.as_object().is_some_and(|it| !it.is_empty()))
}

/// `elapsed_ms` as `ElapsedMs`.
fn pascal(name: &str) -> String {
    let capitalize = |word: &str| {
        let mut letters = word.chars();
        letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
    };
    name.split('_').map(capitalize).collect::<Vec<String>>().concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn simplified(mut schema: Value) -> Value {
        simplify(&mut schema);
        schema
    }

    #[test]
    fn constants_become_an_enum_with_its_values_described() {
        let kinds = json!({ "description": "A kind.", "oneOf": [
            { "type": "string", "const": "kick", "description": "By a\nmoderator." },
            { "type": "string", "enum": ["ban", "block"] },
        ] });
        let expected = json!({
            "type": "string", "enum": ["kick", "ban", "block"],
            "description": "A kind.\n\n- `kick`: By a moderator.",
        });
        assert_eq!(simplified(kinds), expected);
    }

    #[test]
    fn integers_become_a_range() {
        let codes = json!({ "description": "A code.", "anyOf": [
            { "const": 1000, "description": "normal" },
            { "type": "integer", "minimum": 4000, "maximum": 4599, "description": "later" },
        ] });
        let expected = json!({
            "type": "integer", "minimum": 1000, "maximum": 4599,
            "description": "A code.\n\n- `1000`: normal",
        });
        assert_eq!(simplified(codes), expected);
    }

    #[test]
    fn optional_field_has_no_null_and_no_default() {
        let object = json!({ "type": "object", "properties": {
            "name": { "type": ["string", "null"] },
            "until": { "description": "The end.", "anyOf": [{ "$ref": "#/T" }, { "type": "null" }] },
            "lock": { "type": "boolean", "default": false, "description": "Whether it holds." },
            "settings": { "$ref": "#/S", "default": {} },
        } });
        let expected = json!({ "type": "object", "properties": {
            "name": { "type": "string" },
            "until": { "description": "The end.", "$ref": "#/T" },
            "lock": { "type": "boolean", "description": "Whether it holds. Default: `false`." },
            "settings": { "$ref": "#/S" },
        } });
        assert_eq!(simplified(object), expected);
    }

    #[test]
    fn alternatives_of_required_fields_are_dropped() {
        let target = json!({
            "properties": { "a": {}, "b": {} }, "oneOf": [{ "required": ["a"] }, { "required": ["b"] }],
        });
        assert_eq!(simplified(target), json!({ "properties": { "a": {}, "b": {} } }));
    }

    #[test]
    fn objects_inside_a_schema_get_names() {
        let outcome = json!({ "oneOf": [
            { "type": "object", "properties": {
                "denied": { "type": "object", "properties": { "times": { "type": "integer" } } },
            } },
            { "type": "string", "const": "done" },
        ] });
        let named = definitions(Map::from_iter([("Outcome".to_owned(), outcome)]));
        let reference = |name: &str| json!({ "$ref": format!("#/components/schemas/{name}") });
        let expected = json!({
            "Outcome": { "oneOf": [reference("OutcomeDenied"), reference("OutcomeDone")] },
            "OutcomeDenied": {
                "type": "object", "properties": { "denied": reference("OutcomeDeniedDenied") },
            },
            "OutcomeDeniedDenied": {
                "type": "object", "properties": { "times": { "type": "integer" } },
            },
            "OutcomeDone": { "type": "string", "enum": ["done"] },
        });
        assert_eq!(Value::Object(named), expected);
    }
}
