//! Clients that do not read, or do not acknowledge.

use serde_json::{Value, json};

use super::unlimit;
use crate::common::proxy::{Proxy, Way};
use crate::common::{Gateway, Person, Setup, Survivor, start_of};

/// What the rings of these tests hold.
const FRAMES: usize = 64;
const BYTES: usize = 256 * 1024;

async fn gateway() -> Gateway {
    let gateway = Setup::new().with(|config| {
        unlimit(config);
        config.resume.ring_frames = FRAMES;
        config.resume.ring_bytes = BYTES;
    });
    gateway.run().await
}

async fn say(host: &mut Person, data: &Value) {
    host.does("signal", json!({ "room": "lobby", "type": "n", "data": data })).await;
}

#[tokio::test]
async fn stalled_reader_is_isolated_and_gets_a_room_reset() {
    let gateway = gateway().await;
    let mut host = gateway.enter("host", "moderator").await;
    let mut bob = gateway.enter("bob", "publisher").await;
    let proxy = Proxy::passing(&gateway).await;
    let mut ada = Survivor::start(&proxy.url(), start_of("ada", "instance-of-ada")).await;
    ada.does("join", json!({ "room": "lobby" })).await;
    host.received().await;
    proxy.hold(Way::Down);
    // Until both sockets and the ring are full.
    let mut said = 0;
    let link = loop {
        assert!(said < 20_000, "a reader that never reads is noticed");
        say(&mut host, &json!([said, "x".repeat(8_000)])).await;
        assert_eq!(bob.push("signal").await["data"][0], said, "bob hears all, in order");
        said += 1;
        if let Some(link) = host.received_of("participant_link").await.pop() {
            break link;
        }
    };
    assert_eq!(link["link"], "suspended");
    proxy.release(Way::Down);
    ada.hear_out().await;
    let received = ada.heard_of("disconnect");
    assert_eq!((&received[0]["code"], &received[0]["action"]), (&json!(4203), &json!("retry")));

    let resumed = ada.resume(&gateway.url()).await;
    assert!(resumed["replayed_count"].as_u64().unwrap() <= FRAMES as u64, "{resumed}");
    ada.catch_up().await;
    assert_eq!(ada.heard_of("room_reset").len(), 1);
    let heard: Vec<u64> = ada
        .heard_of("signal")
        .iter()
        .map(|received| received["data"][0].as_u64().unwrap())
        .collect();
    let len = heard.len() as u64;
    assert_eq!(heard, (0..len).collect::<Vec<_>>(), "what was written came once and in order");
    assert!(len < said, "and what was not is behind the reset");
    assert!(host.received_of("participant_left").await.is_empty());
}

#[tokio::test]
async fn client_without_pongs_stays_within_its_ring() {
    let gateway = gateway().await;
    let mut host = gateway.enter("host", "moderator").await;
    let mut ada = Survivor::start(&gateway.url(), start_of("ada", "instance-of-ada")).await;
    ada.does("join", json!({ "room": "lobby" })).await;
    let forgetful = ada.started.clone();
    for n in 0..FRAMES * 3 {
        say(&mut host, &json!(n)).await;
        ada.catch_up().await;
        gateway.advance(std::time::Duration::from_secs(4));
    }
    assert_eq!(ada.heard_of("signal").len(), FRAMES * 3);
    ada.check_numbers();
    assert!(ada.heard_of("disconnect").is_empty());
    // One that remembers nothing gets what the ring has and a reset for the rest.
    ada.cut().await;
    gateway.suspended("ada").await;
    let (mut client, resumed) = crate::common::Client::resume(&gateway, &forgetful, 0).await;
    assert!(resumed["replayed_count"].as_u64().unwrap() <= FRAMES as u64, "{resumed}");
    assert_eq!(client.push("room_reset").await["room"], "lobby");
}

#[tokio::test]
async fn too_high_last_seq_gets_a_room_reset() {
    let gateway = gateway().await;
    let mut host = gateway.enter("host", "moderator").await;
    let mut ada = gateway.enter("ada", "publisher").await;
    let remembered = ada.last_seq;
    say(&mut host, &json!(1)).await;
    ada.push("signal").await;
    let seen = ada.last_seq;
    ada.send(json!({ "pong": { "seq": seen } })).await;
    ada.received().await;
    let (started, _) = ada.cut().await;
    let mut ada = Person::resume(&gateway, (started, remembered)).await;
    let received = ada.received().await;
    assert_eq!(received.iter().filter(|(name, _)| name == "room_reset").count(), 1, "{received:?}");
}
