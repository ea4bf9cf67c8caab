//! The upgrade request: every legal form is accepted, every ambiguous one ends the connection, and origins are checked.

use serde_json::json;
use stagedoor::config::Mode;

use crate::common::raw::{FIRST, MORE, Raw, TEXT, masked, upgrade};
use crate::common::{Client, Gateway, Setup, start_of};

const LINES: [(&str, &str); 5] = [
    ("Host", "localhost"),
    ("Connection", "Upgrade"),
    ("Upgrade", "websocket"),
    ("Sec-WebSocket-Version", "13"),
    ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
];

/// An upgrade request in which these lines replace those of the same name.
fn request(replaced: &[(&str, &str)]) -> String {
    let is_replaced = |name: &str| replaced.iter().any(|(other, _)| *other == name);
    let usual = LINES.iter().filter(|(name, _)| !is_replaced(name));
    let lines = usual.chain(replaced).filter(|(_, value)| *value != "absent");
    let lines: Vec<_> = lines.map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    format!("GET /v1/connect HTTP/1.1\r\n{}\r\n", lines.concat())
}

#[tokio::test]
async fn upgrade_accepts_every_legal_header_list() {
    let gateway = Gateway::dev().await;
    for replaced in [
        &[("Connection", "keep-alive"), ("Connection", "Upgrade")][..],
        &[("Connection", "Upgrade"), ("Connection", "keep-alive")],
        &[("Connection", "keep-alive, Upgrade")],
        &[("Connection", ", ,keep-alive ,\t UPGRADE,,")],
        &[("Upgrade", "h2c"), ("Upgrade", "WebSocket")],
        &[("Upgrade", "h2c,websocket")],
        &[("Sec-WebSocket-Protocol", "")],
        &[("Sec-WebSocket-Protocol", " , ,")],
        &[("Sec-WebSocket-Protocol", ""), ("Sec-WebSocket-Protocol", "stagedoor.v1.json")],
        &[("Sec-WebSocket-Protocol", ",wamp,,stagedoor.v1.json,")],
        &[("Content-Length", "0")],
    ] {
        let mut raw = Raw::connect(&gateway).await;
        raw.send(request(replaced)).await;
        let head = raw.head().await;
        assert_eq!(head.status(), 101, "{replaced:?}");
        let offers_ours = replaced.iter().any(|(_, value)| value.contains("stagedoor"));
        assert_eq!(head.header("sec-websocket-protocol").is_some(), offers_ours, "{replaced:?}");
        let start = json!({ "id": 0, "start": start_of("ada", "instance-1") });
        raw.send(masked(TEXT, start.to_string().as_bytes())).await;
        assert_eq!(raw.hear().await["session_state"]["state"], "establishing", "{replaced:?}");
    }
}

#[tokio::test]
async fn ambiguous_upgrade_is_rejected_and_closed() {
    let gateway = Gateway::dev().await;
    let key = LINES[4].1;
    let start = json!({ "id": 0, "start": start_of("ada", "instance-1") }).to_string();
    for replaced in [
        &[("Content-Length", "5")][..],
        &[("Transfer-Encoding", "chunked")],
        &[("Transfer-Encoding", "chunked"), ("Content-Length", "5")],
        &[("Content-Length", "5"), ("Transfer-Encoding", "chunked")],
        &[("Content-Length", "5"), ("Content-Length", "6")],
        &[("Transfer-Encoding", "gzip")],
        &[("Host", "absent")],
        &[("Host", "localhost"), ("Host", "localhost")],
        &[("Host", "localhost"), ("Host", "evil.test")],
        &[("Host", "user@localhost")],
        &[("Host", "local host")],
        &[("Sec-WebSocket-Key", key), ("Sec-WebSocket-Key", key)],
        &[("Sec-WebSocket-Key", "short")],
        &[("Sec-WebSocket-Version", "13"), ("Sec-WebSocket-Version", "13")],
        &[("Sec-WebSocket-Protocol", "a b")],
    ] {
        let mut raw = Raw::connect(&gateway).await;
        let mut bytes = request(replaced).into_bytes();
        bytes.extend(masked(TEXT, start.as_bytes()));
        raw.send(bytes).await;
        let head = raw.head().await;
        assert_eq!(head.status(), 400, "{replaced:?}: {head:?}");
        assert_eq!(head.header("connection"), Some("close"), "{replaced:?}");
        raw.ended().await;
    }
    assert_eq!(gateway.hub().sessions.count(), 0, "nothing behind the request was read");
}

#[tokio::test]
async fn every_port_requires_one_host() {
    let setup = Setup::new();
    let setup = setup.with(|config| config.listen.admin_listen = "127.0.0.1:0".parse().ok());
    let gateway = setup.run().await;
    for port in [gateway.address(), gateway.admin_address()] {
        for (hosts, status) in [
            ("Host: localhost\r\n", 200),
            ("", 400),
            ("Host: localhost\r\nHost: localhost\r\n", 400),
            ("Host: a b\r\n", 400),
            ("Host: localhost:http\r\n", 400),
            ("Host: [localhost]\r\n", 400),
        ] {
            let mut raw = Raw::connect_to(port).await;
            raw.send(format!("GET /livez HTTP/1.1\r\n{hosts}\r\n")).await;
            let head = raw.head().await;
            assert_eq!(head.status(), status, "{hosts:?}");
            if status == 400 {
                assert_eq!(head.header("connection"), Some("close"), "{hosts:?}");
                raw.ended().await;
            }
        }
        let mut old = Raw::connect_to(port).await;
        old.send("GET /livez HTTP/1.0\r\n\r\n").await;
        assert_eq!(old.head().await.status(), 200, "HTTP/1.0 has no `Host`");
    }
}

/// Connects as a page of this origin; `None` when it is allowed, else the reason of the `disconnect`.
async fn rejection(gateway: &Gateway, origin: &str) -> Option<String> {
    let mut client = Client::connect_with(gateway, &[("Origin", origin)]).await;
    client.send(json!({ "id": 0, "start": start_of("ada", "instance-1") })).await;
    if client.try_hear().await?.get("session_state").is_some() {
        return None;
    }
    let closed = Client::connect_with(gateway, &[("Origin", origin)]).await.closed().await;
    assert_eq!(closed.code, 4004, "{origin}");
    Some(closed.disconnect["reason"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn development_mode_allows_loopback_origins() {
    let gateway = Gateway::dev().await;
    for origin in [
        "http://localhost:5173",
        "https://localhost",
        "http://app.localhost:3000",
        "http://127.0.0.1:8080",
        "https://[::1]:1",
    ] {
        assert_eq!(rejection(&gateway, origin).await, None, "{origin}");
    }
    for (origin, key) in [
        ("https://evil.test", "listen.allowed_origins"),
        ("http://localhost.evil.test", "listen.allowed_origins"),
        ("null", "--allow-null-origin"),
    ] {
        let reason = rejection(&gateway, origin).await.unwrap();
        assert!(reason.contains(origin) && reason.contains(key), "{origin}: {reason}");
    }
    let lenient = Setup::new().with(|config| config.listen.allow_null_origin = true).run().await;
    assert_eq!(rejection(&lenient, "null").await, None);
}

#[tokio::test]
async fn production_allows_configured_origins_and_one_wildcard_label() {
    let setup = Setup::new().with(|config| {
        config.mode = Mode::Production;
        config.listen.allowed_origins =
            vec!["https://app.example".into(), "https://*.preview.example.com".into()];
    });
    let gateway = setup.run().await;
    for origin in ["https://app.example", "https://pr-7.preview.example.com"] {
        assert_eq!(rejection(&gateway, origin).await, None, "{origin}");
    }
    for origin in [
        "https://preview.example.com",
        "https://a.b.preview.example.com",
        "http://pr-7.preview.example.com",
        "https://pr-7.preview.example.com.evil.test",
        "http://localhost:5173",
        "null",
    ] {
        let reason = rejection(&gateway, origin).await;
        assert_eq!(reason.as_deref(), Some("origin_denied"), "{origin}: no detail in production");
    }
}

#[tokio::test]
async fn rejected_fragments_have_no_effect() {
    let gateway = Gateway::dev().await;
    let start = json!({ "id": 0, "start": start_of("ada", "instance-1") }).to_string();
    // In one segment, and followed by a whole message.
    let fragments_of = |text: &str, count: usize| {
        let (first, rest) = text.as_bytes().split_at(text.len() - count + 1);
        let mut bytes = masked(FIRST, first);
        for (n, byte) in rest.iter().enumerate() {
            let first = if n + 1 == rest.len() { MORE | 0x80 } else { MORE };
            bytes.extend(masked(first, &[*byte]));
        }
        bytes
    };
    let mut raw = Raw::connect(&gateway).await;
    let bytes = [upgrade("").into_bytes(), fragments_of(&start, 65)].concat();
    raw.send(bytes).await;
    assert_eq!(raw.head().await.status(), 101);
    assert_eq!(raw.hear().await["disconnect"]["code"], 4501, "right behind the upgrade");
    assert_eq!(gateway.hub().sessions.count(), 0);

    let (mut ada, _) = Client::guest(&gateway, "ada", "instance-1").await;
    let renew = |id: u32| json!({ "id": id, "renew": {}, }).to_string() + &" ".repeat(111);
    let bytes = [fragments_of(&renew(1), 64), fragments_of(&renew(2), 111)].concat();
    ada.send_raw(&bytes).await;
    let closed = ada.closed().await;
    assert_eq!(closed.code, 4501);
    let replies: Vec<_> = closed.before.iter().filter(|message| message["id"] == 2).collect();
    assert_eq!(replies, Vec::<&serde_json::Value>::new(), "the second one has no effect");
}
