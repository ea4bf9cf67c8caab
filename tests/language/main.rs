//! The repository uses standard terms: no word of `words.txt` in identifiers, messages, comments or prose.
//!
//! Every source and document is read as a stream of words, with identifiers split into theirs, so that one list covers
//! names, log messages, error texts, help texts, comments and docs. Superseded decision records are exempt.

mod files;
mod scan;

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;

use files::File;
use scan::{Phrase, find};

const WORDS: &str = include_str!("words.txt");
/// The longest line of a comment or of prose.
const MAX_COLUMNS: usize = 120;
/// The longest name of a test.
const MAX_TEST_NAME: usize = 60;

/// A place that breaks a rule: `problem` says what was found and what was expected.
struct Finding {
    path: PathBuf,
    line: usize,
    problem: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, line, problem } = self;
        write!(f, "{}:{line}: {problem}", path.display())
    }
}

#[test]
fn text_uses_standard_terms() {
    let phrases = Phrase::parse_list(WORDS);
    check(|file| {
        let hits = find(&file.text, &phrases);
        hits.map(|hit| (hit.line, format!("`{}`: write {}", hit.text, hit.phrase.suggestion)))
            .collect()
    });
}

#[test]
fn comments_and_prose_fit_into_120_columns() {
    check(|file| {
        let lines = file.prose().map(|(line, text)| (line, text.chars().count()));
        lines
            .filter(|(_, columns)| *columns > MAX_COLUMNS)
            .map(|(line, columns)| (line, format!("{columns} columns, at most {MAX_COLUMNS}")))
            .collect()
    });
}

#[test]
fn test_names_have_at_most_60_characters() {
    check(|file| {
        let names = file.test_names().map(|(line, name)| (line, name, name.len()));
        names
            .filter(|(_, _, length)| *length > MAX_TEST_NAME)
            .map(|(line, name, length)| {
                (line, format!("`{name}`: {length} characters, at most {MAX_TEST_NAME}"))
            })
            .collect()
    });
}

#[test]
fn word_list_has_no_duplicates() {
    let rows: Vec<&str> =
        WORDS.lines().filter_map(|row| Some(row.split_once('|')?.0.trim())).collect();
    let unique: BTreeSet<&&str> = rows.iter().collect();
    assert_eq!(rows.len(), unique.len(), "a phrase is listed twice");
}

/// Applies a rule to every file and lists all places that break it. A rule returns lines, from 1, and problems.
fn check(rule: impl Fn(&File) -> Vec<(usize, String)>) {
    let mut findings = Vec::new();
    for file in files::all() {
        let broken = rule(&file).into_iter();
        findings.extend(broken.map(|(line, problem)| Finding {
            path: file.path.clone(),
            line,
            problem,
        }));
    }
    let lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
    assert!(lines.is_empty(), "{} places:\n{}", lines.len(), lines.join("\n"));
}
