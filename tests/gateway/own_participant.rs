//! What a session learns of itself: its rooms and participants after a resume, its link, its scopes.

use std::time::Duration;

use serde_json::{Value, json};

use crate::common::{Client, Gateway, Person, Setup, start_of};

/// The own participant in a list of participants, if it is listed.
fn listed<'a>(participants: &'a Value, id: &Value) -> Option<&'a Value> {
    participants.as_array().unwrap().iter().find(|member| member["id"] == *id)
}

/// The next `room_reset` of each of `count` rooms, ordered by room.
async fn resets(client: &mut Client, count: usize) -> Vec<Value> {
    let mut resets = Vec::new();
    while resets.len() < count {
        resets.push(client.push("room_reset").await);
    }
    resets.sort_by_key(|reset| reset["room"].to_string());
    resets
}

#[tokio::test]
async fn reload_learns_its_rooms_and_own_participants() {
    let gateway = Gateway::dev().await;
    let (mut ada, started) = Client::guest(&gateway, "ada", "instance-1").await;
    let mut joined = Vec::new();
    for (room, role) in [("hall", "moderator"), ("lobby", "subscriber")] {
        let token = gateway.token(json!({ "scope": "room", "room": room, "role": role }));
        let reply = ada.request("join", json!({ "room": room, "token": token })).await.unwrap();
        joined.push(reply["joined"].clone());
    }
    ada.cut().await;
    gateway.suspended("ada").await;

    let (mut ada, resumed) = Client::resume(&gateway, &started, 0).await;
    let rooms: Vec<_> = ["hall", "lobby"]
        .into_iter()
        .zip(&joined)
        .map(|(room, joined)| {
            json!({ "room": room, "participant": joined["participant"]["id"],
                    "role": joined["participant"]["role"], "capabilities": joined["capabilities"] })
        })
        .collect();
    let mut announced = resumed["rooms"].as_array().unwrap().clone();
    announced.sort_by_key(|room| room["room"].to_string());
    assert_eq!(announced, rooms);
    assert_eq!(resumed["state"], "established");

    for (reset, expected) in resets(&mut ada, 2).await.into_iter().zip(rooms) {
        let snapshot = &reset["snapshot"];
        for field in ["room", "participant", "role", "capabilities"] {
            assert_eq!(reset[field], expected[field], "{reset}");
        }
        let own = listed(&snapshot["participants"], &reset["participant"]).unwrap();
        assert_eq!(own["link"], "live");
    }
    ada.request("leave", json!({ "room": "hall" })).await.unwrap();
    ada.cut().await;
    gateway.suspended("ada").await;
    let started = json!({ "session": started["session"], "resume": resumed["resume"] });
    let (_ada, resumed) = Client::resume(&gateway, &started, 0).await;
    assert_eq!(resumed["rooms"][0]["room"], "lobby");
    assert_eq!(resumed["rooms"].as_array().unwrap().len(), 1, "the room that it left is gone");
}

#[tokio::test]
async fn frames_are_replayed_before_the_reset_of_a_reload() {
    let gateway = Gateway::dev().await;
    let ada = gateway.enter("ada", "publisher").await;
    let mut bob = gateway.enter("bob", "publisher").await;
    let (started, _) = ada.cut().await;
    gateway.suspended("ada").await;
    bob.does("signal", json!({ "room": "lobby", "type": "chat", "data": "hello" })).await;
    let (mut ada, resumed) = Client::resume(&gateway, &started, 0).await;
    let (mut names, mut count) = (Vec::new(), 0);
    while names.last().is_none_or(|name| name != "room_reset") {
        let message = ada.hear().await;
        count += 1;
        names.extend(message.as_object().unwrap().keys().filter(|key| *key != "seq").cloned());
    }
    assert!(names.contains(&"signal".to_owned()), "{names:?}");
    assert_eq!(resumed["replayed_count"], json!(count - 1), "the reset is a new frame");
}

#[tokio::test]
async fn no_participant_sees_itself_suspended() {
    let gateway = Setup::new().with(|config| config.apps[0].roster_limit = 4).run().await;
    let mut host = gateway.enter("host", "moderator").await;
    host.does("set_session_feed", json!({ "room": "lobby", "enabled": true })).await;
    let mut eve = gateway.enter("eve", "moderator").await;
    eve.does("set_session_feed", json!({ "room": "lobby", "enabled": true })).await;
    let host_id = host.id();
    host.received().await;
    let (started, _) = host.cut().await;
    gateway.suspended("host").await;
    // The feed is pushed in batches.
    let is_suspended =
        |change: &Value| change["participant"] == host_id && change["link"] == "suspended";
    loop {
        gateway.advance(Duration::from_millis(500));
        let feed = eve.push("session_feed").await;
        if feed["changes"].as_array().unwrap().iter().any(is_suspended) {
            break;
        }
    }
    // Both classes of size: each crossing sends a snapshot to the suspended session as well.
    let mut others = Vec::new();
    for n in 0..3 {
        others.push(gateway.enter(&format!("user-{n}"), "publisher").await);
    }

    let (mut host, _) = Client::resume(&gateway, &started, 0).await;
    // No id of an earlier request, whose reply is replayed.
    let asked = 1_000;
    host.send(json!({ "id": asked, "roster": { "room": "lobby" } })).await;
    let mut seen = 0;
    loop {
        let message = host.hear().await;
        let snapshots = ["/room_reset/snapshot/participants", "/ok/roster/participants"];
        for own in snapshots.iter().filter_map(|path| listed(message.pointer(path)?, &host_id)) {
            assert_eq!(own["link"], "live", "{message}");
            seen += 1;
        }
        let changes = message.pointer("/session_feed/changes").and_then(Value::as_array);
        for change in
            changes.into_iter().flatten().filter(|change| change["participant"] == host_id)
        {
            assert_eq!(change["link"], "live", "{message}");
            seen += 1;
        }
        if let Some(push) = message.get("participant_link") {
            assert_ne!(push["participant"], host_id);
        }
        if message["id"] == json!(asked) {
            break;
        }
    }
    assert!(seen >= 4, "the crossing, the feed, the reset and the roster: {seen}");
}

#[tokio::test]
async fn room_reset_of_a_crossing_has_the_own_participant() {
    let gateway = Setup::new().with(|config| config.apps[0].roster_limit = 2).run().await;
    let mut first = gateway.enter("ada", "publisher").await;
    let mut second = gateway.enter("bob", "subscriber").await;
    let _third = gateway.enter("cat", "publisher").await;
    for (person, role) in [(&mut first, "publisher"), (&mut second, "subscriber")] {
        let reset = person.push("room_reset").await;
        assert_eq!((&reset["participant"], &reset["role"]), (&person.id(), &json!(role)));
        assert_eq!(reset["capabilities"], person.joined["capabilities"]);
        assert_eq!(reset["snapshot"]["is_large"], true);
    }
}

#[tokio::test]
async fn room_reset_after_a_renewal_has_the_new_capabilities() {
    let gateway = Gateway::dev().await;
    let grant = |scopes: Value| {
        json!({ "scope": "session", "sub": "ada", "ttl_s": 60, "scopes": scopes,
                "rooms": { "*": "publisher" } })
    };
    let mut start = start_of("ada", "instance-1");
    start["credentials"] = json!({ "token": gateway.token(grant(json!(["join", "signal"]))) });
    let (client, started) = Client::start(&gateway, start).await;
    assert_eq!(started["scopes"], json!(["join", "signal"]));
    let mut ada = Person::join(client, started, json!({ "room": "lobby" })).await;
    for _ in 0..6 {
        ada.received().await;
        gateway.advance(Duration::from_secs(10));
    }
    while ada.push("session_state").await["state"] != "tokenExpired" {}
    let wider = gateway.token(grant(json!(["join", "publish", "shop:admin"])));
    let renewed = ada.does("renew", json!({ "auth_token": wider })).await;
    assert_eq!(renewed["renewed"]["scopes"], json!(["join", "publish", "shop:admin"]));
    let reset = ada.push("room_reset").await;
    assert_eq!((&reset["participant"], &reset["role"]), (&ada.id(), &json!("publisher")));
    let capabilities =
        json!({ "publish": true, "subscribe": false, "signal": false, "moderate": false });
    assert_eq!(reset["capabilities"], capabilities);
}

#[tokio::test]
async fn granted_scopes_are_listed() {
    let gateway = Gateway::dev().await;
    let all = json!(["join", "publish", "subscribe", "signal", "relay", "moderate"]);
    let (mut guest, started) = Client::guest(&gateway, "bob", "instance-2").await;
    assert_eq!(started["scopes"], all, "the role decides");
    let renewed = guest.request("renew", json!({})).await.unwrap();
    assert_eq!(renewed["renewed"]["scopes"], all);

    let claims = json!({ "scopes": [], "ttl_s": 600 });
    let (ada, started) = gateway.registered("ada", "instance-1", claims).await;
    assert_eq!(started["scopes"], json!([]), "nothing is granted");
    let last_seq = ada.last_seq;
    ada.cut().await;
    gateway.suspended("ada").await;
    let wider = json!({ "scope": "session", "sub": "ada", "scopes": ["join"], "ttl_s": 600 });
    let mut client = Client::connect(&gateway).await;
    let resume = json!({ "session": started["session"]["id"], "secret": started["resume"]["secret"],
                         "last_seq": last_seq, "auth_token": gateway.token(wider) });
    client.send(json!({ "id": 1, "resume": resume })).await;
    let reply = client.hear().await;
    assert_eq!(reply["ok"]["resumed"]["scopes"], json!(["join"]), "{reply}");
}
