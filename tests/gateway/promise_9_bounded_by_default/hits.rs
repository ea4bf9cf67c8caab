//! One step beyond each bound, and what came of it: `error …` of a reply, `close …` of a connection, `status …` of
//! HTTP.

use std::time::Duration;

use serde_json::{Value, json};

use super::counted::count_of;
use super::knock;
use crate::common::raw::{FIRST, MORE, PING, Raw, TEXT, masked};
use crate::common::{Client, Closed, Gateway, Person, SERVER_KEY, start_of};

/// More than what both ends of a connection hold when no side reads.
const FLOOD_BYTES: usize = 64 * 1024 * 1024;

fn error(answer: Result<Value, Value>) -> String {
    format!("error {}", answer.unwrap_err()["code"].as_str().unwrap())
}

/// Beside what the harness checks: that the code says what to do.
fn close(closed: &Closed) -> String {
    assert!(closed.disconnect["action"].is_string(), "{closed:?}");
    format!("close {}", closed.code)
}

async fn guest(gateway: &Gateway) -> Client {
    Client::guest(gateway, "ada", "instance-of-ada").await.0
}

pub async fn no_request(gateway: &Gateway) -> String {
    let mut raw = Raw::connect(gateway).await;
    assert_eq!(raw.ended().await, b"", "nothing was asked for");
    "hung up".to_owned()
}

pub async fn no_start(gateway: &Gateway) -> String {
    close(&Client::connect(gateway).await.closed().await)
}

pub async fn long_message(gateway: &Gateway) -> String {
    let mut ada = guest(gateway).await;
    ada.send_text(&" ".repeat(1_025)).await;
    close(&ada.closed().await)
}

pub async fn long_unfinished_message(gateway: &Gateway) -> String {
    let mut ada = guest(gateway).await;
    let message = masked(TEXT, &[b' '; 3_000]);
    ada.send_raw(&message[..100]).await;
    close(&ada.closed().await)
}

pub async fn long_room(gateway: &Gateway) -> String {
    // Six bytes on the wire for each character.
    let join = json!({ "room": "lobby", "data": "\u{1}".repeat(1_000) });
    for n in 0..30 {
        let person = gateway.enter_with(&format!("user-{n}"), join.clone()).await;
        let room = &person.joined["room"];
        assert!(room.to_string().len() < 128 * 1_024);
        if room["next"].is_string() {
            return "next".to_owned();
        }
    }
    "all at once".to_owned()
}

pub async fn fragments(gateway: &Gateway) -> String {
    let mut ada = guest(gateway).await;
    let parts = [masked(FIRST, b"{"), masked(MORE, b"").repeat(2)].concat();
    ada.send_raw(&parts).await;
    close(&ada.closed().await)
}

pub async fn deep_message(gateway: &Gateway) -> String {
    let mut client = Client::connect(gateway).await;
    client.send_text(&"[".repeat(100)).await;
    close(&client.closed().await)
}

pub async fn two_that_wait(gateway: &Gateway) -> String {
    let mut ada = guest(gateway).await;
    for _ in 0..2 {
        ada.begin("renew", json!({ "auth_token": "undecided" })).await;
    }
    close(&ada.closed().await)
}

pub async fn two_commands(gateway: &Gateway) -> String {
    let mut ada = guest(gateway).await;
    ada.request("postpone_renewal", json!({})).await.unwrap();
    error(ada.request("postpone_renewal", json!({})).await)
}

pub async fn two_pings(gateway: &Gateway) -> String {
    let mut ada = guest(gateway).await;
    ada.send_raw(&masked(PING, b"").repeat(2)).await;
    close(&ada.closed().await)
}

pub async fn two_joins(gateway: &Gateway) -> String {
    let mut ada = guest(gateway).await;
    ada.request("join", json!({ "room": "lobby" })).await.unwrap();
    error(ada.request("join", json!({ "room": "other" })).await)
}

pub async fn three_participants(gateway: &Gateway) -> String {
    let _bob = gateway.enter("bob", "publisher").await;
    let _eve = gateway.enter("eve", "publisher").await;
    error(guest(gateway).await.request("join", json!({ "room": "lobby" })).await)
}

pub async fn two_streams(gateway: &Gateway) -> String {
    let mut ada = gateway.enter("ada", "publisher").await;
    ada.publish().await;
    let screen = json!({ "kind": "screen", "has_audio": false, "has_video": true });
    error(ada.request("publish", json!({ "room": "lobby", "stream": screen })).await)
}

pub async fn two_signals(gateway: &Gateway) -> String {
    let mut ada = gateway.enter("ada", "publisher").await;
    let signal = json!({ "room": "lobby", "type": "chat", "data": 1 });
    ada.does("signal", signal.clone()).await;
    error(ada.request("signal", signal).await)
}

pub async fn two_moderator_signals(gateway: &Gateway) -> String {
    let mut host = gateway.enter("host", "moderator").await;
    let signal = json!({ "room": "lobby", "type": "chat", "data": 1 });
    host.does("signal", signal.clone()).await;
    error(host.request("signal", signal).await)
}

pub async fn two_large_signals(gateway: &Gateway) -> String {
    let mut ada = gateway.enter("ada", "publisher").await;
    let _bob = gateway.enter("bob", "publisher").await;
    let signal = json!({ "room": "lobby", "type": "chat", "data": "x".repeat(1_000) });
    ada.does("signal", signal.clone()).await;
    error(ada.request("signal", signal).await)
}

pub async fn two_rosters(gateway: &Gateway) -> String {
    let mut ada = gateway.enter("ada", "publisher").await;
    ada.does("roster", json!({ "room": "lobby" })).await;
    error(ada.request("roster", json!({ "room": "lobby" })).await)
}

pub async fn two_relays(gateway: &Gateway) -> String {
    let mut host = gateway.enter("host", "moderator").await;
    let mut ada = gateway.enter("ada", "publisher").await;
    let stream = host.publish().await["id"].clone();
    ada.does("subscribe", json!({ "stream": stream })).await;
    let relay = json!({ "to": host.id(), "stream": stream, "data": "x".repeat(500) });
    ada.does("relay", relay.clone()).await;
    error(ada.request("relay", relay).await)
}

pub async fn two_denials(gateway: &Gateway) -> String {
    let mut ada = gateway.enter("ada", "publisher").await;
    ada.request("lock_room", json!({ "room": "lobby" })).await.unwrap_err();
    error(ada.request("unlock_room", json!({ "room": "lobby" })).await)
}

pub async fn forgotten_room(gateway: &Gateway) -> String {
    let mut host = gateway.enter("host", "moderator").await;
    let lock = json!({ "room": "lobby", "ref": "once" });
    host.does("lock_room", lock.clone()).await;
    host.does("leave", json!({ "room": "lobby" })).await;
    while count_of(gateway, "room_stubs") == 0 {
        tokio::task::yield_now().await;
    }
    error(host.request("lock_room", lock).await)
}

pub async fn two_roles(gateway: &Gateway) -> String {
    let mut host = gateway.enter("host", "moderator").await;
    for name in ["ada", "bob"] {
        let id = gateway.enter(name, "publisher").await.id();
        let demote = json!({ "room": "lobby", "participant": id, "role": "subscriber" });
        match host.request("set_role", demote).await {
            Ok(_) => drop(host.durable_receipt().await),
            refused @ Err(_) => return error(refused),
        }
    }
    "two roles".to_owned()
}

pub async fn two_instances(gateway: &Gateway) -> String {
    let (mut ada, _) = gateway.registered("ada", "instance-of-ada", json!({})).await;
    let _other = gateway.registered("ada", "another-instance", json!({})).await;
    close(&ada.closed().await)
}

pub async fn forgotten_instance(gateway: &Gateway) -> String {
    let (mut ada, started) = gateway.registered("ada", "instance-of-ada", json!({})).await;
    ada.request("end", json!({ "revoke": false })).await.unwrap();
    ada.closed().await;
    let _other = gateway.registered("ada", "another-instance", json!({})).await;
    let mut start = start_of("ada", "instance-of-ada");
    start["credentials"] = json!({ "token": started["access_token"] });
    close(&Client::refused(gateway, json!({ "id": 0, "start": start })).await)
}

pub async fn idle_name(gateway: &Gateway) -> String {
    let (ada, _) = Client::guest(gateway, "ada", "instance-of-ada").await;
    ada.cut().await;
    gateway.suspended("ada").await;
    let start = start_of("bob", "instance-of-bob");
    close(&Client::refused(gateway, json!({ "id": 0, "start": start })).await)
}

pub async fn two_users(gateway: &Gateway) -> String {
    let _ada = guest(gateway).await;
    let start = start_of("bob", "instance-of-bob");
    close(&Client::refused(gateway, json!({ "id": 0, "start": start })).await)
}

pub async fn slow_reader(gateway: &Gateway) -> String {
    let mut ada = gateway.enter("ada", "publisher").await;
    let mut host = gateway.enter("host", "moderator").await;
    let data = "x".repeat(8_000);
    for _ in 0..FLOOD_BYTES / data.len() {
        host.does("signal", json!({ "room": "lobby", "type": "n", "data": data })).await;
        if !host.received_of("participant_link").await.is_empty() {
            return close(&ada.closed().await);
        }
    }
    "kept".to_owned()
}

pub async fn many_missed_frames(gateway: &Gateway) -> String {
    let ada = gateway.enter("ada", "publisher").await.cut().await;
    let mut host = gateway.enter("host", "moderator").await;
    gateway.suspended("ada").await;
    for _ in 0..10 {
        let data = "x".repeat(8_000);
        host.does("signal", json!({ "room": "lobby", "type": "n", "data": data })).await;
    }
    while count_of(gateway, "ring_bytes_total") == 0 {
        tokio::task::yield_now().await;
    }
    let mut ada = Person::resume(gateway, ada).await;
    let received = ada.received().await;
    let reset = received.into_iter().find(|(name, _)| name == "room_reset");
    reset.map_or_else(|| "no reset".to_owned(), |(name, _)| name)
}

pub async fn late_return(gateway: &Gateway) -> String {
    let (ada, started) = Client::guest(gateway, "ada", "instance-of-ada").await;
    let last_seq = ada.last_seq;
    ada.cut().await;
    gateway.suspended("ada").await;
    gateway.advance(Duration::from_secs(2));
    while gateway.hub().sessions.count() > 0 {
        tokio::task::yield_now().await;
    }
    close(&Client::resume_refused(gateway, &started, last_seq).await)
}

pub async fn two_resumes(gateway: &Gateway) -> String {
    let (ada, mut started) = Client::guest(gateway, "ada", "instance-of-ada").await;
    let (ada, resumed) = Client::resume(gateway, &started, ada.last_seq).await;
    started["resume"] = resumed["resume"].clone();
    close(&Client::resume_refused(gateway, &started, ada.last_seq).await)
}

pub async fn two_silent(gateway: &Gateway) -> String {
    let _first = Client::connect(gateway).await;
    let (_second, head) = knock(gateway).await;
    assert_eq!(head.header("retry-after"), Some("1"));
    format!("status {}", head.status())
}

pub async fn long_params(gateway: &Gateway) -> String {
    let mut start = start_of("ada", "instance-of-ada");
    start["credentials"] = json!({ "params": "x".repeat(1_024) });
    close(&Client::refused(gateway, json!({ "id": 0, "start": start })).await)
}

pub async fn long_data(gateway: &Gateway) -> String {
    let join = json!({ "room": "lobby", "data": "x".repeat(11) });
    error(guest(gateway).await.request("join", join).await)
}

pub async fn two_calls(gateway: &Gateway) -> String {
    gateway.api_does("GET", "rooms", Value::Null).await;
    let answer = gateway.api("GET", "rooms", None).await;
    assert_eq!(answer.header("retry-after"), "1");
    format!("status {} {}", answer.status, answer.body["code"].as_str().unwrap())
}

pub async fn two_wrong_keys(gateway: &Gateway) -> String {
    assert_eq!(gateway.api_as("sk_wrong", "GET", "rooms", None).await.status, 401);
    let answer = gateway.api_as("sk_wrong", "GET", "rooms", None).await;
    assert_eq!(answer.header("retry-after"), "1");
    format!("status {} {}", answer.status, answer.body["code"].as_str().unwrap())
}

/// However few descriptors are left, 16 connections are accepted.
pub async fn many_connections(gateway: &Gateway) -> String {
    let mut accepted = Vec::new();
    for _ in 0..16 {
        accepted.push(knock(gateway).await.0);
    }
    let mut rejected = Raw::connect(gateway).await;
    assert_eq!(rejected.ended().await, b"");
    "hung up".to_owned()
}

pub async fn long_body(gateway: &Gateway) -> String {
    let body = json!({ "username": "ada", "reason": "x".repeat(1_024) });
    let (status, code) = gateway.api_fails("sessions", body).await;
    format!("status {status} {code}")
}

pub async fn endless_body(gateway: &Gateway) -> String {
    let mut raw = Raw::connect(gateway).await;
    raw.send(format!(
        "POST /api/v1/apps/demo/sessions HTTP/1.1\r\nHost: localhost\r\n\
         Authorization: Bearer {SERVER_KEY}\r\nContent-Length: 100\r\n\r\n{{"
    ))
    .await;
    format!("status {}", raw.head().await.status())
}

pub async fn two_to_the_admin_port(gateway: &Gateway) -> String {
    let request = "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let mut first = Raw::connect_to(gateway.admin_address()).await;
    first.send(request).await;
    assert_eq!(first.head().await.status(), 200);
    let mut second = Raw::connect_to(gateway.admin_address()).await;
    second.send(request).await;
    let head = second.head().await;
    assert_eq!(head.header("retry-after"), Some("1"));
    format!("status {}", head.status())
}
