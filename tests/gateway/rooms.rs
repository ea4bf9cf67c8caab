//! Rooms over the wire: joining, snapshots and later changes, signals, streams, links.

use std::time::Duration;

use serde_json::{Value, json};

use crate::common::{Client, Gateway};

/// A guest in the room `lobby`: the client, what `started` and what `joined` said.
pub(crate) async fn joined(gateway: &Gateway, username: &str) -> (Client, Value, Value) {
    let (mut client, started) =
        Client::guest(gateway, username, &format!("instance-of-{username}")).await;
    let reply = client.request("join", json!({ "room": "lobby" })).await.unwrap();
    (client, started, reply["joined"].clone())
}

#[tokio::test]
async fn joiner_gets_the_roster_and_is_announced() {
    let gateway = Gateway::dev().await;
    let (mut ada, _, first) = joined(&gateway, "ada").await;
    assert_eq!(first["room"]["counts"]["participants"], 1);
    assert_eq!(first["capabilities"]["moderate"], false);
    let (_bob, _, second) = joined(&gateway, "bob").await;
    assert_eq!(second["room"]["participants"].as_array().unwrap().len(), 2);
    let announced = ada.push("participant_joined").await;
    assert_eq!(announced["participant"]["username"], "bob");
    assert_eq!(announced["version"], second["room"]["version"]);
}

#[tokio::test]
async fn a_signal_reaches_the_others_untouched_and_not_its_sender() {
    let gateway = Gateway::dev().await;
    let (mut ada, ..) = joined(&gateway, "ada").await;
    let (mut bob, ..) = joined(&gateway, "bob").await;
    let sent = ada
        .request(
            "signal",
            json!({ "room": "lobby", "type": "chat", "data": { "text": "hi", "n": 1 } }),
        )
        .await
        .unwrap();
    assert_eq!(sent["sent"]["recipients"], 1);
    let heard = bob.push("signal").await;
    assert_eq!(heard["data"], json!({ "text": "hi", "n": 1 }));
    assert_eq!(heard["from"]["username"], "ada");
    assert_eq!(heard["order"], sent["sent"]["order"]);
    bob.request("signal", json!({ "room": "lobby", "type": "chat", "data": 2 })).await.unwrap();
    assert_eq!(ada.push("signal").await["data"], 2, "its own signal never came back");
}

#[tokio::test]
async fn lost_connection_is_suspended_before_left() {
    let gateway = Gateway::dev().await;
    let (mut ada, ..) = joined(&gateway, "ada").await;
    let (bob, started, _) = joined(&gateway, "bob").await;
    ada.push("participant_joined").await;
    let last_seq = bob.last_seq;
    bob.cut().await;
    assert_eq!(ada.push("participant_link").await["link"], "suspended");
    ada.request("signal", json!({ "room": "lobby", "type": "chat", "data": "missed" }))
        .await
        .unwrap();
    let (mut bob, resumed) = Client::resume(&gateway, &started, last_seq).await;
    assert!(resumed["replayed_count"].as_u64().unwrap() >= 1);
    assert_eq!(ada.push("participant_link").await["link"], "live");
    assert_eq!(bob.push("signal").await["data"], "missed");
    gateway.advance(Duration::from_secs(1));
    bob.cut().await;
    assert_eq!(ada.push("participant_link").await["link"], "suspended");
    // In steps, so that ada shows life meanwhile.
    for _ in 0..7 {
        gateway.advance(Duration::from_secs(5));
        ada.request("signal", json!({ "room": "lobby", "type": "chat", "data": 1 })).await.unwrap();
    }
    assert_eq!(ada.push("participant_left").await["reason"], "network_lost");
}

#[tokio::test]
async fn commands_of_a_room_one_is_not_in_are_refused() {
    let gateway = Gateway::dev().await;
    let (mut ada, _) = Client::guest(&gateway, "ada", "instance-1").await;
    for (command, body, code) in [
        ("signal", json!({ "room": "lobby", "type": "chat", "data": 1 }), "not_in_room"),
        ("leave", json!({ "room": "lobby" }), "not_in_room"),
        ("roster", json!({ "room": "lobby" }), "not_in_room"),
        ("lock_room", json!({ "room": "lobby" }), "not_in_room"),
        ("subscribe", json!({ "stream": "AAAAAAAAAAAAAAAAAAAAAA" }), "stream_not_found"),
    ] {
        let error = ada.request(command, body).await.unwrap_err();
        assert_eq!(error["code"], code, "{command}");
    }
}

#[tokio::test]
async fn commands_sent_behind_a_join_find_the_room_entered() {
    let gateway = Gateway::dev().await;
    let (mut ada, _) = Client::guest(&gateway, "ada", "instance-1").await;
    let join = ada.begin("join", json!({ "room": "lobby" })).await;
    let stream = json!({ "kind": "camera", "has_audio": true, "has_video": true });
    let publish = ada.begin("publish", json!({ "room": "lobby", "stream": stream })).await;
    assert!(ada.reply(join).await.is_ok());
    assert!(ada.reply(publish).await.is_ok());
}
