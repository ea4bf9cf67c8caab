//! A room spans both nodes: one roster, one order of signals, one moderation.

use std::time::Duration;

use serde_json::{Value, json};

use crate::common::Person;
use crate::nodes::Nodes;

/// The usernames in the roster that a client receives.
async fn roster(person: &mut Person) -> Vec<String> {
    let page = person.does("roster", json!({ "room": "lobby" })).await;
    let participants = page["roster"]["participants"].as_array().unwrap().clone();
    let mut names: Vec<String> = participants
        .iter()
        .map(|participant| participant["username"].as_str().unwrap().to_owned())
        .collect();
    names.sort_unstable();
    names
}

#[tokio::test]
async fn who_joins_on_either_node_is_in_one_room() {
    let nodes = Nodes::start().await;
    let mut host = nodes.one.enter("host", "moderator").await;
    let mut ada = nodes.other.enter("ada", "publisher").await;
    assert_eq!(host.push("participant_joined").await["participant"]["username"], "ada");
    for person in [&mut host, &mut ada] {
        assert_eq!(roster(person).await, ["ada", "host"]);
    }
    let stream = ada.publish().await["id"].clone();
    assert_eq!(host.push("stream_published").await["stream"]["id"], stream);
    host.does("subscribe", json!({ "stream": stream })).await;
    ada.push("stream_subscribed").await;
    ada.does("leave", json!({ "room": "lobby" })).await;
    host.push("participant_left").await;
    for gateway in [&nodes.one, &nodes.other] {
        let shown = gateway.api_does("GET", "rooms/lobby/participants", Value::Null).await;
        let [participant] = &shown["items"].as_array().unwrap()[..] else { panic!("{shown}") };
        assert_eq!(participant["participant"]["username"], "host");
    }
}

#[tokio::test]
async fn signals_and_relays_cross_nodes_in_one_order() {
    let nodes = Nodes::start().await;
    let mut host = nodes.one.enter("host", "moderator").await;
    let mut ada = nodes.other.enter("ada", "publisher").await;
    let mut ben = nodes.one.enter("ben", "moderator").await;
    let mut orders: Vec<Value> = Vec::new();
    for n in 0..6 {
        let from = if n % 2 == 0 { &mut host } else { &mut ada };
        let sent = from.does("signal", json!({ "room": "lobby", "type": "n", "data": n })).await;
        orders.push(sent["sent"]["order"].clone());
    }
    let mut heard: Vec<Value> = Vec::new();
    for _ in 0..6 {
        heard.push(ben.push("signal").await["order"].clone());
    }
    assert_eq!(heard, orders);
    let order_of = |order: &Value| order.as_u64().unwrap();
    assert!(orders.is_sorted_by(|a, b| order_of(a) < order_of(b)), "{orders:?}");
    let to = json!({ "room": "lobby", "type": "n", "data": 7, "to": ada.id() });
    host.does("signal", to).await;
    loop {
        if ada.push("signal").await["data"] == 7 {
            break;
        }
    }
    let stream = ada.publish().await["id"].clone();
    host.does("subscribe", json!({ "stream": stream })).await;
    let relay = json!({ "stream": stream, "to": ada.id(), "data": { "sdp": "offer" } });
    host.does("relay", relay).await;
    assert_eq!(ada.push("relay").await["from"], host.id());
}

#[tokio::test]
async fn a_mute_takes_effect_on_the_other_node_and_has_a_true_receipt() {
    let nodes = Nodes::start().await;
    let mut host = nodes.one.enter("host", "moderator").await;
    let mut ada = nodes.other.enter("ada", "publisher").await;
    let stream = ada.publish().await["id"].clone();
    host.push("stream_published").await;
    host.does("force_mute", json!({ "stream": stream, "ref": "hush" })).await;
    let report = host.push("moderation").await;
    assert_eq!(report["targets"][0]["outcome"], "pending");
    ada.push("mute_forced").await;
    nodes.one.advance(Duration::from_millis(1_200));
    ada.does("update_stream", json!({ "stream": stream, "has_audio": false })).await;
    let report = host.push("moderation").await;
    assert_eq!(
        (&report["ref"], &report["targets"][0]["outcome"]),
        (&json!("hush"), &json!("enforced"))
    );
}

#[tokio::test]
async fn a_removal_takes_effect_on_the_other_node() {
    let nodes = Nodes::start().await;
    let mut host = nodes.one.enter("host", "moderator").await;
    let mut ada = nodes.other.enter("ada", "publisher").await;
    host.push("participant_joined").await;
    let kicked =
        host.does("force_disconnect", json!({ "room": "lobby", "participant": ada.id() })).await;
    assert!(kicked["accepted"]["version"].is_u64());
    ada.push("removed").await;
    assert_eq!(ada.fails("join", json!({ "room": "lobby" })).await, "blocked");
    assert_eq!(roster(&mut host).await, ["host"]);
}

#[tokio::test]
async fn the_server_moderates_from_a_node_without_participants() {
    let nodes = Nodes::start().await;
    let mut ada = nodes.other.enter("ada", "publisher").await;
    let stream = ada.publish().await["id"].clone();
    let shown = nodes.one.api_does("GET", "rooms/lobby/participants", Value::Null).await;
    assert_eq!(shown["items"][0]["participant"]["username"], "ada", "{shown}");
    nodes.one.api_does("POST", "rooms/lobby/force_mute", json!({ "stream": stream })).await;
    ada.push("mute_forced").await;
}

#[tokio::test]
async fn a_room_that_was_ended_is_gone_on_both_nodes() {
    let nodes = Nodes::start().await;
    let mut host = nodes.one.enter("host", "moderator").await;
    let mut ada = nodes.other.enter("ada", "publisher").await;
    host.push("participant_joined").await;
    host.does("end_room", json!({ "room": "lobby" })).await;
    ada.push("room_ended").await;
    assert_eq!(ada.fails("roster", json!({ "room": "lobby" })).await, "not_in_room");
}
