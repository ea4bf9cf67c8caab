//! The reference of every configuration key as Markdown, generated from the JSON Schema.
//!
//! `docs/configuration.md` ends with it, and a test compares the two. Tables and keys are in the schema's order, which
//! is alphabetical.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::diff::is_read_at_start;
use super::{Config, value};

/// The heading behind which the page is generated.
const HEADING: &str = "## Reference\n";
/// The columns of a table of keys.
const COLUMNS: &str = "| key | type | default | range | takes effect | meaning |\n\
                       | --- | --- | --- | --- | --- | --- |\n";

/// `page` up to and including its heading "Reference", followed by the reference of every key.
#[must_use]
pub fn with_reference(page: &str) -> String {
    let prose = page.split_once(HEADING).map_or(page, |(prose, _)| prose);
    let schema = Config::schema().to_value();
    let mut reference = Reference { schema: &schema, text: format!("{prose}{HEADING}") };
    reference.tables_in("", &schema);
    reference.text
}

struct Reference<'a> {
    schema: &'a Value,
    text: String,
}

impl<'a> Reference<'a> {
    /// Describes every table directly below the one at `path`, each followed by the tables below it.
    fn tables_in(&mut self, path: &str, table: &'a Value) {
        for (name, property) in properties(table) {
            let dot = if path.is_empty() { "" } else { "." };
            let path = format!("{path}{dot}{name}");
            if let Some(inner) = self.table(property) {
                let is_required = is_required(name, property, table);
                self.describe(&path, property, inner, is_required);
                self.tables_in(&path, inner);
            }
        }
    }

    fn describe(&mut self, path: &str, property: &'a Value, table: &'a Value, is_required: bool) {
        let is_list = self.resolve(property)["type"] == "array";
        let heading = if is_list { format!("[[{path}]]") } else { format!("[{path}]") };
        write!(self.text, "\n### `{heading}`\n\n").expect("writing to a string cannot fail");
        let required = if is_required { " Required." } else { "" };
        let text = Some(description(property)).filter(|text| !text.is_empty());
        let text = text.unwrap_or_else(|| description(table));
        writeln!(self.text, "{text}{required}").expect("writing to a string cannot fail");
        let rows: String = properties(table)
            .filter(|(_, property)| self.table(property).is_none())
            .map(|(name, property)| self.row(path, name, property, table))
            .collect();
        if !rows.is_empty() {
            write!(self.text, "\n{COLUMNS}{rows}").expect("writing to a string cannot fail");
        }
    }

    fn row(&self, path: &str, name: &str, property: &'a Value, table: &Value) -> String {
        let default = match &property["default"] {
            _ if is_required(name, property, table) => "required".to_owned(),
            Value::Null => "–".to_owned(),
            default => format!("`{default}`"),
        };
        let key = format!("{path}.{name}");
        let effect = if needs_restart(&key) { "restart" } else { "reload" };
        let (kind, range) = (self.kind(property), self.range(property));
        let meaning = description(property) + &self.meanings(property);
        format!("| `{name}` | {kind} | {default} | {range} | {effect} | {meaning} |\n")
    }

    /// The type of a value in the file.
    fn kind(&self, property: &'a Value) -> String {
        let schema = self.resolve(property);
        if is_secret(schema) {
            return "secret".to_owned();
        }
        match schema["type"].as_str() {
            Some("array") => format!("list of {}s", self.kind(&schema["items"])),
            Some("object") => "table".to_owned(),
            Some("string") if schema["$comment"].is_string() => "duration".to_owned(),
            Some(kind) => kind.to_owned(),
            None if schema["anyOf"].is_array() => "size".to_owned(),
            None => "string".to_owned(),
        }
    }

    /// The allowed values of a key.
    fn range(&self, property: &'a Value) -> String {
        let schema = self.resolve(property);
        let size = &schema["anyOf"][0];
        let variants = self.variants(property);
        if !variants.is_empty() {
            let names = variants.iter().map(|variant| format!("`{}`", text(&variant["const"])));
            return names.collect::<Vec<_>>().join(", ");
        }
        if let Some(range) = schema["$comment"].as_str() {
            return range.trim_start_matches("a duration from ").to_owned();
        }
        if let (Some(least), Some(most)) = (size["minimum"].as_u64(), size["maximum"].as_u64()) {
            let [least, most] =
                [least, most].map(|size| value::format_size(usize::try_from(size).unwrap_or(0)));
            return format!("{least} to {most}");
        }
        if let Some(least) = size["minLength"].as_u64() {
            return format!("at least {least} bytes");
        }
        match (&schema["minimum"], &schema["maximum"], &schema["minItems"], &schema["maxItems"]) {
            (Value::Number(least), Value::Number(most), _, _)
            | (_, _, Value::Number(least), Value::Number(most)) => format!("{least} to {most}"),
            _ => "–".to_owned(),
        }
    }

    /// What each variant of an enumeration means. The values of a table are explained at another key.
    fn meanings(&self, property: &'a Value) -> String {
        if self.resolve(property)["type"] == "object" {
            return String::new();
        }
        let meaning = |variant: &&Value| {
            format!(" `{}`: {}", text(&variant["const"]), lower_first(&description(variant)))
        };
        self.variants(property).iter().map(meaning).collect()
    }

    /// The variants of an enumeration, also of a table's values; empty for anything else.
    fn variants(&self, property: &'a Value) -> Vec<&'a Value> {
        let schema = self.resolve(property);
        let schema = match &schema["additionalProperties"] {
            Value::Object(_) => self.resolve(&schema["additionalProperties"]),
            _ => schema,
        };
        let choices = schema["oneOf"].as_array().into_iter().flatten();
        choices.filter(|choice| choice["const"].is_string()).collect()
    }

    /// The schema of `property` if it is a table, or of its entries if it is a list of tables.
    fn table(&self, property: &'a Value) -> Option<&'a Value> {
        let schema = self.resolve(property);
        let schema =
            if schema["type"] == "array" { self.resolve(&schema["items"]) } else { schema };
        properties(schema).next().is_some().then_some(schema)
    }

    /// `schema` itself, or the definition that it, or the alternative to `null`, refers to.
    fn resolve(&self, schema: &'a Value) -> &'a Value {
        let alternatives = schema["anyOf"].as_array().filter(|all| all.iter().any(is_null));
        let schema = match alternatives {
            Some(all) => all.iter().find(|schema| !is_null(schema)).unwrap_or(schema),
            None => schema,
        };
        match schema["$ref"].as_str() {
            Some(target) => &self.schema["$defs"][target.trim_start_matches("#/$defs/")],
            None => schema,
        }
    }
}

/// The properties of a table; of a choice between tables with one key each, those keys.
fn properties(schema: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let choices = schema["oneOf"].as_array().into_iter().flatten();
    let tables = std::iter::once(schema).chain(choices);
    let keys = tables.filter_map(|table| table["properties"].as_object()).flat_map(Map::iter);
    keys.map(|(name, property)| (name.as_str(), property))
}

/// Whether a table cannot be used without the key. A list item that the schema fills in may still need its id.
fn is_required(name: &str, property: &Value, table: &Value) -> bool {
    let required = table["required"].as_array().into_iter().flatten();
    property["default"] == "" || required.into_iter().any(|key| key == name)
}

/// Whether a change of the key needs a restart. A changed id is another app.
fn needs_restart(key: &str) -> bool {
    key == "apps.id" || is_read_at_start(key)
}

/// Whether `schema` is a secret: a string, or a table with a `file`.
fn is_secret(schema: &Value) -> bool {
    let choices = schema["anyOf"].as_array().into_iter().flatten();
    choices.into_iter().any(|choice| choice["properties"]["file"].is_object())
}

fn is_null(schema: &Value) -> bool {
    schema["type"] == "null"
}

fn description(schema: &Value) -> String {
    text(&schema["description"]).replace('\n', " ").replace('|', "\\|")
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn lower_first(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}
