//! The memory of all replay buffers has a bound. Beyond it the largest buffer goes, and its client learns of that.

use serde_json::{Value, json};

use super::counted::count_of;
use crate::common::raw::{TEXT, masked};
use crate::common::{Client, Gateway, Person, Setup};

const TOTAL: usize = 64 * 1024;
/// Signals of 8 KB that exceed [`TOTAL`].
const MANY: u32 = 12;

async fn gateway() -> Gateway {
    let setup = Setup::new().with(|config| {
        config.resume.ring_bytes_total = TOTAL;
        config.limits.commands_burst = 1_000_000;
        config.limits.signals_per_s_per_room = 1_000_000;
    });
    setup.run().await
}

async fn signal(host: &mut Person, room: &str, times: u32, len: usize) {
    for n in 0..times {
        let data = json!([n, "x".repeat(len)]);
        host.does("signal", json!({ "room": room, "type": "n", "data": data })).await;
    }
}

async fn counted(gateway: &Gateway) {
    while count_of(gateway, "ring_bytes_total") == 0 {
        tokio::task::yield_now().await;
    }
}

/// Whether what a resumed client received has the reply to its last request.
fn has_reply(received: &[(String, Value)]) -> bool {
    received.iter().any(|(name, body)| name == "ok" && body.get("postponed").is_some())
}

fn count(received: &[(String, Value)], name: &str) -> usize {
    received.iter().filter(|(received, _)| received == name).count()
}

#[tokio::test]
async fn largest_suspended_buffer_is_dropped_and_reset() {
    let gateway = gateway().await;
    let mut host = gateway.enter("host", "moderator").await;
    let mut ada = gateway.enter("ada", "publisher").await;
    let token = gateway.token(json!({ "scope": "room", "room": "hall", "role": "publisher" }));
    let hall = json!({ "room": "hall", "token": token });
    let bob = gateway.enter_with("bob", hall.clone()).await;
    host.does("join", hall).await;

    let seen = ada.last_seq;
    ada.does("postpone_renewal", json!({})).await;
    let (ada, bob) = ((ada.cut().await.0, seen), bob.cut().await);
    gateway.suspended("ada").await;
    gateway.suspended("bob").await;
    signal(&mut host, "hall", 3, 1_000).await;
    signal(&mut host, "lobby", MANY, 8_000).await;
    counted(&gateway).await;
    assert_eq!(count_of(&gateway, "ring_bytes_total"), 1, "no more than necessary");

    let mut bob = Person::resume(&gateway, bob).await;
    let received = bob.received().await;
    assert_eq!((count(&received, "signal"), count(&received, "room_reset")), (3, 0));
    let mut ada = Person::resume(&gateway, ada).await;
    let received = ada.received().await;
    assert_eq!((count(&received, "signal"), count(&received, "room_reset")), (0, 1));
    assert!(has_reply(&received), "replies stay: {received:?}");
    assert!(host.received_of("participant_left").await.is_empty());
}

#[tokio::test]
async fn live_session_with_most_unconfirmed_bytes_is_closed() {
    let gateway = gateway().await;
    let mut host = gateway.enter("host", "moderator").await;
    let mut ada = gateway.enter("ada", "publisher").await;
    let mut bystander = Client::guest(&gateway, "bob", "instance-of-bob").await.0;
    let seen = ada.last_seq;
    ada.does("postpone_renewal", json!({})).await;
    // She reads all of it and confirms nothing.
    signal(&mut host, "lobby", MANY, 8_000).await;
    let started = ada.started.clone();
    let closed = ada.into_client().closed().await;
    assert_eq!((closed.code, &closed.disconnect["action"]), (4203, &json!("retry")));

    let mut ada = Person::resume(&gateway, (started, seen)).await;
    let received = ada.received().await;
    assert_eq!((count(&received, "signal"), count(&received, "room_reset")), (0, 1));
    assert!(has_reply(&received), "replies stay: {received:?}");
    assert!(bystander.request("renew", json!({})).await.is_ok());
    host.does("signal", json!({ "room": "lobby", "type": "n", "data": 0 })).await;
}

#[tokio::test]
async fn buffer_of_replies_alone_is_bounded_too() {
    let gateway = gateway().await;
    let mut bystander = Client::guest(&gateway, "bob", "instance-of-bob").await.0;
    let (mut ada, started) = Client::guest(&gateway, "ada", "instance-of-ada").await;
    let seen = ada.last_seq;
    let requests = (1..800)
        .map(|id| masked(TEXT, json!({ "id": id, "postpone_renewal": {} }).to_string().as_bytes()));
    ada.send_raw(&requests.collect::<Vec<_>>().concat()).await;
    assert_eq!(ada.closed().await.code, 4203);
    assert_eq!(Client::resume_refused(&gateway, &started, seen).await.code, 4400);
    assert!(bystander.request("renew", json!({})).await.is_ok());
    assert!(count_of(&gateway, "ring_bytes_total") >= 2);
}

#[tokio::test]
async fn replay_memory_is_shown_and_released() {
    let gateway = Gateway::dev().await;
    let bytes = || {
        let scrape = gateway.hub().scrape();
        let sample =
            scrape.lines().find_map(|line| line.strip_prefix("stagedoor_replay_buffers_bytes "));
        sample.unwrap().parse::<usize>().unwrap()
    };
    assert_eq!(bytes(), 0);
    let mut host = gateway.enter("host", "moderator").await;
    let ada = gateway.enter("ada", "publisher").await;
    let (bob, before) = (gateway.enter("bob", "publisher").await, bytes());
    let (_, _) = (ada.cut().await, bob.cut().await);
    signal(&mut host, "lobby", 10, 4_000).await;
    let held = bytes() - before;
    assert!((40_000..60_000).contains(&held), "{held}: both hold the same bodies");
    for session in gateway.hub().sessions.list("demo") {
        gateway.hub().sessions.terminate("demo", session.id(), None, None);
    }
    host.closed().await;
    while bytes() > 0 {
        tokio::task::yield_now().await;
    }
}
