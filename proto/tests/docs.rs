//! Tests that `docs/protocol.md` documents exactly the messages, codes and limits of this crate.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;
use stagedoor_proto::{
    ClientClose, ClientMessage, CloseCode, Command, CommandClass, ErrorCode, MAX_JSON_DEPTH, Push,
    Reply, decode_client,
};

const DOCUMENT: &str = include_str!("../../docs/protocol.md");
const LIMITS: &str = include_str!("../src/limits.rs");
const CLIENT: &str = include_str!("../vectors/client.json");
const SCHEMA: &str = include_str!("../schema/stagedoor.v1.schema.json");

/// The cells of the table with `head` as the title of its first column.
fn table(head: &str) -> Vec<Vec<&'static str>> {
    let heading = format!("| {head} |");
    let rows = DOCUMENT.lines().skip_while(|line| !line.starts_with(&heading)).skip(2);
    let cells = |line: &'static str| {
        line.trim_matches('|').split('|').map(|cell| cell.trim().trim_matches('`')).collect()
    };
    let rows: Vec<_> = rows.take_while(|line| line.starts_with('|')).map(cells).collect();
    assert!(!rows.is_empty(), "there is a table of {head}s");
    rows
}

fn assert_lists(head: &str, names: &[&str]) {
    let listed: Vec<_> = table(head).iter().map(|row| row[0]).collect();
    assert_eq!(listed, names, "the table of {head}s, in the order of the code");
}

#[test]
fn every_command_reply_push_and_error_code_has_its_row() {
    assert_lists("command", Command::NAMES);
    assert_lists("reply", Reply::NAMES);
    assert_lists("push", Push::NAMES);
    let codes: Vec<_> = ErrorCode::ALL.iter().map(|code| code.as_str()).collect();
    assert_lists("code", &codes);
}

#[test]
fn every_field_stands_in_the_row_of_its_message_and_no_other() {
    let schema: Value = serde_json::from_str(SCHEMA).expect("the schema is JSON");
    let definitions = &schema["$defs"];
    for (head, definition) in [("command", "Command"), ("reply", "Reply"), ("push", "Push")] {
        for row in table(head) {
            let choices = definitions[definition]["oneOf"].as_array().expect("a choice");
            let choice = choices.iter().find(|choice| choice["required"][0] == *row[0]);
            let mut body = &choice.expect("the row names a message")["properties"][row[0]];
            if let Some(target) = body["$ref"].as_str() {
                body = &definitions[target.trim_start_matches("#/$defs/")];
            }
            let fields = body["properties"].as_object().into_iter().flat_map(|all| all.keys());
            let fields: BTreeSet<_> = fields.map(String::as_str).collect();
            let documented = row[1].split(|c: char| !(c.is_alphanumeric() || c == '_'));
            let documented: BTreeSet<_> = documented.collect();
            let words = BTreeSet::from(["", "or", "with"]);
            let documented: BTreeSet<_> = documented.difference(&words).copied().collect();
            assert_eq!(documented, fields, "the fields of the {head} `{}`", row[0]);
        }
    }
}

#[test]
fn every_reply_is_named_by_a_command() {
    let named: BTreeSet<_> = table("command").iter().map(|row| row[2]).collect();
    assert_eq!(named, Reply::NAMES.iter().copied().collect());
}

#[test]
fn what_a_command_needs_is_of_its_class() {
    let rows = table("command");
    let messages: Vec<Value> = serde_json::from_str(CLIENT).expect("the vectors are JSON");
    let mut seen = BTreeSet::new();
    for message in messages {
        let text = message["text"].as_str().expect("a case has a text");
        let Ok(ClientMessage::Request(request)) = decode_client(text) else { continue };
        let row = rows.iter().find(|row| row[0] == request.command.name()).expect("it has a row");
        let classes: &[CommandClass] = match row[3] {
            "first message" => &[CommandClass::Opening],
            "session" => &[CommandClass::Session],
            "moderate" => &[CommandClass::Moderation],
            _ => &[CommandClass::Room, CommandClass::Release],
        };
        assert!(classes.contains(&request.command.class()), "{}", row[0]);
        seen.insert(row[0]);
    }
    assert_eq!(seen.len(), rows.len(), "every command has a case");
}

#[test]
fn close_code_table_documents_every_code() {
    let expected: Vec<_> = CloseCode::ALL
        .iter()
        .map(|close| {
            let action = serde_json::to_value(close.action()).expect("an action is a text");
            let action = action.as_str().expect("an action is a text").to_owned();
            let session = match (close.precedes_session(), close.ends_session()) {
                (true, _) => "none",
                (false, true) => "ends",
                (false, false) => "suspended",
            };
            vec![close.code().to_string(), close.reason().to_owned(), action, session.to_owned()]
        })
        .collect();
    let listed: Vec<_> = table("close code")
        .iter()
        .map(|row| row[..4].iter().map(ToString::to_string).collect())
        .collect::<Vec<Vec<String>>>();
    assert_eq!(listed, expected);
}

#[test]
fn close_by_the_client_is_documented_with_its_effect() {
    for row in table("client's close code") {
        let codes: Vec<Option<u16>> = if row[0].starts_with("any other") {
            vec![Some(1002), Some(1011), Some(3002), Some(4000), Some(4999)]
        } else {
            let codes = row[0].split(", ").map(|code| code.parse().expect("a code"));
            codes.map(|code| (code != 1005).then_some(code)).collect()
        };
        for code in codes {
            let close = ClientClose::of(code);
            let is_right = match close {
                ClientClose::Ends => row[1] == "ends",
                ClientClose::GoesAway => row[1].starts_with("suspended for `resume.going_away"),
                ClientClose::Suspends => row[1] == "suspended for the resume window",
            };
            assert!(is_right, "{code:?}: {close:?}");
        }
    }
}

#[test]
fn every_limit_has_its_row_with_the_number_of_the_code() {
    let mut expected: Vec<(String, u64)> = LIMITS
        .lines()
        .filter_map(|line| line.strip_prefix("pub const "))
        .map(|line| {
            let (name, value) = line
                .split_once(": usize = ")
                .or_else(|| line.split_once(": u64 = "))
                .expect("limits are sizes or durations");
            let factors = value.trim_end_matches(';').split(" * ");
            let number = |text: &str| text.replace('_', "").parse::<u64>().expect("a number");
            (name.to_owned(), factors.map(number).product())
        })
        .collect();
    expected.push(("MAX_JSON_DEPTH".to_owned(), MAX_JSON_DEPTH as u64));
    let listed: Vec<(String, u64)> = table("constant")
        .iter()
        .map(|row| (row[0].to_owned(), row[1].parse().expect("a number")))
        .collect();
    assert_eq!(listed, expected);
}

#[test]
fn every_code_in_the_text_exists() {
    let words = DOCUMENT.split(|c: char| !c.is_ascii_alphanumeric());
    for word in words.filter(|word| word.len() == 4 && word.starts_with('4')) {
        if let Ok(code) = word.parse::<u16>() {
            let known = CloseCode::ALL.iter().any(|close| close.code() == code);
            assert!(known, "{code} is not a close code");
        }
    }
}

#[test]
fn every_link_leads_somewhere() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    let links = DOCUMENT.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
    for (target, _) in links {
        let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
        let text = if file.is_empty() {
            DOCUMENT.to_owned()
        } else {
            let read = std::fs::read_to_string(folder.join(file));
            read.unwrap_or_else(|error| panic!("no file for {target}: {error}"))
        };
        assert!(anchor.is_empty() || has_heading(&text, anchor), "no heading for {target}");
    }
}

fn has_heading(text: &str, anchor: &str) -> bool {
    let headings = text.lines().filter(|line| line.starts_with("##"));
    let mut names = headings.map(|line| line.trim_start_matches('#').trim_start());
    names.any(|name| name.to_lowercase().replace(' ', "-") == anchor)
}
