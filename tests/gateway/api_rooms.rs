//! Rooms that a server creates, locks, ends and sends signals to.

use serde_json::{Value, json};

use crate::common::{Client, Gateway, Setup};

async fn listed(gateway: &Gateway) -> Vec<Value> {
    let (mut rooms, mut path) = (Vec::new(), "rooms?limit=1".to_owned());
    loop {
        let page = gateway.api_does("GET", &path, Value::Null).await;
        rooms.extend(page["items"].as_array().unwrap().iter().map(|shown| shown["room"].clone()));
        let Some(next) = page["next"].as_str() else { return rooms };
        path = format!("rooms?limit=1&cursor={next}");
    }
}

#[tokio::test]
async fn created_room_keeps_its_settings_on_first_join() {
    let gateway = Gateway::dev().await;
    let body = json!({
        "room": "lobby", "settings": { "participants": 2, "subscriber_signals": true },
        "mute": { "active": true, "lock": true },
    });
    let created = gateway.api_does("POST", "rooms", body.clone()).await;
    assert_eq!(created["settings"]["participants"], 2);
    let taken = (409, "room_exists".to_owned());
    assert_eq!(gateway.api_fails("rooms", body).await, taken);
    let mut ada = gateway.enter("ada", "publisher").await;
    assert_eq!(ada.joined["room"]["mute"], json!({ "active": true, "lock": true }));
    assert_eq!(ada.publish().await["muted"], true);
    let bob = gateway.enter("bob", "subscriber").await;
    assert_eq!(bob.joined["capabilities"]["signal"], true);
    let (mut carol, _) = Client::guest(&gateway, "carol", "instance-of-carol").await;
    let full = carol.request("join", json!({ "room": "lobby" })).await.unwrap_err();
    assert_eq!(full["code"], "room_full");
    let open = gateway.api_fails("rooms", json!({ "room": "lobby" })).await;
    assert_eq!(open, taken, "it is open");
}

#[tokio::test]
async fn a_created_room_survives_a_restart_and_ends_with_its_end() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = Setup::new().data(dir.path()).run().await;
    let body = json!({ "room": "hall", "settings": { "roster_limit": 7 }, "locked": true });
    gateway.api_does("POST", "rooms", body).await;
    let clock = gateway.clock().clone();
    gateway.stop().await;
    let gateway = Setup::new().data(dir.path()).clock(clock).run().await;
    assert_eq!(listed(&gateway).await, ["hall"]);
    let shown = gateway.api_does("GET", "rooms/hall", Value::Null).await;
    assert_eq!(shown["settings"]["roster_limit"], 7);
    let (mut ada, _) = Client::guest(&gateway, "ada", "instance-of-ada").await;
    let refused = ada.request("join", json!({ "room": "hall" })).await.unwrap_err();
    assert_eq!(refused["code"], "room_locked");
    gateway.api_does("POST", "rooms/hall/unlock", json!({})).await;
    ada.request("join", json!({ "room": "hall" })).await.unwrap();
    gateway.api_does("POST", "rooms/hall/end", json!({})).await;
    ada.push("room_ended").await;
    let shown = loop {
        let shown = gateway.api_does("GET", "rooms/hall", Value::Null).await;
        if shown["open"] == json!(false) {
            break shown;
        }
    };
    assert_eq!((&shown["created_ms"], &shown["counts"]), (&Value::Null, &Value::Null));
}

#[tokio::test]
async fn open_and_created_rooms_are_listed_by_name() {
    let gateway = Gateway::dev().await;
    gateway.api_does("POST", "rooms", json!({ "room": "b" })).await;
    gateway.api_does("POST", "rooms", json!({ "room": "z" })).await;
    let _ada = gateway.enter("ada", "publisher").await;
    assert_eq!(listed(&gateway).await, ["b", "lobby", "z"]);
}

#[tokio::test]
async fn locked_room_rejects_new_participants() {
    let gateway = Gateway::dev().await;
    let mut ada = gateway.enter("ada", "publisher").await;
    gateway.api_does("POST", "rooms/lobby/lock", json!({})).await;
    assert_eq!(ada.push("room_state").await["locked"], true);
    let (mut bob, _) = Client::guest(&gateway, "bob", "instance-of-bob").await;
    let refused = bob.request("join", json!({ "room": "lobby" })).await.unwrap_err();
    assert_eq!(refused["code"], "room_locked");
}

#[tokio::test]
async fn server_signal_has_no_sender_and_is_sent_once() {
    let gateway = Gateway::dev().await;
    let mut ada = gateway.enter("ada", "publisher").await;
    let mut bob = gateway.enter("bob", "publisher").await;
    let body = json!({ "type": "news", "data": { "n": 1 }, "ref": "s-1" });
    let sent = gateway.api_does("POST", "rooms/lobby/signal", body.clone()).await;
    assert_eq!(sent, json!({ "recipients": 2, "order": 1 }));
    assert_eq!(gateway.api_does("POST", "rooms/lobby/signal", body).await, sent);
    let to = json!({ "type": "news", "data": 2, "to": ada.id() });
    gateway.api_does("POST", "rooms/lobby/signal", to).await;
    let received = ada.received_of("signal").await;
    let data: Vec<_> = received.iter().map(|signal| signal["data"].clone()).collect();
    assert_eq!((data, &received[0]["from"]), (vec![json!({ "n": 1 }), json!(2)], &Value::Null));
    assert_eq!(bob.received_of("signal").await.len(), 1);
}

#[tokio::test]
async fn settings_that_make_no_sense_are_refused() {
    let gateway = Gateway::dev().await;
    for (body, field) in [
        (json!({ "room": "a b" }), "room"),
        (json!({ "room": "a", "settings": { "participants": 0 } }), "settings.participants"),
        (json!({ "room": "a", "settings": { "size": 1 } }), "settings.size"),
        (json!({ "room": "a", "mute": { "lock": true } }), "mute.lock"),
    ] {
        let answer = gateway.api("POST", "rooms", Some(body)).await;
        assert_eq!((answer.status, &answer.body["field"]), (400, &json!(field)), "{answer:?}");
    }
    assert_eq!(listed(&gateway).await, Vec::<Value>::new());
}
