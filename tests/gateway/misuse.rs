//! Invalid input in rooms: each is a typed error, and the room does not change.

use serde_json::{Value, json};

use crate::common::{Client, Gateway, Person};

/// The room as a newcomer sees it, without what a look itself changes.
async fn look(gateway: &Gateway, number: u32) -> Value {
    let mut viewer = gateway.enter(&format!("viewer-{number}"), "subscriber").await;
    let mut room = viewer.joined["room"].clone();
    viewer.does("leave", json!({ "room": "lobby" })).await;
    room["version"].take();
    let people = room["participants"].as_array_mut().unwrap();
    people.retain(|person| person["id"] != viewer.id());
    room
}

struct Cast {
    host: Person,
    ada: Person,
    gone: Value,
    stream: Value,
    own: Value,
    gone_stream: Value,
    far: Value,
}

async fn cast(gateway: &Gateway) -> Cast {
    let mut host = gateway.enter("host", "moderator").await;
    let mut ada = gateway.enter("ada", "publisher").await;
    let mut gone = gateway.enter("gone", "publisher").await;
    let (stream, own) = (ada.publish().await["id"].clone(), host.publish().await["id"].clone());
    let gone_stream = gone.publish().await["id"].clone();
    gone.does("leave", json!({ "room": "lobby" })).await;
    let (mut stranger, _) = Client::guest(gateway, "stranger", "instance-1").await;
    stranger.request("join", json!({ "room": "hall" })).await.unwrap();
    let new = json!({ "kind": "audio", "has_audio": true, "has_video": false });
    let far = stranger.request("publish", json!({ "room": "hall", "stream": new })).await.unwrap();
    let far = far["published"]["stream"]["id"].clone();
    // The stranger's membership of the other room outlives its connection.
    stranger.cut().await;
    Cast { host, ada, gone: gone.id(), stream, own, gone_stream, far }
}

#[tokio::test]
async fn a_moderators_mistakes_change_nothing() {
    let gateway = Gateway::dev().await;
    let Cast { mut host, ada, gone, stream, own, gone_stream, far } = cast(&gateway).await;
    let before = look(&gateway, 1).await;
    let me = host.id();
    let role =
        |who: &Value, role: &str| json!({ "room": "lobby", "participant": who, "role": role });
    let person = |who: &Value| json!({ "room": "lobby", "participant": who });
    let name = |username: &str| json!({ "room": "lobby", "username": username });
    for (command, body, code) in [
        ("force_disconnect", person(&me), "self_moderation"),
        ("force_disconnect", name("host"), "self_moderation"),
        ("unblock", name("host"), "self_moderation"),
        ("force_mute", json!({ "stream": own }), "self_moderation"),
        ("lift_mute", person(&me), "self_moderation"),
        ("force_unpublish", json!({ "stream": own }), "self_moderation"),
        ("request_unmute", json!({ "stream": own }), "self_moderation"),
        ("set_role", role(&me, "subscriber"), "self_moderation"),
        ("set_role", role(&ada.id(), "owner"), "malformed"),
        ("set_role", role(&gone, "subscriber"), "participant_not_found"),
        ("force_disconnect", person(&gone), "participant_not_found"),
        ("force_mute", person(&gone), "participant_not_found"),
        ("force_mute", name("unknown"), "participant_not_found"),
        ("force_mute", json!({ "stream": gone_stream }), "stream_not_found"),
        ("force_mute", json!({ "stream": far }), "stream_not_found"),
        ("force_unpublish", json!({ "stream": far }), "stream_not_found"),
        ("subscribe", json!({ "stream": far }), "stream_not_found"),
        ("lock_room", json!({ "room": "hall" }), "not_in_room"),
        ("end_room", json!({ "room": "hall" }), "not_in_room"),
        ("set_session_feed", json!({ "room": "hall", "enabled": true }), "not_in_room"),
        ("lift_mute", name("unknown"), "participant_not_found"),
        ("lift_mute", json!({ "stream": gone_stream }), "stream_not_found"),
        ("request_unmute", json!({ "stream": gone_stream }), "stream_not_found"),
        ("force_unpublish", json!({ "stream": gone_stream, "ref": "unused" }), "stream_not_found"),
        (
            "set_role",
            json!({ "room": "hall", "participant": me, "role": "publisher" }),
            "not_in_room",
        ),
        ("force_disconnect", json!({ "room": "hall", "username": "ada" }), "not_in_room"),
        ("unblock", json!({ "room": "hall", "username": "ada" }), "not_in_room"),
        ("force_mute", json!({ "room": "hall", "username": "ada" }), "not_in_room"),
        ("force_mute_all", json!({ "room": "hall" }), "not_in_room"),
        ("disable_force_mute", json!({ "room": "hall", "ref": "unused" }), "not_in_room"),
        ("unlock_room", json!({ "room": "hall" }), "not_in_room"),
        (
            "force_disconnect",
            json!({ "room": "lobby", "username": "ada", "block": { "scope": "app" } }),
            "forbidden",
        ),
        (
            "force_disconnect",
            json!({ "room": "lobby", "username": "ada", "block": { "scope": "planet" } }),
            "malformed",
        ),
        ("force_mute", json!({ "room": "lobby" }), "malformed"),
        (
            "force_mute",
            json!({ "stream": stream, "username": "ada", "room": "lobby" }),
            "malformed",
        ),
        ("force_mute", json!({ "username": "ada" }), "malformed"),
        ("force_disconnect", json!({ "room": "lobby" }), "malformed"),
        ("force_mute_all", json!({ "room": "lobby", "ref": "r".repeat(65) }), "invalid_argument"),
        (
            "force_disconnect",
            json!({ "room": "lobby", "username": "ada", "reason": "r".repeat(257) }),
            "invalid_argument",
        ),
    ] {
        assert_eq!(host.fails(command, body.clone()).await, code, "{command} {body}");
    }
    assert_eq!(look(&gateway, 2).await, before);
    drop(ada);
}

#[tokio::test]
async fn a_participants_mistakes_change_nothing() {
    let gateway = Gateway::dev().await;
    let Cast { host, mut ada, gone, stream, own, gone_stream, far } = cast(&gateway).await;
    let before = look(&gateway, 1).await;
    let (lobby, token) = (json!({ "room": "lobby" }), gateway.room_token("moderator"));
    let new = |kind: &str| json!({ "room": "lobby", "stream": { "kind": kind, "has_audio": true, "has_video": false } });
    for (command, body, code) in [
        (
            "signal",
            json!({ "room": "lobby", "to": gone, "type": "a", "data": 1 }),
            "participant_not_found",
        ),
        ("signal", json!({ "room": "hall", "type": "a", "data": 1 }), "not_in_room"),
        ("signal", json!({ "room": "lobby", "type": "a b", "data": 1 }), "invalid_argument"),
        ("signal", json!({ "room": "lobby", "type": "a", "data": "x".repeat(8_191) }), "too_large"),
        ("publish", new("hologram"), "malformed"),
        (
            "publish",
            json!({ "room": "hall", "stream": { "kind": "audio", "has_audio": true, "has_video": false } }),
            "not_in_room",
        ),
        ("update_stream", json!({ "stream": own, "has_audio": false }), "not_owner"),
        ("update_stream", json!({ "stream": gone_stream, "has_audio": false }), "stream_not_found"),
        ("unpublish", json!({ "stream": far }), "stream_not_found"),
        ("subscribe", json!({ "stream": gone_stream }), "stream_not_found"),
        ("relay", json!({ "to": host.id(), "stream": stream, "data": 1 }), "not_subscribed"),
        ("relay", json!({ "to": host.id(), "stream": far, "data": 1 }), "stream_not_found"),
        ("roster", json!({ "room": "lobby", "after": "nonsense" }), "invalid_argument"),
        ("roster", json!({ "room": "no room's name" }), "invalid_argument"),
        ("roster", json!({ "room": "hall" }), "not_in_room"),
        ("leave", json!({ "room": "hall" }), "not_in_room"),
        (
            "signal",
            json!({ "room": "lobby", "type": "a".repeat(129), "data": 1 }),
            "invalid_argument",
        ),
        ("signal", json!({ "room": "lobby", "type": "", "data": 1 }), "invalid_argument"),
        (
            "relay",
            json!({ "to": host.id(), "stream": stream, "data": "x".repeat(49_152) }),
            "too_large",
        ),
        ("join", json!({ "room": "lobby", "data": "d".repeat(1_001) }), "too_large"),
        ("join", json!({ "room": "lobby", "token": format!("{token}x") }), "token_invalid"),
        ("join", json!({ "room": "hall", "token": token }), "token_invalid"),
        ("join", json!({ "room": "" }), "invalid_argument"),
        ("join", json!({ "room": "r".repeat(129) }), "invalid_argument"),
        ("force_disconnect", json!({ "room": "lobby", "username": "host" }), "forbidden"),
        ("unblock", json!({ "room": "lobby", "username": "gone" }), "forbidden"),
        ("force_unpublish", json!({ "stream": own }), "forbidden"),
        ("force_mute", json!({ "stream": own }), "forbidden"),
        ("lift_mute", json!({ "stream": own }), "forbidden"),
        ("lift_mute", json!({ "stream": stream }), "forbidden"),
        ("force_mute_all", lobby.clone(), "forbidden"),
        ("disable_force_mute", lobby.clone(), "forbidden"),
        ("request_unmute", json!({ "stream": own }), "forbidden"),
        (
            "set_role",
            json!({ "room": "lobby", "participant": host.id(), "role": "subscriber" }),
            "forbidden",
        ),
        ("lock_room", lobby.clone(), "forbidden"),
        ("unlock_room", lobby.clone(), "forbidden"),
        ("end_room", lobby.clone(), "forbidden"),
        ("set_session_feed", json!({ "room": "lobby", "enabled": true }), "forbidden"),
        ("dance", lobby, "unknown_command"),
    ] {
        assert_eq!(ada.fails(command, body.clone()).await, code, "{command} {body}");
    }
    assert_eq!(look(&gateway, 2).await, before);
    drop(host);
}
