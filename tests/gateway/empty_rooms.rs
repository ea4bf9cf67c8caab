//! Emptied rooms: released at once, unless they remember moderation; they open again without loss.

use std::time::Duration;

use serde_json::json;

use crate::common::{Client, Gateway, Setup};

/// Rates that do not matter here are not limited.
fn quick() -> Setup {
    Setup::new().with(|config| {
        config.limits.joins_per_s = 10_000;
        config.limits.rooms_opened_per_minute = 100_000;
        config.limits.commands_per_s = 100_000;
        config.limits.commands_burst = 100_000;
    })
}

/// Waits until the node has `count` rooms.
async fn has_rooms(gateway: &Gateway, count: usize) {
    let wanted = format!("\nstagedoor_rooms {count}\n");
    while !gateway.hub().scrape().contains(&wanted) {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn emptied_rooms_are_released_at_once() {
    let gateway = quick().run().await;
    let mut ada = gateway.enter("ada", "publisher").await;
    for number in 0..20 {
        let room = format!("room-{number}");
        ada.does("join", json!({ "room": room })).await;
        let signal = json!({ "room": room, "type": "n", "data": 1, "ref": "once" });
        ada.does("signal", signal).await;
    }
    has_rooms(&gateway, 21).await;
    for number in 0..20 {
        ada.does("leave", json!({ "room": format!("room-{number}") })).await;
    }
    has_rooms(&gateway, 1).await;
    ada.does("leave", json!({ "room": "lobby" })).await;
    has_rooms(&gateway, 0).await;
}

#[tokio::test]
async fn released_rooms_free_their_slots() {
    let gateway = quick().with(|config| config.limits.rooms_per_node = 2).run().await;
    let mut ada = gateway.enter("ada", "publisher").await;
    for number in 0..10 {
        let room = json!({ "room": format!("room-{number}") });
        ada.does("join", room.clone()).await;
        ada.does("leave", room).await;
        has_rooms(&gateway, 1).await;
    }
}

#[tokio::test]
async fn emptied_room_remembers_moderation_for_ten_minutes() {
    let gateway = Gateway::dev().await;
    let mut host = gateway.enter("host", "moderator").await;
    let end = json!({ "room": "lobby", "ref": "over" });
    let ended = host.does("end_room", end.clone()).await;
    has_rooms(&gateway, 1).await;
    assert_eq!(host.does("end_room", end).await, ended, "answered again");
    gateway.advance(Duration::from_secs(590));
    has_rooms(&gateway, 1).await;
    gateway.advance(Duration::from_secs(11));
    has_rooms(&gateway, 0).await;
}

#[tokio::test]
async fn leavers_with_a_penalty_are_remembered() {
    let gateway = Gateway::dev().await;
    let mut host = gateway.enter("host", "moderator").await;
    let _eve = gateway.enter("eve", "publisher").await;
    host.does("force_disconnect", json!({ "room": "lobby", "username": "eve" })).await;
    host.does("leave", json!({ "room": "lobby" })).await;
    gateway.advance(Duration::from_mins(5));
    has_rooms(&gateway, 1).await;
    gateway.advance(Duration::from_secs(301));
    has_rooms(&gateway, 0).await;
}

#[tokio::test]
async fn room_that_opens_again_continues_its_version() {
    let gateway = quick().run().await;
    let mut ada = gateway.enter("ada", "publisher").await;
    let (mut version, mut order) = (ada.joined["room"]["version"].as_u64().unwrap(), 0);
    for _ in 0..5 {
        let signal = json!({ "room": "lobby", "type": "n", "data": 1 });
        let sent = ada.does("signal", signal).await["sent"]["order"].as_u64().unwrap();
        assert!(sent > order, "signals continue their order");
        order = sent;
        ada.does("leave", json!({ "room": "lobby" })).await;
        has_rooms(&gateway, 0).await;
        let joined = ada.does("join", json!({ "room": "lobby" })).await;
        let next = joined["joined"]["room"]["version"].as_u64().unwrap();
        assert!(next > version);
        version = next;
    }
}

#[tokio::test]
async fn durable_state_of_a_released_room_holds() {
    let gateway = Gateway::dev().await;
    let mut host = gateway.enter("host", "moderator").await;
    let join = json!({ "room": "lobby" });
    let instance = "instance-of-eve".to_owned();
    let _eve = gateway.enter_on("eve", &instance, join).await;
    host.does(
        "force_disconnect",
        json!({ "room": "lobby", "username": "eve", "block": { "for_ms": 86_400_000 } }),
    )
    .await;
    host.does("force_mute_all", json!({ "room": "lobby", "lock": true })).await;
    host.does("leave", json!({ "room": "lobby" })).await;
    gateway.advance(Duration::from_secs(601));
    has_rooms(&gateway, 0).await;
    let (mut eve, _) = Client::guest(&gateway, "eve", &instance).await;
    let error = eve.request("join", json!({ "room": "lobby" })).await.unwrap_err();
    assert_eq!(error["code"], "blocked");
    let bob = gateway.enter("bob", "publisher").await;
    assert_eq!(bob.joined["room"]["mute"], json!({ "active": true, "lock": true }));
}

#[tokio::test]
async fn rejoining_a_room_that_empties_never_fails() {
    let gateway = quick().run().await;
    let mut people = Vec::new();
    for name in ["ada", "bob", "eve"] {
        people.push(gateway.enter(name, "publisher").await);
    }
    let hops = people.into_iter().map(|mut person| async move {
        for _ in 0..200 {
            person.does("leave", json!({ "room": "lobby" })).await;
            person.does("join", json!({ "room": "lobby" })).await;
        }
    });
    futures::future::join_all(hops).await;
    has_rooms(&gateway, 1).await;
}
