//! The error for a text that could not be decoded, in words for the author of the text.
//!
//! serde says what it expected, but not in which field. Therefore the text is read again while tracking the path;
//! only rejected texts pay for it. Invariant: a message never repeats a value of the text, which may be a token.

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::InvalidText;

/// What is wrong with a text, and where.
pub(super) struct Fault {
    /// The path to the field at fault: `join.room`.
    pub(super) field: Option<String>,
    /// What was expected, starting with the field.
    pub(super) message: String,
    /// Whether the text has the form of a message, and one value breaks its rule.
    pub(super) is_value: bool,
}

/// Finds out why `text` is not a `T`, after decoding failed with `error`.
pub(super) fn find<'de, T: Deserialize<'de>>(text: &'de str, error: &serde_json::Error) -> Fault {
    if let Err(error) = serde_json::from_str::<IgnoredAny>(text) {
        let message = format!("not JSON: {error}");
        return Fault { field: None, message, is_value: false };
    }
    let mut reader = serde_json::Deserializer::from_str(text);
    let (path, complaint) = match serde_path_to_error::deserialize::<_, T>(&mut reader) {
        Err(found) => (found.path().to_string(), found.inner().to_string()),
        Ok(_) => (".".to_owned(), error.to_string()),
    };
    let complaint = complaint.rsplit_once(" at line ").map_or(&*complaint, |(words, _)| words);
    let path = if path == "." { "" } else { &*path };
    reword(path, complaint)
}

/// Rewords serde's error about the value at `path`.
fn reword(path: &str, complaint: &str) -> Fault {
    let named = |intro| complaint.strip_prefix(intro)?.strip_suffix('`');
    if let Some(name) = named("missing field `") {
        let field = below(path, name);
        let message = format!("`{field}` is missing");
        return Fault { message, field: Some(field), is_value: false };
    }
    if let Some(name) = named("duplicate field `") {
        // The path may already end in the second occurrence.
        let field = if path == name { name.to_owned() } else { below(path, name) };
        let message = format!("`{field}` occurs twice");
        return Fault { message, field: Some(field), is_value: false };
    }
    let words = match expectation(complaint) {
        Some(expected) => expected,
        None if complaint.starts_with("expected ") => "expected one of its forms".to_owned(),
        None => complaint.to_owned(),
    };
    let is_value = InvalidText::is_described_by(complaint);
    if path.is_empty() {
        Fault { field: None, message: words, is_value }
    } else {
        Fault { message: format!("`{path}`: {words}"), field: Some(path.to_owned()), is_value }
    }
}

/// What serde expected instead of a value, in words that need no Rust, from its complaint. `None` if it does not say.
///
/// The value is left out: it may be a token.
#[must_use]
pub fn expectation(complaint: &str) -> Option<String> {
    let (complaint, _) = complaint.rsplit_once(" at line ").unwrap_or((complaint, ""));
    let (_, expected) = complaint.rsplit_once(", expected ")?;
    Some(format!("expected {}", type_in_words(expected)))
}

fn below(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// serde's name of a type, in words that need no Rust.
#[must_use]
pub fn type_in_words(expected: &str) -> &str {
    match expected {
        "u16" => "an integer from 0 to 65535",
        "u32" => "an integer from 0 to 4294967295",
        "u64" => "an integer from 0 to 18446744073709551615",
        "a sequence" => "an array",
        "a boolean" => "true or false",
        "a JSON object" => "an object",
        _ if expected.starts_with("struct ") => "an object",
        _ => expected,
    }
}
