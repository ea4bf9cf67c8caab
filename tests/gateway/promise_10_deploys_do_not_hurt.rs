//! Promise 10: a restart of the only node loses no session, no room, no mute and no frame.

use std::time::Duration;

use serde_json::{Value, json};

use crate::common::{Client, Gateway, House, Person, start_of};

const LOBBY: &str = "lobby";

/// Sends so many signals to the room.
async fn chatter(person: &mut Person, times: u32) {
    for n in 0..times {
        person.does("signal", json!({ "room": LOBBY, "type": "n", "data": n })).await;
    }
}

/// What the signals among these pushes said.
fn signals(received: &[(String, Value)]) -> Vec<u64> {
    let signals = received.iter().filter(|(name, _)| name == "signal");
    signals.map(|(_, signal)| signal["data"].as_u64().unwrap()).collect()
}

/// Ends the gateway while these are connected, and takes them up in the next.
async fn deploy<const N: usize>(
    house: &House,
    mut gateway: Gateway,
    people: [Person; N],
) -> (Gateway, [Person; N]) {
    gateway.begin_stop();
    let mut tickets = Vec::new();
    for person in people {
        tickets.push(person.disconnected().await);
    }
    let gateway = Box::pin(house.reopen(gateway)).await;
    let mut people = Vec::new();
    for ticket in tickets {
        people.push(Person::resume(&gateway, ticket).await);
    }
    let people = people.try_into().unwrap_or_else(|_| panic!("each is back"));
    (gateway, people)
}

/// The room as a participant sees it.
async fn room(person: &mut Person, token: &str) -> Value {
    let joined = person.does("join", json!({ "room": LOBBY, "token": token })).await;
    joined["joined"]["room"].clone()
}

/// That a client of the session is refused with this code.
async fn is_refused(gateway: &Gateway, (started, last_seq): &(Value, u64), code: u16) {
    let closed = Client::resume_refused(gateway, started, *last_seq).await;
    assert_eq!(closed.code, code, "{}", closed.disconnect);
}

#[tokio::test]
async fn deploy_replays_missed_frames_in_order_without_leaves() {
    let house = House::new();
    let gateway = house.open().await;
    let mut host = gateway.enter("host", "moderator").await;
    let ada = gateway.enter("ada", "publisher").await;
    let away = gateway.enter("away", "publisher").await.cut().await;
    chatter(&mut host, 10).await;
    let (gateway, [mut host, mut ada]) = Box::pin(deploy(&house, gateway, [host, ada])).await;
    let mut away = Person::resume(&gateway, away).await;
    let received = away.received().await;
    assert_eq!(signals(&received), (0..10).collect::<Vec<_>>(), "{received:?}");
    chatter(&mut ada, 3).await;
    for person in [&mut host, &mut away] {
        let received = person.received().await;
        assert_eq!(signals(&received), [0, 1, 2], "{received:?}");
        assert!(
            received.iter().all(|(name, _)| name != "participant_left" && name != "room_reset")
        );
    }
    assert!(signals(&ada.received().await).iter().all(|n| *n < 10), "one's own are not echoed");
}

#[tokio::test]
async fn written_but_unseen_frame_is_replayed() {
    let house = House::new();
    let gateway = house.open().await;
    let mut host = gateway.enter("host", "moderator").await;
    let mut ada = gateway.enter("ada", "publisher").await;
    let seen = ada.last_seq;
    chatter(&mut host, 3).await;
    ada.does("leave", json!({ "room": LOBBY })).await;
    let started = ada.cut().await.0;
    let (gateway, [_host]) = deploy(&house, gateway, [host]).await;
    let (mut ada, resumed) = Client::resume(&gateway, &started, seen).await;
    assert_eq!((&resumed["replayed_count"], &resumed["pending"]), (&json!(4), &json!([])));
    for seq in seen + 1..=seen + 3 {
        let missed = ada.hear().await;
        assert_eq!(missed["seq"], seq, "{missed}");
        assert_eq!(missed["signal"]["data"], seq - seen - 1);
    }
    let reply = ada.hear().await;
    assert!(reply.pointer("/ok/left").is_some(), "a reply is missed like a push: {reply}");
    ada.begin("postpone_renewal", json!({})).await;
    assert_eq!(ada.hear().await["seq"], seen + 5, "numbers go on");
}

/// Whether the room shows a participant as suspended.
async fn is_link_suspended(gateway: &Gateway, username: &str) -> bool {
    let page = gateway.api_does("GET", "rooms/lobby/participants", json!(null)).await;
    let participants = page["items"].as_array().unwrap().iter();
    let mut links = participants.map(|item| &item["participant"]);
    links.any(|shown| shown["username"] == username && shown["link"] == "suspended")
}

#[tokio::test]
async fn a_room_is_as_it_was_and_its_versions_go_on() {
    let house = House::new();
    let gateway = house.open().await;
    let token = gateway.room_token("moderator");
    let mut host = gateway.enter("host", "moderator").await;
    let mut ada = gateway.enter("ada", "publisher").await;
    let bob = gateway.enter("bob", "publisher").await;
    ada.publish().await;
    let role = json!({ "room": LOBBY, "participant": bob.id(), "role": "subscriber" });
    host.does("set_role", role).await;
    host.does("force_mute", json!({ "room": LOBBY, "username": "ada", "lock": true })).await;
    host.does("force_mute_all", json!({ "room": LOBBY, "except": [], "lock": true })).await;
    host.does("lock_room", json!({ "room": LOBBY })).await;
    host.does("set_session_feed", json!({ "room": LOBBY, "enabled": true })).await;
    let before = room(&mut host, &token).await;
    let deployed = Box::pin(deploy(&house, gateway, [host, ada, bob]));
    let (gateway, [mut host, ada, mut bob]) = deployed.await;
    let after = room(&mut host, &token).await;
    assert!(after["version"].as_u64() > before["version"].as_u64());
    for part in ["participants", "counts", "streams", "mute", "locked"] {
        assert_eq!(after[part], before[part], "{part}");
    }
    assert_eq!(bob.fails("publish", json!({ "room": LOBBY, "stream": { "kind": "audio", "has_audio": true, "has_video": false } })).await, "forbidden");
    let (mut eve, _) = Client::guest(&gateway, "eve", "instance-of-eve").await;
    let join = json!({ "room": LOBBY, "token": gateway.room_token("publisher") });
    assert_eq!(eve.request("join", join).await.unwrap_err()["code"], "room_locked");
    let ada = ada.cut().await;
    while !is_link_suspended(&gateway, "ada").await {}
    gateway.advance(Duration::from_secs(1));
    loop {
        let frame = host.hear().await;
        if frame.get("participant_link").is_some() {
            // Who watched goes on watching: the feed has an interval of its own.
            gateway.advance(Duration::from_secs(1));
        }
        let Some(changes) = frame.pointer("/session_feed/changes") else { continue };
        let is_suspended =
            |change: &Value| change["username"] == "ada" && change["link"] == "suspended";
        if changes.as_array().unwrap().iter().any(is_suspended) {
            break;
        }
    }
    Person::resume(&gateway, ada).await;
}

#[tokio::test]
async fn mute_and_receipt_survive_a_deploy() {
    let house = House::new();
    let gateway = house.open().await;
    let mut host = gateway.enter("host", "moderator").await;
    let mut ada = gateway.enter("ada", "publisher").await;
    let stream = ada.publish().await["id"].clone();
    let mut eve = gateway.enter("eve", "publisher").await;
    let locked = eve.publish().await["id"].clone();
    host.received().await;
    let audio = |stream: &Value, on: bool| json!({ "stream": stream, "has_audio": on });
    host.does("force_mute", json!({ "room": LOBBY, "username": "eve", "lock": true })).await;
    assert_eq!(host.durable_receipt().await["counts"]["enforced"], 1);
    host.does("force_mute", json!({ "stream": stream, "ref": "hush" })).await;
    let report = host.push("moderation").await;
    assert_eq!(report["counts"]["pending"], 1, "{report}");
    let deployed = Box::pin(deploy(&house, gateway, [host, ada, eve])).await;
    let (gateway, [mut host, mut ada, mut eve]) = deployed;
    assert_eq!(eve.fails("update_stream", audio(&locked, true)).await, "muted_by_moderator");
    eve.does("update_stream", audio(&locked, false)).await;
    ada.does("update_stream", audio(&stream, false)).await;
    gateway.advance(Duration::from_secs(1));
    loop {
        let report = host.push("moderation").await;
        assert_eq!(report["ref"], "hush");
        if report["counts"]["enforced"] == 1 {
            break;
        }
    }
}

#[tokio::test]
async fn an_ended_session_still_answers_with_its_ending() {
    let house = House::new();
    let gateway = house.open().await;
    let (mut ada, started) = Client::guest(&gateway, "ada", "instance-1").await;
    gateway.api("POST", "users/ada/ban", Some(json!({ "reason": "spam" }))).await;
    assert_eq!(ada.closed().await.code, 4011);
    let (mut bob, bobs) = Client::guest(&gateway, "bob", "instance-2").await;
    bob.request("end", json!({})).await.unwrap();
    assert_eq!(bob.closed().await.code, 1000);
    let gateway = house.reopen(gateway).await;
    is_refused(&gateway, &(started, 2), 4011).await;
    is_refused(&gateway, &(bobs, 2), 1000).await;
}

#[tokio::test]
async fn resume_window_passes_while_the_gateway_is_down() {
    let house = House::new();
    let gateway = house.open().await;
    let host = gateway.enter("host", "moderator").await;
    let ada = gateway.enter("ada", "publisher").await.cut().await;
    let mut host = host;
    host.push("participant_link").await;
    for _ in 0..2 {
        gateway.advance(Duration::from_secs(9));
        chatter(&mut host, 1).await;
    }
    let mut gateway = gateway;
    gateway.begin_stop();
    let host = host.disconnected().await;
    let clock = gateway.clock().clone();
    gateway.stop().await;
    clock.advance(Duration::from_secs(15));
    let gateway = house.setup().clock(clock).run().await;
    let mut host = Person::resume(&gateway, host).await;
    assert_eq!(host.push("participant_left").await["reason"], "network_lost");
    is_refused(&gateway, &ada, 4400).await;
    assert!(host.received_of("participant_left").await.is_empty(), "once");
}

#[tokio::test]
async fn a_secret_that_was_replaced_before_counts_no_more_after() {
    let house = House::new();
    let gateway = house.open().await;
    let (client, first) = Client::guest(&gateway, "ada", "instance-1").await;
    client.cut().await;
    let (mut client, resumed) = Client::resume(&gateway, &first, 2).await;
    client.request("postpone_renewal", json!({})).await.unwrap();
    let mut second = first.clone();
    second["resume"] = resumed["resume"].clone();
    client.cut().await;
    let gateway = house.reopen(gateway).await;
    is_refused(&gateway, &(first, 3), 4401).await;
    let (mut client, resumed) = Client::resume(&gateway, &second, 3).await;
    client.request("postpone_renewal", json!({})).await.unwrap();
    is_refused(&gateway, &(second, 4), 4401).await;
    assert_ne!(resumed["resume"]["secret"], Value::Null);
}

#[tokio::test]
async fn a_ring_too_long_to_be_handed_over_comes_as_a_reset() {
    let house = House::new();
    let gateway = house.open().await;
    let mut host = gateway.enter("host", "moderator").await;
    let away = gateway.enter("away", "publisher").await.cut().await;
    host.push("participant_link").await;
    for _ in 0..9 {
        let signal = json!({ "room": LOBBY, "type": "n", "data": "x".repeat(8_000) });
        host.does("signal", signal).await;
    }
    let (gateway, [mut host]) = deploy(&house, gateway, [host]).await;
    let mut away = Person::resume(&gateway, away).await;
    let received = away.received().await;
    let names: Vec<&str> = received.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names.iter().filter(|name| **name == "room_reset").count(), 1, "{names:?}");
    assert!(!names.contains(&"signal"), "half of them would be a hole: {names:?}");
    chatter(&mut host, 1).await;
    assert_eq!(away.push("signal").await["data"], 0, "and it goes on");
}

#[tokio::test]
async fn early_resume_is_rejected_then_accepted_by_the_next() {
    let house = House::new();
    let mut gateway = house.open().await;
    let (client, started) = Client::guest(&gateway, "ada", "instance-1").await;
    client.cut().await;
    let mut early = Client::connect(&gateway).await;
    gateway.begin_stop();
    let resume = json!({ "session": started["session"]["id"], "secret": started["resume"]["secret"], "last_seq": 2 });
    early.send(json!({ "id": 0, "resume": resume })).await;
    assert_eq!(early.closed().await.code, 4200);
    let gateway = house.reopen(gateway).await;
    let (_, resumed) = Client::resume(&gateway, &started, 2).await;
    assert_eq!(resumed["state"], "established");
}

#[tokio::test]
async fn a_client_instance_has_one_session_over_a_restart() {
    let house = House::new();
    let gateway = house.open().await;
    let (client, started) = Client::guest(&gateway, "ada", "instance-1").await;
    client.cut().await;
    let gateway = house.reopen(gateway).await;
    let (mut newer, newers) = Client::guest(&gateway, "ada", "instance-1").await;
    is_refused(&gateway, &(started, 2), 4013).await;
    newer.request("postpone_renewal", json!({})).await.unwrap();
    drop(newer);
    let gateway = house.reopen(gateway).await;
    let (mut first, _) = Client::resume(&gateway, &newers, 3).await;
    let mut start = start_of("ada", "instance-1");
    start["credentials"] = json!({ "token": newers["access_token"] });
    Client::start(&gateway, start).await;
    assert_eq!(first.closed().await.code, 4013, "the newest still wins");
}
