//! The fields of log messages are in one list, which has none for a secret.

use std::path::{Path, PathBuf};

use stagedoor::telemetry::field;

const MACROS: &[&str] = &["error!(", "warn!(", "info!(", "debug!(", "trace!(", "span!("];

#[test]
fn every_field_of_the_log_is_in_the_list() {
    let mut seen = 0;
    for (file, text) in sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src")) {
        for fields in logged(&text) {
            seen += 1;
            for name in fields {
                assert!(
                    field::ALL.contains(&&*name),
                    "{}: `{name}` is not in the list of fields",
                    file.display()
                );
            }
        }
    }
    assert!(seen > 10, "the search found log lines");
}

#[test]
fn a_field_is_found_in_every_form() {
    let text = r#"
        tracing::warn!(%error, user = ?one(1, 2), secret, "said, {error}");
        tracing::debug!(
            app = &*attempt.app, session = %id,
            "said"
        );
        tracing::error_span!("request", request)
    "#;
    let found: Vec<_> = logged(text).collect();
    assert_eq!(found, [&["error", "user", "secret"][..], &["app", "session"], &["request"]]);
}

/// The field names of each log call in `text`.
fn logged(text: &str) -> impl Iterator<Item = Vec<String>> {
    text.match_indices("tracing::").filter_map(|(at, path)| {
        let call = &text[at + path.len()..];
        let open = call.find('(')? + 1;
        let is_log = MACROS.iter().any(|name| call[..open].ends_with(name));
        is_log.then(|| fields(&call[open..]))
    })
}

/// The field names in the arguments at the start of `text`.
fn fields(text: &str) -> Vec<String> {
    let (mut depth, mut is_text, mut argument, mut names) = (0, false, String::new(), Vec::new());
    for character in text.chars() {
        match character {
            '"' => is_text = !is_text,
            _ if is_text => continue,
            '(' | '[' | '{' => depth += 1,
            ')' if depth == 0 => break,
            ')' | ']' | '}' => depth -= 1,
            ',' if depth == 0 => names.push(std::mem::take(&mut argument)),
            _ => {}
        }
        argument.push(character);
    }
    names.push(argument);
    let name_of = |argument: String| {
        let argument = argument.trim_start_matches(',').trim().trim_start_matches(['%', '?']);
        let end = argument.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '.'));
        argument[..end.unwrap_or(argument.len())].to_owned()
    };
    names.into_iter().map(name_of).filter(|name| !name.is_empty()).collect()
}

fn sources(directory: &Path) -> Vec<(PathBuf, String)> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory).expect("it is a directory") {
        let path = entry.expect("it can be listed").path();
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push((path.clone(), std::fs::read_to_string(&path).expect("it is text")));
        }
    }
    files
}
