//! Bounds of HTTP: answers that are not read, probes, wrong keys, pings, and background tasks that fail.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use stagedoor::engine::Local;
use stagedoor::server::Stopped;
use stagedoor::store::Store;
use tokio::io::{AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpSocket;

use crate::common::raw::{PING, Raw, TEXT, masked, upgrade};
use crate::common::{Client, Faults, Gateway, Log, SERVER_KEY, Setup, start_of};
use crate::tls;

const HANDSHAKE_TIMEOUTS: &str = r#"stagedoor_limits_hit_total{limit="handshake_timeout"}"#;

fn metric(gateway: &Gateway, name: &str) -> u64 {
    let scrape = gateway.hub().scrape();
    let value = scrape.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    value.unwrap_or_else(|| panic!("{name} is missing")).parse().unwrap()
}

/// Sends requests without reading an answer until the gateway closes the connection.
async fn pipeline_until_closed(address: SocketAddr) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4 * 1024).unwrap();
    let mut stream = socket.connect(address).await.unwrap();
    write_until_closed(&mut stream).await;
}

async fn write_until_closed(stream: &mut (impl AsyncWrite + Unpin)) {
    let requests = "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(1_000);
    while stream.write_all(requests.as_bytes()).await.is_ok() {}
}

/// Each port takes one connection, for `handshake_timeout`.
fn one_connection_per_port(handshake_timeout: Duration) -> Setup {
    Setup::new().with(|config| {
        config.listen.admin_listen = "127.0.0.1:0".parse().ok();
        config.limits.handshake_timeout = handshake_timeout;
        config.limits.pending_connections = 1;
        config.limits.admin_connections = 1;
    })
}

#[tokio::test]
async fn unread_answers_end_the_connection_on_every_port() {
    let gateway = one_connection_per_port(Duration::from_millis(200)).run().await;
    for (closed, port) in [(1, gateway.address()), (2, gateway.admin_address())] {
        pipeline_until_closed(port).await;
        assert_eq!(metric(&gateway, HANDSHAKE_TIMEOUTS), closed, "counted");
    }
    // Their permits are free again.
    let mut raw = Raw::connect(&gateway).await;
    raw.send(upgrade("")).await;
    assert_eq!(raw.head().await.status(), 101);
    let mut raw = Raw::connect_to(gateway.admin_address()).await;
    raw.send("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    assert_eq!(raw.head().await.status(), 200);
}

#[tokio::test]
async fn unread_answers_end_the_connection_over_tls() {
    let (directory, issued) = (tempfile::tempdir().unwrap(), tls::issue());
    issued.write(directory.path(), "a");
    let certificate = tls::tls(directory.path(), "a").unwrap();
    let setup = one_connection_per_port(Duration::from_secs(2)).with(|config| {
        config.listen.tls = Some(certificate.clone());
        config.listen.admin_tls = Some(certificate);
    });
    let gateway = setup.run().await;
    for (closed, port) in [(1, gateway.address()), (2, gateway.admin_address())] {
        let mut stream = issued.connect(&port.to_string()).await.unwrap();
        write_until_closed(&mut stream).await;
        assert_eq!(metric(&gateway, HANDSHAKE_TIMEOUTS), closed, "counted");
        let mut next = issued.connect(&port.to_string()).await.unwrap();
        let head = tls::head(&mut next, "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
        assert!(head.starts_with("HTTP/1.1 200"), "its permit is free again: {head}");
    }
}

#[tokio::test]
async fn readiness_probes_the_store_at_most_once_a_second() {
    let gateway = Gateway::dev().await;
    let calls = "stagedoor_store_call_duration_seconds_count";
    let probe = async |count: usize| {
        let before = metric(&gateway, calls);
        let url = format!("http://{}/readyz", gateway.address());
        for _ in 0..count {
            assert_eq!(reqwest::get(&url).await.unwrap().status(), 200);
        }
        metric(&gateway, calls) - before
    };
    assert!(probe(50).await < 10, "one probe, and what the gateway does by itself");
    assert_eq!(probe(1).await, 0, "remembered");
    gateway.advance(Duration::from_secs(1));
    assert!(probe(1).await > 0, "a second later it is probed again");
}

#[tokio::test]
async fn wrong_keys_are_counted_and_limited_by_address() {
    let setup = Setup::new().with(|config| {
        config.limits.api_auth_failures_per_s = 1;
        config.limits.api_auth_failures_burst = 5;
        config.limits.exempt_loopback = false;
    });
    let gateway = setup.run().await;
    let node = async || {
        let url = format!("http://{}/api/v1/drain", gateway.address());
        let request = reqwest::Client::new().post(url).bearer_auth("sk_wrong");
        request.send().await.unwrap().status().as_u16()
    };
    for (case, headers) in [
        ("no key", &[][..]),
        ("a wrong key", &[("authorization", "Bearer sk_wrong")]),
        ("a token that is none", &[("authorization", "Bearer a.b.c")]),
        ("another scheme", &[("authorization", "Basic c2s6c2s=")]),
    ] {
        let answer = gateway.api_with(headers, "GET", "rooms", None).await;
        assert_eq!(
            (answer.status, answer.body["code"].as_str()),
            (401, Some("unauthorized")),
            "{case}"
        );
    }
    assert_eq!(node().await, 401, "calls about the node count as well");
    let answer = gateway.api_as("sk_wrong", "GET", "rooms", None).await;
    assert_eq!((answer.status, answer.header("retry-after")), (429, "1"));
    assert_eq!(node().await, 429);
    assert_eq!(metric(&gateway, "stagedoor_api_auth_failures_total"), 7);
    let limited = r#"stagedoor_limits_hit_total{limit="api_auth_failures_per_s"}"#;
    assert_eq!(metric(&gateway, limited), 2);
    let valid = gateway.api_as(SERVER_KEY, "GET", "rooms", None).await;
    assert_eq!(valid.status, 200, "a valid key is not limited by others behind its address");
    gateway.advance(Duration::from_secs(1));
    assert_eq!(gateway.api_as("sk_wrong", "GET", "rooms", None).await.status, 401);
}

#[tokio::test]
async fn wrong_keys_are_logged_once_an_address_and_minute() {
    let (log, gateway) = (Log::collect(), Gateway::dev().await);
    let lines = || log.with_message("server API call rejected");
    for _ in 0..5 {
        gateway.api_as("sk_wrong", "GET", "rooms", None).await;
    }
    let first = lines();
    assert_eq!(first.len(), 1, "{first:?}");
    assert_eq!((&first[0]["level"], &first[0]["address"]), (&json!("WARN"), &json!("127.0.0.1")));
    assert!(!first[0].to_string().contains("sk_wrong"), "no key in the log: {first:?}");
    gateway.advance(Duration::from_mins(1));
    for _ in 0..5 {
        gateway.api_as("sk_wrong", "GET", "rooms", None).await;
    }
    assert_eq!(lines().len(), 2);
}

#[tokio::test]
async fn every_answer_forbids_caching_and_sniffing() {
    let setup = Setup::new();
    let setup = setup.with(|config| config.listen.admin_listen = "127.0.0.1:0".parse().ok());
    let gateway = setup.run().await;
    let body = json!({ "username": "ada" }).to_string();
    let mint = format!(
        "POST /api/v1/apps/demo/sessions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {SERVER_KEY}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let get = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    for (port, request, status) in [
        (gateway.admin_address(), mint, 201),
        (gateway.admin_address(), get("/api/v1/apps/demo/rooms"), 401),
        (gateway.admin_address(), get("/api/openapi.json"), 200),
        (gateway.admin_address(), get("/metrics"), 200),
        (gateway.admin_address(), get("/nothing"), 404),
        (gateway.admin_address(), "GET / HTTP/1.1\r\n\r\n".to_owned(), 400),
        (gateway.address(), get("/livez"), 200),
        (gateway.address(), get("/v1/connect"), 426),
    ] {
        let mut raw = Raw::connect_to(port).await;
        raw.send(&request).await;
        let head = raw.head().await;
        assert_eq!(head.status(), status, "{request}");
        assert_eq!(head.header("cache-control"), Some("no-store"), "{request}");
        assert_eq!(head.header("x-content-type-options"), Some("nosniff"), "{request}");
    }
}

#[tokio::test]
async fn ping_flood_closes_the_connection() {
    let gateway = Setup::new().with(|config| config.limits.pings_burst = 5).run().await;
    for (kind, frame) in [
        ("pings", masked(PING, b"")),
        ("pongs", masked(0x8a, b"")),
        ("protocol pongs", masked(TEXT, br#"{"pong":{"seq":1}}"#)),
    ] {
        let (mut ada, started) = Client::guest(&gateway, "ada", "instance-1").await;
        ada.send_raw(&frame.repeat(5)).await;
        ada.request("postpone_renewal", json!({})).await.unwrap();
        ada.send_raw(&frame).await;
        let closed = ada.closed().await;
        assert_eq!((closed.code, &closed.disconnect["action"]), (4202, &json!("retry")), "{kind}");
        assert_eq!(closed.disconnect["retry_after_ms"], 100, "{kind}");
        // The session goes on.
        gateway.advance(Duration::from_secs(1));
        let (mut ada, _) = Client::resume(&gateway, &started, ada.last_seq).await;
        ada.request("end", json!({})).await.unwrap();
    }
    let mut early = Client::connect(&gateway).await;
    early.send_raw(&masked(PING, b"").repeat(6)).await;
    assert_eq!(early.closed().await.code, 4202, "before a session");
    let name = r#"stagedoor_limits_hit_total{limit="pings_per_s"}"#;
    assert_eq!(metric(&gateway, name), 4);
}

#[tokio::test]
async fn failing_background_task_shows_and_ends_the_process() {
    let gateway = Gateway::dev().await;
    let (mut ada, _) = Client::guest(&gateway, "ada", "instance-1").await;
    gateway.lifecycle().supervise("sweep", || async { panic!("a fault in the sweep") });
    let url = format!("http://{}/readyz", gateway.address());
    loop {
        let answer = reqwest::get(&url).await.unwrap();
        if answer.status() == 503 {
            assert_eq!(answer.text().await.unwrap(), "sweep panicked\n");
            break;
        }
    }
    assert!(metric(&gateway, "stagedoor_task_panics_total") > 0);
    assert!(ada.request("renew", json!({})).await.is_ok(), "sessions go on meanwhile");
    assert_eq!(ada.closed().await.code, 4200, "it drains in the end");
    assert_eq!(gateway.ended().await, Stopped::TaskFailed);
}

#[tokio::test]
async fn panicking_dispatcher_shows_and_ends_the_process() {
    let store = Faults::panicking("expire_messages", u64::MAX).await;
    let mut setup = Setup::new();
    let engine = Arc::new(Local::new(setup.test_clock(), 0));
    setup.joined = Some((store, engine));
    let gateway = setup.run().await;
    let url = format!("http://{}/readyz", gateway.address());
    loop {
        let answer = reqwest::get(&url).await.unwrap();
        if answer.status() == 503 {
            assert_eq!(answer.text().await.unwrap(), "webhook dispatcher panicked\n");
            break;
        }
    }
    let (mut ada, _) = Client::guest(&gateway, "ada", "instance-1").await;
    assert_eq!(ada.closed().await.code, 4200, "it drains in the end");
    assert_eq!(gateway.ended().await, Stopped::TaskFailed);
}

#[tokio::test]
async fn sweep_goes_on_after_a_panic() {
    let store = Faults::panicking("record_sessions", 1).await;
    let mut setup = Setup::new().with(|config| config.resume.window = Duration::from_secs(5));
    let engine = Arc::new(Local::new(setup.test_clock(), 0));
    setup.joined = Some((Arc::clone(&store) as Arc<dyn Store>, engine));
    let gateway = setup.run().await;
    let (mut ada, _) = Client::guest(&gateway, "ada", "instance-1").await;
    let (bob, _) = Client::guest(&gateway, "bob", "instance-2").await;
    bob.cut().await;
    gateway.suspended("bob").await;
    // The sweep records her end, and panics.
    ada.request("end", json!({})).await.unwrap();
    while store.observer().left() > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(gateway.hub().sessions.count(), 1);
    gateway.advance(Duration::from_secs(6));
    while gateway.hub().sessions.count() > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(metric(&gateway, "stagedoor_task_panics_total"), 1);
    assert!(!gateway.lifecycle().is_draining());
}

#[tokio::test]
async fn background_task_recovers_after_a_panic() {
    let gateway = Gateway::dev().await;
    let (report, mut reports) = tokio::sync::mpsc::channel::<Value>(1);
    let mut runs = 0;
    gateway.lifecycle().supervise("sweep", move || {
        runs += 1;
        let (run, report) = (runs, report.clone());
        async move {
            assert!(run > 1, "the first run fails");
            report.send(json!(run)).await.unwrap();
        }
    });
    assert_eq!(reports.recv().await, Some(json!(2)));
    Client::start(&gateway, start_of("ada", "instance-1")).await;
}
