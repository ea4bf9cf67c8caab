//! Emptied rooms: released at once, except for a stub that remembers moderation; they open again without loss.

use std::time::Duration;

use serde_json::json;

use crate::common::{Client, Gateway, House, Person, Setup};

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
    shows(gateway, &format!("stagedoor_rooms {count}")).await;
}

/// Waits until the node has `count` stubs of emptied rooms.
async fn has_stubs(gateway: &Gateway, count: usize) {
    shows(gateway, &format!("stagedoor_room_stubs {count}")).await;
}

async fn shows(gateway: &Gateway, sample: &str) {
    while !gateway.hub().scrape().lines().any(|line| line == sample) {
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
    has_stubs(&gateway, 0).await;
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
    has_rooms(&gateway, 0).await;
    has_stubs(&gateway, 1).await;
    assert_eq!(host.does("end_room", end.clone()).await, ended, "answered again");
    gateway.advance(Duration::from_secs(590));
    assert_eq!(host.does("end_room", end.clone()).await, ended, "answered again");
    has_rooms(&gateway, 0).await;
    has_stubs(&gateway, 1).await;
    gateway.advance(Duration::from_secs(11));
    has_stubs(&gateway, 0).await;
    assert_eq!(host.fails("end_room", end).await, "not_in_room");
}

#[tokio::test]
async fn leavers_with_a_penalty_are_remembered() {
    let gateway = Gateway::dev().await;
    let mut host = gateway.enter("host", "moderator").await;
    let _eve = gateway.enter("eve", "publisher").await;
    host.does("force_disconnect", json!({ "room": "lobby", "username": "eve" })).await;
    host.does("leave", json!({ "room": "lobby" })).await;
    has_rooms(&gateway, 0).await;
    gateway.advance(Duration::from_mins(5));
    has_stubs(&gateway, 1).await;
    gateway.advance(Duration::from_secs(301));
    has_stubs(&gateway, 0).await;
}

#[tokio::test]
async fn stub_answers_repeated_commands_and_is_no_open_room() {
    let gateway = Gateway::dev().await;
    let mut host = gateway.enter("host", "moderator").await;
    let mut ada = gateway.enter("ada", "publisher").await;
    let unlock = json!({ "room": "lobby", "ref": "once" });
    let unlocked = host.does("unlock_room", unlock.clone()).await;
    ada.does("join", json!({ "room": "stage" })).await;
    for person in [&mut host, &mut ada] {
        person.does("leave", json!({ "room": "lobby" })).await;
    }
    has_stubs(&gateway, 1).await;
    has_rooms(&gateway, 1).await;
    assert_eq!(host.does("unlock_room", unlock.clone()).await, unlocked, "answered again");
    let other = json!({ "room": "lobby", "ref": "once", "username": "ada" });
    assert_eq!(host.fails("unblock", other).await, "ref_conflict");
    assert_eq!(host.fails("lock_room", json!({ "room": "lobby" })).await, "not_in_room");
    assert_eq!(ada.fails("unlock_room", unlock.clone()).await, "not_in_room", "not her `ref`");
    has_rooms(&gateway, 1).await;
    let page = gateway.api_does("GET", "rooms?limit=1", json!({})).await;
    assert_eq!(page["items"][0]["room"], "stage", "a stub takes no place in a list");
    let version = unlocked["accepted"]["version"].as_u64().unwrap();
    let joined = ada.does("join", json!({ "room": "lobby" })).await;
    assert!(joined["joined"]["room"]["version"].as_u64().unwrap() > version);
    assert_eq!(host.does("unlock_room", unlock).await, unlocked, "also once it is open again");
    has_stubs(&gateway, 0).await;
}

#[tokio::test]
async fn server_call_with_a_ref_is_answered_by_a_stub() {
    let gateway = Gateway::dev().await;
    let mut ada = gateway.enter("ada", "publisher").await;
    let path = "rooms/lobby/unlock";
    let unlock = json!({ "ref": "once" });
    let first = gateway.api_does("POST", path, unlock.clone()).await;
    ada.does("leave", json!({ "room": "lobby" })).await;
    has_stubs(&gateway, 1).await;
    let again = gateway.api_does("POST", path, unlock).await;
    assert_eq!(again["accepted"], first["accepted"]);
    assert_eq!(gateway.api_fails("rooms/stage/unlock", json!({})).await.0, 404);
}

#[tokio::test]
async fn locked_room_that_opens_again_readmits_who_left_it() {
    let gateway = Gateway::dev().await;
    let mut host = gateway.enter("host", "moderator").await;
    let mut ada = gateway.enter("ada", "publisher").await;
    host.does("lock_room", json!({ "room": "lobby" })).await;
    for person in [&mut ada, &mut host] {
        person.does("leave", json!({ "room": "lobby" })).await;
    }
    has_stubs(&gateway, 1).await;
    let (mut eve, _) = Client::guest(&gateway, "eve", "instance-of-eve").await;
    let error = eve.request("join", json!({ "room": "lobby" })).await.unwrap_err();
    assert_eq!(error["code"], "room_locked");
    ada.does("join", json!({ "room": "lobby" })).await;
}

#[tokio::test]
async fn later_penalty_covers_a_muted_leaver_of_an_emptied_room() {
    let gateway = Gateway::dev().await;
    let (mut host, mut ada, _) = gateway.host_and_speaker().await;
    let on_ada = json!({ "room": "lobby", "username": "ada" });
    let mut mute = on_ada.clone();
    mute["lock"] = json!(true);
    host.does("force_mute", mute).await;
    for person in [&mut ada, &mut host] {
        person.does("leave", json!({ "room": "lobby" })).await;
    }
    has_stubs(&gateway, 1).await;
    let join = json!({ "room": "lobby", "token": gateway.room_token("moderator") });
    host.does("join", join).await;
    host.does("force_disconnect", on_ada).await;
    let (mut renamed, _) = Client::guest(&gateway, "eve", "instance-of-ada").await;
    let error = renamed.request("join", json!({ "room": "lobby" })).await.unwrap_err();
    assert_eq!(error["code"], "blocked");
}

#[tokio::test]
async fn stubs_leave_slots_of_rooms_to_others() {
    let gateway = quick().with(|config| config.limits.rooms_per_app = 1).run().await;
    let mut host = gateway.enter("host", "moderator").await;
    for number in 0..10 {
        let room = format!("room-{number}");
        let unlock = json!({ "room": "lobby", "ref": format!("ref-{number}") });
        if number == 0 {
            host.does("unlock_room", unlock).await;
            host.does("leave", json!({ "room": "lobby" })).await;
            has_rooms(&gateway, 0).await;
        }
        host.does("join", json!({ "room": room })).await;
        host.does("leave", json!({ "room": room })).await;
        has_rooms(&gateway, 0).await;
    }
    has_stubs(&gateway, 1).await;
}

#[tokio::test]
async fn stub_that_ends_first_is_forgotten_first() {
    let gateway = quick().with(|config| config.limits.room_stubs = 2).run().await;
    let mut host = gateway.enter("host", "moderator").await;
    host.does("leave", json!({ "room": "lobby" })).await;
    let claims = json!({ "rooms": { "*": "moderator" } });
    let mut host = gateway.member("moderator", claims).await;
    let mut answers = Vec::new();
    for number in 0..3 {
        let room = format!("room-{number}");
        host.does("join", json!({ "room": room })).await;
        let unlock = json!({ "room": room, "ref": "once" });
        answers.push((unlock.clone(), host.does("unlock_room", unlock).await));
        host.does("leave", json!({ "room": room })).await;
        has_rooms(&gateway, 1).await;
        gateway.advance(Duration::from_secs(1));
    }
    has_stubs(&gateway, 2).await;
    assert_eq!(host.fails("unlock_room", answers[0].0.clone()).await, "not_in_room");
    for (unlock, answer) in &answers[1..] {
        assert_eq!(host.does("unlock_room", unlock.clone()).await, *answer);
    }
    // All `ref`s of all stubs have one bound: this room has too many.
    host.does("join", json!({ "room": "busy" })).await;
    for number in 0..21 {
        let unlock = json!({ "room": "busy", "ref": format!("ref-{number}") });
        host.does("unlock_room", unlock).await;
    }
    host.does("leave", json!({ "room": "busy" })).await;
    has_rooms(&gateway, 1).await;
    has_stubs(&gateway, 2).await;
    let last = json!({ "room": "busy", "ref": "ref-20" });
    assert_eq!(host.fails("unlock_room", last).await, "not_in_room");
}

#[tokio::test]
async fn stub_survives_a_deploy() {
    let house = House::new();
    let gateway = house.open().await;
    let mut host = gateway.enter("host", "moderator").await;
    let end = json!({ "room": "lobby", "ref": "over" });
    let ended = host.does("end_room", end.clone()).await;
    has_stubs(&gateway, 1).await;
    let cut = host.cut().await;
    let gateway = house.reopen(gateway).await;
    has_stubs(&gateway, 1).await;
    has_rooms(&gateway, 0).await;
    let mut host = Person::resume(&gateway, cut).await;
    assert_eq!(host.does("end_room", end).await, ended, "answered again");
    gateway.advance(Duration::from_secs(601));
    has_stubs(&gateway, 0).await;
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
    has_rooms(&gateway, 0).await;
    gateway.advance(Duration::from_secs(601));
    has_stubs(&gateway, 0).await;
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
