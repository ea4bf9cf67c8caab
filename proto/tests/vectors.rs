//! Runs `vectors/`, and fails if a message, a code or a form of one has no vector.

mod wire;

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::Value;
use stagedoor_proto::{
    Action, ClientMessage, CloseCode, Command, DecodeError, ErrorCode, Push, Reply, ServerMessage,
    decode_client, decode_server,
};

#[derive(Deserialize)]
struct Good {
    name: String,
    text: String,
    decodes: Value,
    keeps: Option<String>,
}

#[derive(Deserialize)]
struct Bad {
    name: String,
    to: Reader,
    text: String,
    error: Answer,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Reader {
    Gateway,
    Client,
}

#[derive(Deserialize)]
struct Answer {
    code: ErrorCode,
    mentions: Vec<String>,
    field: Option<String>,
    id: Option<u32>,
}

#[derive(Deserialize)]
struct Codes {
    errors: Vec<ErrorRow>,
    closes: Vec<CloseRow>,
    others: Vec<OtherRow>,
}

#[derive(Debug, PartialEq, Deserialize)]
struct ErrorRow {
    code: String,
    close_code: Option<u16>,
}

#[derive(Debug, PartialEq, Deserialize)]
struct CloseRow {
    code: u16,
    reason: String,
    action: Action,
    ends_session: bool,
}

#[derive(Deserialize)]
struct OtherRow {
    code: u16,
    action: Action,
    ends_session: bool,
}

fn read<T: for<'de> Deserialize<'de>>(file: &str) -> T {
    serde_json::from_str(file).expect("a vector file of the documented format")
}

fn client() -> Vec<Good> {
    read(include_str!("../vectors/client.json"))
}

fn server() -> Vec<Good> {
    read(include_str!("../vectors/server.json"))
}

fn bad() -> Vec<Bad> {
    read(include_str!("../vectors/errors.json"))
}

fn codes() -> Codes {
    read(include_str!("../vectors/codes.json"))
}

fn assert_written(case: &Good, written: &str) {
    let value: Value = serde_json::from_str(written).expect("what is written is JSON");
    assert_eq!(value, case.decodes, "{}", case.name);
    if let Some(kept) = &case.keeps {
        assert!(case.text.contains(kept), "{}: `keeps` is a piece of `text`", case.name);
        assert!(written.contains(kept), "{}: {written} has lost {kept}", case.name);
    }
}

#[test]
fn client_vectors_round_trip_in_canonical_form() {
    for case in client() {
        let message = decode_client(&case.text)
            .unwrap_or_else(|error| panic!("{}: {error}: {}", case.name, case.text));
        let written = wire::client_text(&message);
        assert_written(&case, &written);
        assert_eq!(decode_client(&written), Ok(message), "{}", case.name);
    }
}

#[test]
fn gateway_vectors_round_trip_in_canonical_form() {
    for case in server() {
        let message = decode_server(&case.text)
            .unwrap_or_else(|error| panic!("{}: {error}: {}", case.name, case.text));
        let written = wire::server_text(&message);
        assert_written(&case, &written);
        assert_eq!(decode_server(&written).ok(), Some(message), "{}", case.name);
    }
}

#[test]
fn every_bad_text_is_refused_saying_where_and_what_was_expected() {
    for Bad { name, to, text, error: expected } in bad() {
        let said = match to {
            Reader::Client => decode_server(&text).expect_err(&name).to_string(),
            Reader::Gateway => {
                let refusal = decode_client(&text).expect_err(&name);
                let error = refusal.to_error();
                assert_eq!(error.code, expected.code, "{name}: {error}");
                assert_eq!(refusal.id(), expected.id, "{name}: {error}");
                if expected.field.is_some() {
                    assert_eq!(error.field, expected.field, "{name}: {error}");
                }
                error.message
            }
        };
        for piece in &expected.mentions {
            assert!(said.contains(piece.as_str()), "{name}: {said:?} does not mention {piece:?}");
        }
        assert!(!said.contains("struct ") && !said.contains("u64"), "{name}: {said:?} speaks Rust");
    }
}

#[test]
fn a_refusal_never_repeats_a_value_of_the_text() {
    let secret = "hunter2-hunter2";
    for text in [
        format!(r#"{{"id":"{secret}","leave":{{"room":"a"}}}}"#),
        format!(r#"{{"id":1,"resume":"{secret}"}}"#),
        format!(r#"{{"id":1,"resume":{{"session":"{secret}","secret":"x","last_seq":1}}}}"#),
        format!(r#"{{"id":1,"resume":{{"session":5,"secret":"x","last_seq":"{secret}"}}}}"#),
        format!(r#"{{"id":1,"leave":{{"room":"{secret} , expected u32"}}}}"#),
        format!(r#"{{"id":1,"start":{{"app":"d","credentials":{{"{secret}":1}}}}}}"#),
        format!(r#"{{"id":1,"set_role":{{"room":"a","role":"{secret}`, expected x"}}}}"#),
    ] {
        let said = decode_client(&text).expect_err("not a message").to_string();
        assert!(!said.contains("hunter2"), "{said}");
    }
}

#[test]
fn every_command_reply_and_push_has_a_vector() {
    let mut seen = BTreeSet::new();
    for case in client() {
        match decode_client(&case.text) {
            Ok(ClientMessage::Request(request)) => seen.insert(request.command.name()),
            Ok(ClientMessage::Pong(_)) => seen.insert("pong"),
            Err(error) => panic!("{}: {error}", case.name),
        };
    }
    for name in Command::NAMES.iter().chain(&["pong"]) {
        assert!(seen.contains(name), "client.json has no `{name}`");
    }

    let (mut replies, mut pushes, mut others) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for case in server() {
        match decode_server(&case.text).expect(&case.name) {
            ServerMessage::Reply { result: Ok(reply), .. } => replies.insert(reply.name()),
            ServerMessage::Reply { result: Err(_), .. } => others.insert("error"),
            ServerMessage::Push { push, .. } => pushes.insert(push.name()),
            ServerMessage::Unknown { .. } => others.insert("unknown"),
            ServerMessage::Ping => others.insert("ping"),
            ServerMessage::Disconnect(_) => others.insert("disconnect"),
        };
    }
    for name in Reply::NAMES {
        assert!(replies.contains(name), "server.json has no reply `{name}`");
    }
    for name in Push::NAMES {
        assert!(pushes.contains(name), "server.json has no push `{name}`");
    }
    assert_eq!(others, BTreeSet::from(["disconnect", "error", "ping", "unknown"]));
}

#[test]
fn every_kind_of_refusal_has_a_vector() {
    let mut kinds = BTreeMap::<&str, usize>::new();
    for case in bad() {
        if let Err(error) = decode_client(&case.text) {
            let kind = match error {
                DecodeError::Malformed { id: None, .. } => "malformed, of no known request",
                DecodeError::Malformed { id: Some(_), .. } => "malformed",
                DecodeError::InvalidArgument { .. } => "invalid argument",
                DecodeError::TooDeep { id: None } => "too deep, of no known request",
                DecodeError::TooDeep { id: Some(_) } => "too deep",
                DecodeError::UnknownCommand { .. } => "unknown command",
            };
            *kinds.entry(kind).or_default() += 1;
        }
    }
    assert_eq!(kinds.len(), 6, "{kinds:?}");
}

#[test]
fn names_of_vectors_are_unique() {
    let good = client().into_iter().chain(server()).map(|case| case.name);
    let mut seen = BTreeSet::new();
    for name in good.chain(bad().into_iter().map(|case| case.name)) {
        assert!(seen.insert(name.clone()), "two cases are called {name:?}");
    }
}

#[test]
fn every_error_code_is_listed_with_the_close_of_its_name() {
    let close_of = |name| CloseCode::ALL.iter().find(|close| close.reason() == name);
    let expected: Vec<_> = ErrorCode::ALL
        .iter()
        .map(|code| ErrorRow {
            code: code.as_str().to_owned(),
            close_code: close_of(code.as_str()).map(|close| close.code()),
        })
        .collect();
    assert_eq!(codes().errors, expected);
    for code in ErrorCode::ALL {
        assert_eq!(code.close_code(), close_of(code.as_str()).copied());
    }
}

#[test]
fn every_close_code_is_listed_with_its_action() {
    let expected: Vec<_> = CloseCode::ALL
        .iter()
        .map(|close| CloseRow {
            code: close.code(),
            reason: close.reason().to_owned(),
            action: close.action(),
            ends_session: close.ends_session(),
        })
        .collect();
    assert_eq!(codes().closes, expected);
    for close in CloseCode::ALL {
        assert_eq!(CloseCode::try_from(close.code()), Ok(*close));
    }
}

#[test]
fn a_code_without_a_name_is_treated_by_its_hundreds_digit() {
    for OtherRow { code, action, ends_session } in codes().others {
        assert_eq!(Action::of(code), action, "{code}");
        let known = CloseCode::try_from(code);
        assert_eq!(known.is_ok(), (4000..4600).contains(&code), "{code}");
        if let Ok(close) = known {
            assert_eq!(close, CloseCode::Unknown(code));
            assert_eq!(close.ends_session(), ends_session, "{code}");
        }
    }
}
