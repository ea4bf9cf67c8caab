//! The server API: calls by a backend, and the problems that invalid calls return.

use serde_json::{Value, json};
use stagedoor::config::Drain;
use stagedoor::store::AuditActor;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::common::{Client, Gateway, SERVER_KEY, Setup, assert_documented, start_of};

/// A call of any path, and what came back: status, content type, body.
async fn call(
    gateway: &Gateway,
    method: &str,
    path: &str,
    bearer: Option<&str>,
    body: impl Into<reqwest::Body>,
) -> (u16, String, String) {
    let url = format!("http://{}{path}", gateway.address());
    let mut request = reqwest::Client::new().request(method.parse().unwrap(), url).body(body);
    if let Some(bearer) = bearer {
        request = request.bearer_auth(bearer);
    }
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let (headers, path) = (response.headers().clone(), response.url().path().to_owned());
    let kind = headers.get("content-type").map(|kind| kind.to_str().unwrap().to_owned());
    let text = response.text().await.unwrap();
    let body = serde_json::from_str(&text).unwrap_or(Value::Null);
    assert_documented(method, &path, status, &headers, &body);
    (status, kind.unwrap_or_default(), text)
}

#[tokio::test]
async fn a_minted_token_starts_the_session_it_names() {
    let gateway = Gateway::dev().await;
    let mint = json!({
        "username": "ada", "instance": "instance-1", "name": "Ada", "rooms": { "lobby-*": "publisher" },
        "scopes": ["join", "signal"], "for_ms": 60_000, "ttl_s": 600,
    });
    let minted = gateway.api("POST", "sessions", Some(mint)).await;
    assert_eq!(minted.status, 201);
    let now = gateway.clock().wall().as_millis();
    assert_eq!(minted.body["expires_at_ms"], now + 60_000);
    let mut start = start_of("ada", "instance-1");
    start["credentials"] = json!({ "token": minted.body["token"] });
    start.as_object_mut().unwrap().remove("username");
    let (_client, started) = Client::start(&gateway, start.clone()).await;
    assert_eq!(
        started["session"]["user"],
        json!({ "username": "ada", "guest": false, "name": "Ada" })
    );
    assert_eq!(started["session"]["expires_at_ms"], now + 600_000);
    start["instance"] = json!("instance-2");
    assert_eq!(Client::refused(&gateway, json!({ "id": 0, "start": start })).await.code, 4003);
}

#[tokio::test]
async fn invalid_calls_get_a_specific_problem() {
    let gateway = Gateway::dev().await;
    let long = "x".repeat(257);
    let (sessions, ban, out) = ("sessions", "users/ada/ban", "rooms/a/force_disconnect");
    let role = |room: &str, role: &str| json!({ "username": "a", "rooms": { room: role } });
    for (case, path, body, field, named) in [
        ("no username", sessions, json!({}), "body", "username"),
        ("unknown field", sessions, json!({ "username": "ada", "usr": 1 }), "usr", "usr"),
        ("empty username", sessions, json!({ "username": "" }), "username", "username"),
        ("long username", sessions, json!({ "username": long }), "username", "username"),
        ("control character", sessions, json!({ "username": "a\u{7}" }), "username", "username"),
        ("short instance", sessions, json!({ "username": "a", "instance": "x" }), "instance", "8"),
        ("unknown role", sessions, role("a", "king"), "rooms.a", "king"),
        ("bad pattern", sessions, role("a*b", "publisher"), "rooms", "*"),
        ("no life", sessions, json!({ "username": "a", "ttl_s": 0 }), "ttl_s", "zero"),
        ("empty name", sessions, json!({ "username": "a", "name": "" }), "name", "name"),
        (
            "mistyped",
            sessions,
            json!({ "username": "a", "for_ms": "1" }),
            "for_ms",
            "expected an integer from 0",
        ),
        ("no object", sessions, json!([]), "body", "object"),
        ("a text", sessions, json!("ada"), "body", "object"),
        ("nothing", sessions, json!(null), "body", "object"),
        ("values in a row", "rooms", json!(["hall"]), "body", "object"),
        (
            "settings in a row",
            "rooms",
            json!({ "room": "a", "settings": [5] }),
            "settings",
            "expected an object",
        ),
        (
            "a mute in a row",
            "rooms",
            json!({ "room": "a", "mute": [true, true] }),
            "mute",
            "expected an object",
        ),
        (
            "a block in a row",
            out,
            json!({ "username": "a", "block": [1] }),
            "block",
            "expected an object",
        ),
        ("no ban at all", ban, json!({ "for_ms": 0 }), "for_ms", "1 ms"),
        ("negative", ban, json!({ "for_ms": -1 }), "for_ms", "expected an integer from 0"),
        ("a text", ban, json!({ "for_ms": "7" }), "for_ms", "expected an integer from 0"),
        ("no text", ban, json!({ "reason": 7 }), "reason", "expected reason (at most 256"),
        ("long reason", ban, json!({ "reason": long }), "reason", "256"),
        ("unknown field", ban, json!({ "for": 1 }), "for", "for"),
    ] {
        let answer = gateway.api("POST", path, Some(body)).await;
        assert_eq!(answer.status, 400, "{path}, {case}: {answer:?}");
        assert_eq!(
            (&answer.body["code"], &answer.body["field"]),
            (&json!("invalid_argument"), &json!(field)),
            "{case}"
        );
        let detail = answer.body["detail"].as_str().unwrap();
        assert!(detail.contains(named), "{path}, {case}: {detail}");
    }
    Client::guest(&gateway, "ada", "instance-1").await;
}

#[tokio::test]
async fn the_longest_times_are_taken_for_what_they_are() {
    let gateway = Gateway::dev().await;
    for (path, body) in [
        ("users/ada/ban", json!({ "for_ms": u64::MAX })),
        ("users/ada/ban", json!({ "for_ms": 10 * 365 * 24 * 3_600_000_u64 })),
        ("sessions", json!({ "username": "bob", "for_ms": 2_592_000_000_u64 })),
        ("sessions", json!({ "username": "bob", "ttl_s": u64::MAX })),
    ] {
        let answer = gateway.api("POST", path, Some(body)).await;
        assert!([200, 201, 400].contains(&answer.status), "{path}: {answer:?}");
        if let Some(token) = answer.body.get("token") {
            let mut start = start_of("bob", "instance-1");
            start["credentials"] = json!({ "token": token });
            Client::start(&gateway, start).await;
        }
    }
    let start = json!({ "id": 0, "start": start_of("ada", "instance-2") });
    assert_eq!(Client::refused(&gateway, start).await.code, 4011);
}

#[tokio::test]
async fn every_refusal_is_a_problem_document() {
    let gateway = Gateway::dev().await;
    let key = Some(SERVER_KEY);
    let large = "x".repeat(64 * 1024 + 1);
    let users = "/api/v1/apps/demo/users";
    for (method, path, bearer, body, status, code) in [
        ("GET", "/nowhere", None, "", 404, "not_found"),
        ("GET", "/api/v1/apps/demo/nowhere", key, "", 404, "not_found"),
        ("GET", "/api/v1/apps/demo/sessions", None, "", 401, "unauthorized"),
        ("GET", "/api/v1/apps/demo/sessions", Some("sk_wrong"), "", 401, "unauthorized"),
        ("GET", "/api/v1/apps/another/sessions", key, "", 401, "unauthorized"),
        ("GET", "/api/v1/apps/demo/sessions?limit=0", key, "", 400, "invalid_argument"),
        ("GET", "/api/v1/apps/demo/sessions?limit=x", key, "", 400, "invalid_argument"),
        ("GET", "/api/v1/apps/demo/sessions?page=1", key, "", 400, "invalid_argument"),
        ("GET", "/api/v1/apps/demo/sessions?limit=1001", key, "", 400, "invalid_argument"),
        ("GET", "/api/v1/apps/demo/sessions?cursor=!", key, "", 400, "invalid_argument"),
        ("GET", "/api/v1/apps/demo/sessions?state=asleep", key, "", 400, "invalid_argument"),
        (
            "GET",
            "/api/v1/apps/demo/audit?limit=99999999999999999999",
            key,
            "",
            400,
            "invalid_argument",
        ),
        ("GET", "/api/v1/apps/demo/audit/verify?head=1", key, "", 400, "invalid_argument"),
        ("GET", "/api/v1/apps/demo/rooms/a%20b", key, "", 400, "invalid_argument"),
        ("GET", "/api/v1/apps/demo/rooms/nowhere", key, "", 404, "room_not_found"),
        ("GET", "/api/v1/apps/demo/users/unknown", key, "", 404, "not_found"),
        ("POST", "/api/v1/apps/demo/sessions", key, "{", 400, "invalid_argument"),
        ("POST", "/api/v1/apps/demo/sessions", key, &large, 413, "too_large"),
        ("PUT", "/api/v1/apps/demo/sessions", key, "", 405, "method_not_allowed"),
        ("DELETE", "/api/v1/apps/demo/sessions/short", key, "", 400, "invalid_argument"),
        ("DELETE", "/api/v1/apps/demo/sessions/AAAAAAAAAAAAAAAAAAAAAA", key, "", 404, "not_found"),
        ("DELETE", &format!("{users}/unknown"), key, "", 404, "not_found"),
        ("DELETE", &format!("{users}/unknown/ban"), key, "", 404, "not_found"),
        ("POST", &format!("{users}/a%00b/ban"), key, "", 400, "invalid_argument"),
        ("POST", &format!("{users}/%ff/ban"), key, "", 400, "invalid_argument"),
        ("POST", &format!("{users}/e%CC%81/ban"), key, "", 400, "invalid_argument"),
        ("GET", "/v1/connect", None, "", 426, "not_a_websocket"),
        ("POST", "/v1/connect", None, "", 405, "method_not_allowed"),
    ] {
        let (received, kind, text) = call(&gateway, method, path, bearer, body.to_owned()).await;
        assert_eq!(
            (received, kind.as_str()),
            (status, "application/problem+json"),
            "{method} {path}: {text}"
        );
        let problem: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(
            (&problem["status"], &problem["code"]),
            (&json!(status), &json!(code)),
            "{method} {path}"
        );
        assert!(!problem["detail"].as_str().unwrap().is_empty(), "{method} {path}");
        assert!(!text.contains(SERVER_KEY));
    }
}

#[tokio::test]
async fn only_a_server_key_or_server_token_opens_it() {
    let gateway = Gateway::dev().await;
    let (_client, started) = Client::guest(&gateway, "ada", "instance-1").await;
    let session = gateway.session_token(json!({ "username": "ada" })).await;
    for bearer in [&session, started["access_token"].as_str().unwrap(), "", "sk_"] {
        assert_eq!(gateway.api_as(bearer, "GET", "sessions", None).await.status, 401, "{bearer}");
    }
    assert_eq!(gateway.api("GET", "sessions", None).await.status, 200);
}

#[tokio::test]
async fn sessions_are_listed_page_by_page_and_by_user() {
    let gateway = Gateway::dev().await;
    let mut clients = Vec::new();
    for n in 0..5 {
        let name = if n == 3 { "ada" } else { "bob" };
        clients.push(Client::guest(&gateway, name, &format!("instance-{n}")).await);
        gateway.advance(std::time::Duration::from_millis(1));
    }
    let all = gateway.api("GET", "sessions", None).await.body;
    let ids = |page: &Value| -> Vec<Value> {
        page["items"].as_array().unwrap().iter().map(|session| session["id"].clone()).collect()
    };
    let started: Vec<Value> =
        clients.iter().map(|(_, started)| started["session"]["id"].clone()).collect();
    assert_eq!((ids(&all), &all["next"]), (started.clone(), &Value::Null), "oldest first");
    let shown = &all["items"][0];
    for (field, value) in [
        ("username", json!("bob")),
        ("guest", json!(true)),
        ("instance", json!("instance-0")),
        ("state", json!("established")),
        ("connected", json!(true)),
        ("address", json!("127.0.0.1")),
        ("client", json!({ "name": "test", "version": "1" })),
    ] {
        assert_eq!(shown[field], value, "{field}");
    }

    let mut seen = Vec::new();
    let mut path = "sessions?limit=2".to_owned();
    loop {
        let page = gateway.api("GET", &path, None).await.body;
        seen.extend(ids(&page));
        let Some(next) = page["next"].as_str() else { break };
        path = format!("sessions?limit=2&cursor={next}");
        if seen.len() == 2 {
            // The session a page ended with may be gone when the next one is asked for.
            gateway.api("DELETE", &format!("sessions/{}", seen[1].as_str().unwrap()), None).await;
        }
    }
    assert_eq!(seen, started);
    let ada = gateway.api("GET", "sessions?username=ada", None).await.body;
    assert_eq!(ids(&ada), started[3..4]);
    let filtered = gateway.api("GET", "sessions?username=unknown", None).await;
    assert_eq!((filtered.status, filtered.body), (200, json!({ "items": [] })));
}

#[tokio::test]
async fn any_username_fits_into_a_path() {
    let gateway = Gateway::dev().await;
    for (username, encoded) in [
        ("a b", "a%20b"),
        ("a/b?c#d", "a%2Fb%3Fc%23d"),
        ("50%", "50%25"),
        ("é", "%C3%A9"),
        ("日本語", "%E6%97%A5%E6%9C%AC%E8%AA%9E"),
        (".. ", "%2E%2E%20"),
        ("🎭", "%F0%9F%8E%AD"),
        ("\"'<&>", "%22%27%3C%26%3E"),
    ] {
        let (mut client, _) = gateway.registered(username, "instance-1", json!({})).await;
        let answer = gateway.api("POST", &format!("users/{encoded}/revoke"), None).await;
        let (name, ended) = (&answer.body["username"], &answer.body["sessions_ended"]);
        assert_eq!((name, ended), (&json!(username), &json!(1)));
        assert_eq!(client.closed().await.code, 4101, "{username}");
    }
}

#[tokio::test]
async fn health_needs_no_authentication() {
    let gateway = Gateway::dev().await;
    for path in ["/livez", "/readyz"] {
        assert_eq!(call(&gateway, "GET", path, None, "").await.0, 200, "{path}");
    }
}

#[tokio::test]
async fn readiness_ends_with_draining() {
    let long = |secs| std::time::Duration::from_secs(secs);
    let gateway = Setup::new()
        .with(|config| config.drain = Drain { spread: long(600), deadline: long(1_200) });
    let mut gateway = gateway.run().await;
    let mut stream = TcpStream::connect(gateway.address()).await.unwrap();
    stream.write_all(b"GET /readyz HTTP/1.1\r\n").await.unwrap();
    let (mut first, _) = Client::guest(&gateway, "ada", "instance-1").await;
    let (mut second, _) = Client::guest(&gateway, "bob", "instance-2").await;
    gateway.begin_stop();
    // Between the first and the last close there is time to ask.
    let closed = tokio::select! {
        closed = first.closed() => closed,
        closed = second.closed() => closed,
    };
    assert_eq!(closed.code, 4200);
    stream.write_all(b"host: localhost\r\nconnection: close\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    assert!(answer.ends_with("draining\n"), "{answer}");
}

#[tokio::test]
async fn open_connections_do_not_delay_a_stop() {
    let gateway = Setup::new().run().await;
    let _silent = TcpStream::connect(gateway.address()).await.unwrap();
    let mut undecided = Client::connect(&gateway).await;
    let (mut client, _) = Client::guest(&gateway, "ada", "instance-1").await;
    assert_eq!(gateway.stop().await, stagedoor::server::Stopped::Cleanly);
    for client in [&mut client, &mut undecided] {
        let closed = client.closed().await;
        assert_eq!((closed.code, &closed.disconnect["action"]), (4200, &json!("retry")));
        assert!(closed.disconnect["retry_after_ms"].as_u64() > Some(0));
    }
}

#[tokio::test]
async fn a_mistyped_name_is_not_deleted() {
    let gateway = Gateway::dev().await;
    for _ in 0..2 {
        let answer = gateway.api("DELETE", "users/aad", None).await;
        assert_eq!((answer.status, &answer.body["code"]), (404, &json!("not_found")));
    }
    assert_eq!(gateway.api("GET", "users/aad", None).await.status, 404, "nothing is known of it");
    let rows = gateway.hub().store().audit_rows("demo".into(), 0, 10).await.unwrap();
    assert_eq!(rows, [], "nothing was done");
    let (mut aad, _) = Client::guest(&gateway, "aad", "instance-1").await;
    let deleted = gateway.api("DELETE", "users/aad", None).await;
    assert_eq!((deleted.status, &deleted.body["sessions_ended"]), (200, &json!(1)));
    assert_eq!(aad.closed().await.code, 4012);
    assert_eq!(gateway.api("DELETE", "users/aad", None).await.status, 404, "there is no user left");
}

#[tokio::test]
async fn what_is_done_to_users_stands_in_the_audit_log() {
    let gateway = Gateway::dev().await;
    let (_ada, started) = Client::guest(&gateway, "ada", "instance-1").await;
    let session = started["session"]["id"].as_str().unwrap();
    assert_eq!(gateway.api("DELETE", &format!("sessions/{session}"), None).await.status, 204);
    gateway.api("POST", "users/ada/ban", Some(json!({ "reason": "spam" }))).await;
    gateway.api("DELETE", "users/ada/ban", None).await;
    gateway.api("DELETE", "users/ada/ban", None).await; // There is none any more: nothing was done.
    gateway.api("POST", "users/ada/revoke", None).await;
    gateway.api("DELETE", "users/ada", None).await;
    let rows = gateway.hub().store().audit_rows("demo".into(), 0, 10).await.unwrap();
    let commands: Vec<&str> = rows.iter().map(|row| &*row.event.command).collect();
    assert_eq!(commands, ["end_session", "ban", "unban", "revoke_tokens", "delete_user"]);
    assert_eq!(rows[1].event.reason.as_deref(), Some("spam"));
    for row in rows {
        assert!(matches!(row.event.actor, AuditActor::Server(_)), "{row:?}");
        assert_eq!(row.event.target.username, "ada".parse().ok());
    }
}

#[tokio::test]
async fn wrong_query_parameter_is_named_with_what_is_expected() {
    let gateway = Gateway::dev().await;
    for (path, field, expected) in [
        ("users?limit=x", "limit", "expected an integer that is not negative"),
        ("users?limit=", "limit", "expected an integer that is not negative"),
        ("users?limit=-1", "limit", "expected an integer that is not negative"),
        ("users?limit=99999999999999999999", "limit", "expected an integer that is not negative"),
        ("users?banned=2", "banned", "expected true or false"),
        ("sessions?state=asleep", "state", "unknown variant `asleep`, expected one of "),
        ("users?page=1", "page", "unknown field `page`, expected one of "),
    ] {
        let answer = gateway.api("GET", path, None).await;
        assert_eq!((answer.status, &answer.body["field"]), (400, &json!(field)), "{path}");
        let detail = answer.body["detail"].as_str().unwrap();
        assert!(detail.starts_with(expected), "{path}: {detail}");
    }
}

#[tokio::test]
async fn compressed_body_is_rejected_by_its_header() {
    let gateway = Gateway::dev().await;
    let bearer = format!("Bearer {SERVER_KEY}");
    let headers = [("authorization", &*bearer), ("content-encoding", "gzip")];
    let answer = gateway.api_with(&headers, "POST", "users/ada/ban", Some(json!({}))).await;
    assert_eq!((answer.status, &answer.body["field"]), (400, &json!("Content-Encoding")));
    let rows = gateway.hub().store().audit_rows("demo".into(), 0, 10).await.unwrap();
    assert_eq!(rows, [], "nothing was done");
}
