//! Invalid input: each kind has its close code, and other clients are served as before.

use serde_json::{Value, json};

use crate::common::raw::{TEXT, masked};
use crate::common::{Client, Closed, Gateway, Setup, start_of};

/// Frames that break RFC 6455 or the protocol's rule of one JSON text a frame, and the code each closes with.
fn bad_frames() -> Vec<(&'static str, Vec<u8>, u16)> {
    let mut unmasked = masked(TEXT, br#"{"id":1,"renew":{}}"#);
    unmasked[1] &= 0x7f;
    unmasked.drain(2..6);
    vec![
        ("binary", masked(0x82, br#"{"id":1,"renew":{}}"#), 4500),
        ("empty binary", masked(0x82, b""), 4500),
        ("unmasked", unmasked, 4500),
        ("a reserved bit", masked(0xc1, b"{}"), 4500),
        ("a reserved opcode", masked(0x83, b"{}"), 4500),
        ("a reserved control opcode", masked(0x8b, b""), 4500),
        ("invalid UTF-8", masked(TEXT, b"{\"id\":1,\"renew\":{\"auth_token\":\"\xff\"}}"), 4500),
        ("a fragmented ping", masked(0x09, b""), 4500),
        ("a ping too long", masked(0x89, &[0; 126]), 4500),
        ("a continuation of nothing", masked(0x80, b"{}"), 4500),
        ("a message within a message", [masked(0x01, b"{"), masked(TEXT, b"{}")].concat(), 4500),
    ]
}

/// Texts that are no message, and of which no request's number can be read.
fn bad_texts() -> Vec<(&'static str, String)> {
    let deep = format!(r#"{{"signal":{}{}}}"#, "[".repeat(40), "]".repeat(40));
    let bottomless = "[".repeat(60_000);
    [
        ("nothing", ""),
        ("not JSON", "hello"),
        ("truncated", r#"{"id":1,"renew":{"#),
        ("two messages", r#"{"id":1,"renew":{}}{"id":2,"renew":{}}"#),
        ("a comment", "{\"id\":1,\"renew\":{}}// renew"),
        ("no number for NaN", r#"{"id":NaN,"renew":{}}"#),
        ("an array", r#"[{"id":1,"renew":{}}]"#),
        ("a string", r#""renew""#),
        ("null", "null"),
        ("an empty object", "{}"),
        ("no id", r#"{"renew":{}}"#),
        ("id as text", r#"{"id":"1","renew":{}}"#),
        ("id below zero", r#"{"id":-1,"renew":{}}"#),
        ("id beyond 32 bits", r#"{"id":4294967296,"renew":{}}"#),
        ("id with a fraction", r#"{"id":1.5,"renew":{}}"#),
        ("id twice", r#"{"id":1,"id":2,"renew":{}}"#),
        ("a lone surrogate", r#"{"id":1,"renew":{},"\ud800":1}"#),
        ("a pong of the wrong type", r#"{"pong":{"seq":"1"}}"#),
        ("a pong of a negative seq", r#"{"pong":{"seq":-1}}"#),
        ("nested too deep", &deep),
        ("nested without an end", &bottomless),
    ]
    .map(|(case, text)| (case, text.to_owned()))
    .to_vec()
}

fn error_of(closed: &Closed) -> &Value {
    let error = closed.before.iter().find_map(|message| message.get("error"));
    error.unwrap_or_else(|| panic!("no error reply: {closed:?}"))
}

/// Another user, who must not notice anything.
async fn assert_served(bystander: &mut Client, case: &str) {
    assert!(bystander.request("postpone_renewal", json!({})).await.is_ok(), "after {case}");
}

#[tokio::test]
async fn a_first_frame_that_is_no_message_closes_with_its_code() {
    let gateway = Gateway::dev().await;
    let mut bystander = Client::guest(&gateway, "bystander", "instance-0").await.0;
    let texts =
        bad_texts().into_iter().map(|(case, text)| (case, masked(TEXT, text.as_bytes()), 4500));
    for (case, bytes, code) in bad_frames().into_iter().chain(texts) {
        let mut client = Client::connect(&gateway).await;
        client.send_raw(&bytes).await;
        let closed = client.closed().await;
        assert_eq!((closed.code, &closed.disconnect["action"]), (code, &json!("stop")), "{case}");
        assert_eq!(closed.before, Vec::<Value>::new(), "{case}: there is no number to reply to");
        assert_served(&mut bystander, case).await;
    }
}

#[tokio::test]
async fn a_frame_that_is_no_message_ends_its_session_with_its_code() {
    let gateway = Gateway::dev().await;
    let mut bystander = Client::guest(&gateway, "bystander", "instance-0").await.0;
    let texts =
        bad_texts().into_iter().map(|(case, text)| (case, masked(TEXT, text.as_bytes()), 4500));
    for (case, bytes, code) in bad_frames().into_iter().chain(texts) {
        let (mut client, started) = Client::guest(&gateway, "ada", "instance-1").await;
        client.send_raw(&bytes).await;
        let closed = client.closed().await;
        assert_eq!((closed.code, &closed.disconnect["action"]), (code, &json!("stop")), "{case}");
        let again = Client::resume_refused(&gateway, &started, client.last_seq).await;
        assert_eq!(again.code, code, "{case}: the session has ended");
        assert_served(&mut bystander, case).await;
    }
}

#[tokio::test]
async fn what_follows_a_bad_frame_is_not_done() {
    let gateway = Gateway::dev().await;
    let (mut client, _) = Client::guest(&gateway, "ada", "instance-1").await;
    let request = masked(TEXT, br#"{"id":5,"postpone_renewal":{}}"#);
    client.send_raw(&[masked(0x82, b"binary"), request].concat()).await;
    let closed = client.closed().await;
    assert_eq!(closed.code, 4500);
    assert!(closed.before.iter().all(|message| message.get("id").is_none()), "{closed:?}");
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table")]
async fn first_request_that_cannot_be_done_gets_an_error_reply() {
    let gateway = Gateway::dev().await;
    let mut bystander = Client::guest(&gateway, "bystander", "instance-0").await.0;
    let start = |change: Value| {
        let mut start = start_of("ada", "instance-1");
        for (key, value) in change.as_object().unwrap() {
            start[key] = value.clone();
        }
        json!({ "start": start })
    };
    let resume = |session: &str, last_seq: Value| json!({ "resume": { "session": session, "secret": "x".repeat(43), "last_seq": last_seq } });
    let id = "AAAAAAAAAAAAAAAAAAAAAA";
    let long = "n".repeat(257);
    let nested = format!("{}{}", "[".repeat(100), "]".repeat(100));
    let nested: Value = serde_json::from_str(&nested).unwrap();
    let deep = start(json!({ "credentials": { "params": nested } }));
    let cases = [
        (
            "empty username",
            start(json!({ "username": "" })),
            "invalid_argument",
            "start.username",
            None,
        ),
        (
            "long username",
            start(json!({ "username": long })),
            "invalid_argument",
            "start.username",
            None,
        ),
        (
            "control character",
            start(json!({ "username": "a\u{7}b" })),
            "invalid_argument",
            "start.username",
            None,
        ),
        (
            "not normal form C",
            start(json!({ "username": "e\u{301}" })),
            "invalid_argument",
            "start.username",
            None,
        ),
        (
            "username as number",
            start(json!({ "username": 7 })),
            "malformed",
            "start.username",
            None,
        ),
        ("no username", start(json!({ "username": null })), "auth_denied", "", Some(4003)),
        (
            "short instance",
            start(json!({ "instance": "tab-123" })),
            "invalid_argument",
            "start.instance",
            None,
        ),
        (
            "long instance",
            start(json!({ "instance": "i".repeat(65) })),
            "invalid_argument",
            "start.instance",
            None,
        ),
        (
            "odd instance",
            start(json!({ "instance": "tab 12345" })),
            "invalid_argument",
            "start.instance",
            None,
        ),
        ("no instance", start(json!({ "instance": null })), "malformed", "start.instance", None),
        ("app as array", start(json!({ "app": ["demo"] })), "malformed", "start.app", None),
        ("unknown app", start(json!({ "app": "elsewhere" })), "auth_denied", "", Some(4003)),
        (
            "no credentials",
            start(json!({ "credentials": {} })),
            "malformed",
            "start.credentials",
            None,
        ),
        (
            "two credentials",
            start(json!({ "credentials": { "guest": {}, "token": "x" } })),
            "malformed",
            "start.credentials",
            None,
        ),
        (
            "unknown credentials",
            start(json!({ "credentials": { "magic": {} } })),
            "malformed",
            "start.credentials",
            None,
        ),
        (
            "params without a hook",
            start(json!({ "credentials": { "params": {} } })),
            "auth_denied",
            "",
            Some(4003),
        ),
        (
            "bad previous",
            start(json!({ "previous": { "session": "x", "secret": "y" } })),
            "malformed",
            "start.previous.session",
            None,
        ),
        ("start of the wrong type", json!({ "start": [] }), "malformed", "start", None),
        ("short session id", resume("AAAA", json!(0)), "malformed", "resume.session", None),
        (
            "odd session id",
            resume("AAAAAAAAAAAAAAAAAAAA+/", json!(0)),
            "malformed",
            "resume.session",
            None,
        ),
        ("unknown session", resume(id, json!(0)), "resume_denied", "", Some(4401)),
        ("last_seq below zero", resume(id, json!(-1)), "malformed", "resume.last_seq", None),
        ("a command too early", json!({ "renew": {} }), "not_allowed_now", "", Some(4502)),
        (
            "a room command too early",
            json!({ "join": { "room": "lobby" } }),
            "not_allowed_now",
            "",
            Some(4502),
        ),
        (
            "a path segment",
            start(json!({ "username": ".." })),
            "invalid_argument",
            "start.username",
            None,
        ),
        ("params that nest too deep", deep, "too_large", "", None),
        ("an unknown command", json!({ "dance": {} }), "unknown_command", "", Some(4502)),
    ];
    for (case, mut message, error, field, code) in cases {
        message["id"] = json!(9);
        let mut client = Client::connect(&gateway).await;
        client.send(message).await;
        let received = client.reply(9).await.unwrap_err();
        assert_eq!(received["code"], error, "{case}: {received}");
        let named_field = received["field"].as_str().unwrap_or_default();
        assert!(
            named_field.starts_with(field) && named_field.is_empty() == field.is_empty(),
            "{case}: {received}"
        );
        match code {
            Some(code) => assert_eq!(client.closed().await.code, code, "{case}"),
            // The mistake belongs to one command: another start may follow.
            None => drop(client.establish(start_of("ada", "instance-1")).await),
        }
        assert_served(&mut bystander, case).await;
    }
}

#[tokio::test]
async fn a_pong_is_no_first_message() {
    let gateway = Gateway::dev().await;
    let closed = Client::refused(&gateway, json!({ "pong": { "seq": 0 } })).await;
    assert_eq!((closed.code, closed.before.len()), (4502, 0));
}

#[tokio::test]
async fn a_second_start_or_resume_is_answered_and_ends_the_session() {
    let gateway = Gateway::dev().await;
    for name in ["start", "resume"] {
        let (mut client, started) = Client::guest(&gateway, "ada", "instance-1").await;
        let body = match name {
            "start" => start_of("ada", "instance-1"),
            _ => {
                json!({ "session": started["session"]["id"], "secret": started["resume"]["secret"], "last_seq": 2 })
            }
        };
        client.begin(name, body).await;
        let closed = client.closed().await;
        assert_eq!((closed.code, &error_of(&closed)["code"]), (4502, &json!("not_allowed_now")));
        assert_eq!(Client::resume_refused(&gateway, &started, 2).await.code, 4502);
    }
}

#[tokio::test]
async fn malformed_request_with_readable_id_gets_an_error_reply() {
    let gateway = Gateway::dev().await;
    let (mut client, _) = Client::guest(&gateway, "ada", "instance-1").await;
    let nested = format!("{}{}", "[".repeat(31), "]".repeat(31));
    let deep = format!(r#"{{"id":7,"signal":{{"room":"lobby","type":"n","data":{nested}}}}}"#);
    let cases = [
        ("wrong type", r#"{"renew":[],"id":7}"#, "malformed", "renew"),
        ("no body", r#"{"id":7,"renew":null}"#, "malformed", "renew"),
        ("wrong type within", r#"{"id":7,"end":{"revoke":"yes"}}"#, "malformed", "end.revoke"),
        ("missing field", r#"{"id":7,"join":{}}"#, "malformed", "join.room"),
        (
            "a room's bad id",
            r#"{"id":7,"join":{"room":"a room"}}"#,
            "invalid_argument",
            "join.room",
        ),
        ("a room of dots", r#"{"id":7,"join":{"room":".."}}"#, "invalid_argument", "join.room"),
        ("data that nests too deep", &deep, "too_large", ""),
        (
            "a stream's bad id",
            r#"{"id":7,"unpublish":{"stream":"x"}}"#,
            "malformed",
            "unpublish.stream",
        ),
        ("no target", r#"{"id":7,"force_mute":{}}"#, "malformed", "force_mute"),
        ("a field twice", r#"{"id":7,"join":{"room":"a","room":"b"}}"#, "malformed", "join"),
        ("two commands", r#"{"id":7,"renew":{},"end":{}}"#, "malformed", ""),
        ("a command and a pong", r#"{"id":7,"renew":{},"pong":{"seq":1}}"#, "malformed", ""),
        ("no command", r#"{"id":7}"#, "malformed", ""),
        ("unknown command", r#"{"id":7,"dance":{"with":[1,2]}}"#, "unknown_command", ""),
        ("a push", r#"{"id":7,"session_state":{"state":"established"}}"#, "unknown_command", ""),
    ];
    for (case, text, code, field) in cases {
        client.send_text(text).await;
        let error = client.reply(7).await.unwrap_err();
        assert_eq!(error["code"], code, "{case}: {error}");
        let received = error["field"].as_str().unwrap_or_default();
        assert!(
            received.starts_with(field) && received.is_empty() == field.is_empty(),
            "{case}: {error}"
        );
    }
    assert!(client.request("renew", json!({})).await.is_ok());
}

#[tokio::test]
async fn a_pong_of_what_was_never_sent_changes_nothing() {
    let gateway = Gateway::dev().await;
    let (mut client, started) = Client::guest(&gateway, "ada", "instance-1").await;
    client.send(json!({ "pong": { "seq": u64::MAX } })).await;
    assert!(client.request("renew", json!({})).await.is_ok());
    let last_seq = client.last_seq;
    client.cut().await;
    let (mut client, resumed) = Client::resume(&gateway, &started, last_seq).await;
    assert_eq!(resumed["replayed_count"], 0);
    assert!(client.request("renew", json!({})).await.is_ok());
}

#[tokio::test]
async fn rejected_first_messages_count_as_starts_of_their_address() {
    let gateway = Setup::new()
        .with(|config| {
            config.limits.starts_per_s_per_address = 3;
            config.limits.exempt_loopback = false;
        })
        .run()
        .await;
    let mut client = Client::connect(&gateway).await;
    for _ in 0..4 {
        client.send(json!({ "id": 1, "start": { "app": "demo" } })).await;
    }
    let closed = client.closed().await;
    assert_eq!(closed.code, 4202);
    assert!(closed.disconnect["retry_after_ms"].is_u64(), "{}", closed.disconnect);
}

#[tokio::test]
async fn connection_without_a_valid_start_is_closed_in_time() {
    let gateway = Setup::new()
        .with(|config| config.limits.start_timeout = std::time::Duration::from_millis(300))
        .run()
        .await;
    let mut client = Client::connect(&gateway).await;
    client.send(json!({ "id": 1, "start": { "app": "demo" } })).await;
    assert_eq!(client.reply(1).await.unwrap_err()["field"], "start.instance");
    let closed = client.closed().await;
    assert_eq!(closed.code, 4205);
    assert!(closed.disconnect["retry_after_ms"].is_u64(), "{}", closed.disconnect);
}
