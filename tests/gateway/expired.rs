//! A session in a room whose token expired: what it receives until it is renewed, and the room reset afterwards.

use std::time::Duration;

use serde_json::json;

use crate::common::{Gateway, Person, Setup};

/// A moderator, and a publisher whose access token ran out.
async fn cast() -> (Gateway, Person, Person, serde_json::Value) {
    let gateway = Gateway::dev().await;
    let mut host = gateway.enter("host", "moderator").await;
    let claims = json!({ "rooms": { "*": "publisher" }, "ttl_s": 60 });
    let mut ada = gateway.member("ada", claims).await;
    let stream = ada.publish().await["id"].clone();
    // In steps, so that both show life meanwhile.
    for _ in 0..6 {
        host.received().await;
        ada.received().await;
        gateway.advance(Duration::from_secs(10));
    }
    loop {
        if ada.push("session_state").await["state"] == "tokenExpired" {
            break;
        }
    }
    for person in [&mut host, &mut ada] {
        person.received().await;
    }
    (gateway, host, ada, stream)
}

/// What was received by now, found by a request that is allowed while the token is expired.
async fn names(person: &mut Person) -> Vec<String> {
    person.received().await.into_iter().map(|(name, _)| name).collect()
}

#[tokio::test]
async fn expired_session_gets_only_its_own_pushes_until_reset() {
    let (gateway, mut host, mut ada, stream) = cast().await;
    host.does("signal", json!({ "room": "lobby", "type": "chat", "data": 1 })).await;
    host.does("lock_room", json!({ "room": "lobby" })).await;
    let _late = gateway.enter("late", "moderator").await;
    host.does("force_mute", json!({ "stream": stream })).await;
    let role = json!({ "room": "lobby", "participant": ada.id(), "role": "moderator" });
    host.does("set_role", role).await;
    assert_eq!(names(&mut ada).await, ["mute_forced", "role_changed"]);
    let session =
        gateway.token(json!({ "scope": "session", "sub": "ada", "rooms": { "*": "publisher" } }));
    ada.does("renew", json!({ "auth_token": session })).await;
    let received = ada.received().await;
    let resets: Vec<_> = received.iter().filter(|(name, _)| name == "room_reset").collect();
    let snapshot = match resets.as_slice() {
        [] => ada.push("room_reset").await["snapshot"].clone(),
        [(_, reset)] => reset["snapshot"].clone(),
        more => panic!("one reset a room: {more:?}"),
    };
    assert_eq!(snapshot["locked"], true);
    assert_eq!(snapshot["participants"].as_array().unwrap().len(), 3);
    host.does("signal", json!({ "room": "lobby", "type": "chat", "data": 2 })).await;
    assert_eq!(ada.push("signal").await["data"], 2, "the first was not kept");
}

#[tokio::test]
async fn an_expired_session_may_give_up_and_take_nothing() {
    let (_gateway, _host, mut ada, stream) = cast().await;
    for (command, body) in [
        ("signal", json!({ "room": "lobby", "type": "chat", "data": 1 })),
        ("join", json!({ "room": "hall" })),
        ("roster", json!({ "room": "lobby" })),
        ("subscribe", json!({ "stream": stream })),
        ("update_stream", json!({ "stream": stream, "has_audio": true })),
        ("update_stream", json!({ "stream": stream, "name": "shown to the room" })),
        ("update_stream", json!({ "stream": stream, "has_audio": false, "name": "shown" })),
        ("update_stream", json!({ "stream": stream, "layout_classes": ["full"] })),
        ("update_stream", json!({ "stream": stream, "has_audio": false, "has_video": true })),
        ("update_stream", json!({ "stream": stream })),
    ] {
        assert_eq!(ada.fails(command, body).await, "token_expired", "{command}");
    }
    ada.does("update_stream", json!({ "stream": stream, "has_audio": false })).await;
    ada.does("unpublish", json!({ "stream": stream })).await;
    ada.does("leave", json!({ "room": "lobby" })).await;
}

#[tokio::test]
async fn expired_session_gets_removal_and_room_end_at_once() {
    let (_gateway, mut host, mut ada, _) = cast().await;
    host.does("force_disconnect", json!({ "room": "lobby", "username": "ada" })).await;
    assert_eq!(names(&mut ada).await, ["removed"]);
    let (_gateway, mut host, mut ada, _) = cast().await;
    host.does("end_room", json!({ "room": "lobby" })).await;
    assert_eq!(names(&mut ada).await, ["room_ended"]);
}

#[tokio::test]
async fn a_renewal_that_finds_the_session_removed_resets_nothing() {
    let gateway = Setup::new().run().await;
    let mut ada = gateway.enter("ada", "publisher").await;
    ada.does("renew", json!({})).await;
    assert!(ada.received_of("room_reset").await.is_empty(), "a renewal in time is no gap");
}
