//! The reply to a command comes before the pushes that it causes to its sender.

use std::time::Duration;

use serde_json::{Value, json};

use crate::common::{Gateway, Person};

/// Sends a command; its reply must be the next message.
async fn replied_first(person: &mut Person, command: &str, body: Value) {
    person.received().await;
    let id = person.begin(command, body.clone()).await;
    let first = person.hear().await;
    assert_eq!(first["id"], json!(id), "{command} {body}: {first}");
    assert!(first["ok"].is_object(), "{command} {body}: {first}");
}

#[tokio::test]
async fn reply_precedes_the_pushes_of_a_moderation_command() {
    let lobby = || json!({ "room": "lobby" });
    for command in [
        "force_mute",
        "lift_mute",
        "force_mute_all",
        "disable_force_mute",
        "request_unmute",
        "set_role",
        "lock_room",
        "unlock_room",
        "force_unpublish",
        "force_disconnect",
        "unblock",
        "end_room",
        "set_session_feed",
    ] {
        let gateway = Gateway::dev().await;
        let (mut host, ada, stream) = gateway.host_and_speaker().await;
        let mut body = match command {
            "force_mute" | "lift_mute" | "request_unmute" | "force_unpublish" => {
                json!({ "stream": stream })
            }
            "set_role" => json!({ "room": "lobby", "participant": ada.id(), "role": "subscriber" }),
            "force_disconnect" | "unblock" => json!({ "room": "lobby", "username": "ada" }),
            "set_session_feed" => json!({ "room": "lobby", "enabled": true }),
            _ => lobby(),
        };
        if command.starts_with("force_mute") {
            body["lock"] = json!(true);
        }
        replied_first(&mut host, command, body).await;
    }
}

#[tokio::test]
async fn reply_precedes_the_pushes_of_a_participants_command() {
    let gateway = Gateway::dev().await;
    let (mut host, mut ada, stream) = gateway.host_and_speaker().await;
    replied_first(&mut host, "subscribe", json!({ "stream": stream })).await;
    let signal = json!({ "room": "lobby", "to": ada.id(), "type": "n", "data": 1 });
    replied_first(&mut host, "signal", signal).await;
    replied_first(&mut ada, "update_stream", json!({ "stream": stream, "has_audio": false })).await;
    replied_first(&mut ada, "unpublish", json!({ "stream": stream })).await;
    replied_first(&mut ada, "leave", json!({ "room": "lobby" })).await;
    let token = gateway.room_token("publisher");
    replied_first(&mut ada, "join", json!({ "room": "lobby", "token": token })).await;
}

#[tokio::test]
async fn renewed_precedes_the_resets_of_the_rooms() {
    let gateway = Gateway::dev().await;
    let claims = json!({ "rooms": { "*": "publisher" }, "ttl_s": 60 });
    let mut ada = gateway.member("ada", claims).await;
    for _ in 0..6 {
        ada.received().await;
        gateway.advance(Duration::from_secs(10));
    }
    while ada.push("session_state").await["state"] != "tokenExpired" {}
    let session =
        gateway.token(json!({ "scope": "session", "sub": "ada", "rooms": { "*": "publisher" } }));
    replied_first(&mut ada, "renew", json!({ "auth_token": session })).await;
    ada.push("room_reset").await;
}
