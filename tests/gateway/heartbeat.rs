//! Pings, activity, and connections that are considered lost.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use stagedoor::hub::SessionHandle;

use crate::common::raw::{FIRST, MORE, PING, masked};
use crate::common::{Client, Gateway, Setup, start_of};

/// The interval and the timeout of development mode, announced to every client.
const INTERVAL: Duration = Duration::from_secs(25);
const TIMEOUT: Duration = Duration::from_secs(10);

fn only_session(gateway: &Gateway) -> Arc<SessionHandle> {
    let sessions = gateway.hub().sessions.list("demo");
    assert_eq!(sessions.len(), 1);
    Arc::clone(&sessions[0])
}

fn received_frames(gateway: &Gateway) -> u64 {
    let scrape = gateway.hub().scrape();
    let name = "stagedoor_received_frames_total ";
    scrape.lines().find_map(|line| line.strip_prefix(name)).unwrap().parse().unwrap()
}

/// Waits until the gateway has taken note of something that came in now.
async fn noted(gateway: &Gateway, session: &SessionHandle) {
    while session.activity().last_frame() != gateway.clock().monotonic() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn announced_heartbeat_is_applied() {
    let gateway = Gateway::dev().await;
    let (_client, started) = Client::guest(&gateway, "ada", "instance-1").await;
    assert_eq!(started["heartbeat"]["interval_ms"], json!(INTERVAL.as_millis()));
    assert_eq!(started["heartbeat"]["timeout_ms"], json!(TIMEOUT.as_millis()));
}

#[tokio::test]
async fn silence_is_pinged_once_and_then_given_up_and_can_be_resumed() {
    let gateway = Gateway::dev().await;
    let (mut client, started) = Client::guest(&gateway, "ada", "instance-1").await;
    client.request("postpone_renewal", json!({})).await.unwrap();
    gateway.advance(INTERVAL);
    assert_eq!(client.hear().await, json!({ "ping": {} }));
    gateway.advance(TIMEOUT);
    let closed = client.closed().await;
    assert_eq!((closed.code, &*closed.reason), (4301, "heartbeat_lost"));
    assert_eq!(closed.disconnect["action"], "resume");
    assert_eq!(closed.before, Vec::<serde_json::Value>::new(), "one ping is out at a time");

    let (mut client, resumed) = Client::resume(&gateway, &started, client.last_seq).await;
    assert_eq!((&resumed["state"], &resumed["replayed_count"]), (&json!("established"), &json!(0)));
    assert!(client.request("renew", json!({})).await.is_ok());
    gateway.advance(INTERVAL);
    client.push("ping").await;
}

#[tokio::test]
async fn who_is_never_silent_is_asked_what_it_has() {
    let gateway = Gateway::dev().await;
    let (mut client, _) = Client::guest(&gateway, "ada", "instance-1").await;
    for _ in 0..4 {
        gateway.advance(INTERVAL / 5);
        client.request("postpone_renewal", json!({})).await.unwrap();
    }
    gateway.advance(INTERVAL / 5);
    client.push("ping").await;
}

#[tokio::test]
async fn answering_connection_is_pinged_after_next_silence() {
    let gateway = Gateway::dev().await;
    let (mut client, _) = Client::guest(&gateway, "ada", "instance-1").await;
    let session = only_session(&gateway);
    for _ in 0..4 {
        gateway.advance(INTERVAL);
        assert_eq!(client.hear().await, json!({ "ping": {} }));
        gateway.advance(TIMEOUT / 2);
        client.send(json!({ "pong": { "seq": client.last_seq } })).await;
        noted(&gateway, &session).await;
    }
    assert!(client.request("renew", json!({})).await.is_ok());
}

#[tokio::test]
async fn pings_amid_a_message_that_does_not_end_are_no_activity() {
    let gateway = Gateway::dev().await;
    let (mut client, _) = Client::guest(&gateway, "ada", "instance-1").await;
    client.send_raw(&masked(FIRST, &[b' '; 2_000])).await;
    gateway.advance(INTERVAL);
    client.push("ping").await;
    let before = received_frames(&gateway);
    client.send_raw(&masked(PING, b"")).await;
    while received_frames(&gateway) == before {
        tokio::task::yield_now().await;
    }
    gateway.advance(TIMEOUT);
    assert_eq!(client.closed().await.code, 4301);
}

#[tokio::test]
async fn any_frame_counts_as_activity() {
    let gateway = Gateway::dev().await;
    let (mut client, _) = Client::guest(&gateway, "ada", "instance-1").await;
    let session = only_session(&gateway);
    let text = br#"{"id":7,"postpone_renewal":{}}"#;
    let halves = [masked(FIRST, &text[..9]), masked(MORE | 0x80, &text[9..])].concat();
    for (case, bytes) in [
        ("a pong", masked(0x81, br#"{"pong":{"seq":1}}"#)),
        ("a request", masked(0x81, text)),
        ("a request in two frames", halves),
        ("a request for nothing that is known", masked(0x81, br#"{"id":8,"dance":{}}"#)),
        ("a request that is malformed", masked(0x81, br#"{"id":9,"join":{"room":""}}"#)),
        ("a WebSocket's ping", masked(PING, b"")),
        ("a WebSocket's pong", masked(0x8a, b"")),
    ] {
        gateway.advance(INTERVAL.saturating_sub(Duration::from_millis(1)));
        assert!(session.activity().last_frame() < gateway.clock().monotonic(), "{case}");
        client.send_raw(&bytes).await;
        noted(&gateway, &session).await;
    }
    assert!(client.request("renew", json!({})).await.is_ok());
}

#[tokio::test]
async fn half_a_frame_is_no_life() {
    let gateway = Gateway::dev().await;
    let (mut client, _) = Client::guest(&gateway, "ada", "instance-1").await;
    client.send_raw(&masked(0x81, br#"{"pong":{"seq":1}}"#)[..9]).await;
    gateway.advance(INTERVAL);
    client.push("ping").await;
    gateway.advance(TIMEOUT);
    assert_eq!(client.closed().await.code, 4301);
}

#[tokio::test]
async fn active_connection_is_not_pinged() {
    let gateway = Gateway::dev().await;
    let (mut talker, _) = Client::guest(&gateway, "ada", "instance-1").await;
    let (mut silent, _) = Client::guest(&gateway, "bob", "instance-2").await;
    for _ in 0..6 {
        // What the silent one receives shows that the sweep has looked at both.
        for _ in 0..2 {
            let asked = talker.begin("postpone_renewal", json!({})).await;
            let reply = talker.hear().await;
            assert_eq!(reply["id"], json!(asked), "{reply}");
            gateway.advance(INTERVAL / 2);
        }
        silent.push("ping").await;
        silent.send(json!({ "pong": { "seq": silent.last_seq } })).await;
        silent.request("postpone_renewal", json!({})).await.unwrap();
        talker.request("postpone_renewal", json!({})).await.unwrap();
    }
}

/// Sends a ping; the answer must be the next message.
async fn ping(client: &mut Client, id: u32) -> serde_json::Value {
    client.send(json!({ "id": id, "ping": {} })).await;
    client.hear().await
}

#[tokio::test]
async fn ping_is_answered_in_every_state_without_a_seq() {
    let gateway = Gateway::dev().await;
    let claims = json!({ "scope": "session", "sub": "ada", "ttl_s": 60 });
    let mut start = start_of("ada", "instance-1");
    start["credentials"] = json!({ "token": gateway.token(claims) });
    let (mut client, started) = Client::start(&gateway, start).await;
    let now = || json!(gateway.clock().wall().as_millis());
    let answer = |id: u32| json!({ "id": id, "ok": { "pong": { "time_ms": now() } } });

    assert_eq!(ping(&mut client, 7).await, answer(7), "established");
    let last_seq = client.last_seq;
    client.cut().await;
    gateway.suspended("ada").await;
    let (mut client, resumed) = Client::resume(&gateway, &started, last_seq).await;
    assert_eq!(resumed["pending"], json!([]));
    assert_eq!(ping(&mut client, 7).await, answer(7), "resumed; the id may be used again");

    for _ in 0..6 {
        client.send(json!({ "pong": { "seq": client.last_seq } })).await;
        client.request("postpone_renewal", json!({})).await.unwrap();
        gateway.advance(Duration::from_secs(10));
    }
    while client.push("session_state").await["state"] != "tokenExpired" {}
    assert_eq!(ping(&mut client, 8).await, answer(8), "expired");
}

#[tokio::test]
async fn ping_does_not_count_as_a_request_or_command() {
    let gateway = Setup::new()
        .with(|config| {
            config.limits.commands_burst = 1;
            config.limits.requests_in_flight = 1;
        })
        .run()
        .await;
    let (mut client, _) = Client::guest(&gateway, "ada", "instance-1").await;
    let texts = (0..20).map(|_| masked(0x81, br#"{"id":7,"ping":{}}"#));
    client.send_raw(&texts.collect::<Vec<_>>().concat()).await;
    for _ in 0..20 {
        assert!(client.hear().await.pointer("/ok/pong").is_some());
    }
    assert!(client.request("renew", json!({})).await.is_ok());
}

#[tokio::test]
async fn pings_beyond_their_rate_close_the_connection() {
    let gateway = Setup::new().with(|config| config.limits.pings_burst = 5).run().await;
    let (mut client, started) = Client::guest(&gateway, "ada", "instance-1").await;
    for id in 0..6 {
        client.send(json!({ "id": id, "ping": {} })).await;
    }
    let closed = client.closed().await;
    assert_eq!(closed.code, 4202);
    assert!(closed.before.len() <= 5, "{:?}", closed.before);
    assert!(closed.disconnect["retry_after_ms"].is_u64(), "{}", closed.disconnect);
    let (mut client, _) = Client::resume(&gateway, &started, client.last_seq).await;
    client.send(json!({ "id": 1, "renew": {} })).await;
    assert_eq!(client.hear().await["id"], json!(1), "no answer to a ping is replayed");
}

#[tokio::test]
async fn ping_before_the_start_is_rejected() {
    let gateway = Gateway::dev().await;
    let closed = Client::refused(&gateway, json!({ "id": 7, "ping": {} })).await;
    assert_eq!(closed.code, 4502);
    assert_eq!(closed.before[0]["error"]["code"], "not_allowed_now");
    let (mut client, _) = Client::guest(&gateway, "ada", "instance-1").await;
    for (text, code) in [
        (r#"{"id":7,"ping":[]}"#, "malformed"),
        (r#"{"id":7,"ping":{},"end":{}}"#, "malformed"),
        (r#"{"id":7,"ping":{},"pong":{"seq":1}}"#, "malformed"),
    ] {
        client.send_text(text).await;
        assert_eq!(client.hear().await["error"]["code"], code, "{text}");
    }
    client.send_text(r#"{"ping":{}}"#).await;
    assert_eq!(client.closed().await.code, 4500, "a ping has an id");
}
