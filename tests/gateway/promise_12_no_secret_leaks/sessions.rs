//! What sessions meet: refusals, rooms, signals, moderation, and the way back after a lost connection.

use serde_json::{Value, json};

use super::running::Running;
use super::tokens::signed;
use super::{ADA, Canaries, EVE, HOST};
use crate::common::{Client, start_of};

pub fn start(username: &str, credentials: &Value) -> Value {
    let mut start = start_of(username, "instance-1");
    (start["app"], start["credentials"]) = (json!("shop"), credentials.clone());
    start
}

/// Everything that is refused before there is a session.
pub async fn deny(running: &Running, canaries: &mut Canaries) {
    let forged = canaries.keep(format!("{}x", signed(json!({ "scope": "session", "sub": EVE }))));
    for (code, username, credentials) in [
        (4003, EVE, json!({ "token": forged })),
        (4003, EVE, json!({ "token": "canary-secret-token" })),
        (4003, EVE, json!({ "params": { "password": "canary-secret-password" } })),
        (4003, EVE, json!({ "params": { "api_token": "canary-secret-api-token" } })),
        (4206, "canary-name-unknown", json!({ "params": { "password": "canary-secret" } })),
    ] {
        let first = json!({ "id": 0, "start": start(username, &credentials) });
        let (found, received) = running.refused(&first.to_string()).await;
        assert_eq!(found, code, "{credentials}: {received}");
        canaries.assert_no_secret("a refused start", &received);
    }
    for (username, credentials) in [
        (EVE, json!("canary-secret-token")),
        (EVE, json!({ "token": ["canary-secret-token"] })),
        (EVE, json!({ "password": "canary-secret-password" })),
        ("canary-name-e\u{301}ve", json!({ "guest": {} })),
    ] {
        let first = json!({ "id": 0, "start": start(username, &credentials) });
        let received = running.answered(&first.to_string()).await;
        canaries.assert_no_secret("a start with a mistake", &received);
    }
    let malformed = r#"{"id":0,"start":{"username":"canary-malformed","app":7}}"#;
    canaries.assert_no_secret("a malformed start", &running.answered(malformed).await);
    for (code, first) in [
        (4500, "canary-no-json"),
        (4502, r#"{"id":0,"canary_command":{}}"#),
        (4502, r#"{"id":0,"join":{"room":"canary-room"}}"#),
    ] {
        assert_eq!(running.refused(first).await.0, code, "{first}");
    }
}

/// A moderator by webhook, and a user by a session token: both are in a room.
pub async fn connect_all(running: &Running, canaries: &mut Canaries) -> (Client, Client, Value) {
    let params = json!({ "params": { "password": "canary-secret-password" } });
    let (mut host, started) = running.start(start(HOST, &params)).await;
    canaries.keep_session(&started);
    let session = canaries.keep(signed(json!({ "scope": "session", "sub": ADA })));
    let (mut ada, started) = running.start(start(ADA, &json!({ "token": session }))).await;
    canaries.keep_session(&started);
    for (client, role) in [(&mut host, "moderator"), (&mut ada, "publisher")] {
        let claims = json!({ "scope": "room", "room": "lobby", "role": role,
            "data": "canary-connection-data", "app_moderator": true });
        let room = canaries.keep(signed(claims));
        client.request("join", json!({ "room": "lobby", "token": room })).await.unwrap();
    }
    (host, ada, started)
}

/// Signals, streams and what goes wrong with them; the stream that was published.
pub async fn converse(host: &mut Client, ada: &mut Client, canaries: &mut Canaries) -> Value {
    let signal = json!({ "room": "lobby", "type": "canary-type", "data": "canary-signal-data" });
    ada.request("signal", signal).await.unwrap();
    let published = json!({ "room": "lobby", "stream": { "name": "canary-stream-name",
        "kind": "camera", "has_audio": true, "has_video": true } });
    let published = ada.request("publish", published).await.unwrap();
    let stream = published["published"]["stream"]["id"].clone();
    let subscribed = json!({ "stream": stream });
    host.request("subscribe", subscribed).await.unwrap();
    let to = published["published"]["stream"]["participant"].clone();
    let relay = json!({ "to": to, "stream": stream, "data": { "sdp": "canary-sdp" } });
    host.request("relay", relay).await.unwrap();
    let wrong = json!({ "room": "canary room", "type": "canary", "data": "canary-signal-data" });
    ada.request("signal", wrong).await.unwrap_err();
    let elsewhere = canaries.keep(signed(json!({ "scope": "room", "room": "elsewhere" })));
    for token in [&*elsewhere, "canary-secret-token"] {
        let received = ada.request("join", json!({ "room": "lobby", "token": token })).await;
        canaries.assert_no_secret("a refused join", &received.unwrap_err().to_string());
    }
    stream
}

/// Commands that are done, and one that is refused.
pub async fn moderate(host: &mut Client, ada: &mut Client, stream: &Value) {
    let lock = json!({ "room": "lobby", "ref": "canary-ref" });
    ada.request("lock_room", lock).await.unwrap_err();
    host.request("force_mute", json!({ "stream": stream, "lock": true })).await.unwrap();
    host.request("request_unmute", json!({ "stream": stream })).await.unwrap();
    let removal = json!({ "room": "lobby", "username": ADA, "reason": "canary-reason" });
    host.request("force_disconnect", removal).await.unwrap();
    ada.push("removed").await;
    let again = json!({ "room": "lobby", "data": "canary-connection-data" });
    ada.request("join", again).await.unwrap_err();
}

/// Renewals, and resumes after a lost connection; the session as it goes on.
pub async fn come_back(
    running: &Running,
    mut ada: Client,
    started: &Value,
    canaries: &mut Canaries,
) -> Client {
    let received = ada.request("renew", json!({ "auth_token": "canary-secret-token" })).await;
    canaries.assert_no_secret("a refused renewal", &received.unwrap_err().to_string());
    let session = canaries.keep(signed(json!({ "scope": "session", "sub": ADA })));
    let renewed = ada.request("renew", json!({ "auth_token": session })).await.unwrap();
    canaries.keep(renewed["renewed"]["access_token"].as_str().unwrap());
    let last_seq = ada.last_seq;
    ada.cut().await;
    let resume = |secret: &Value| {
        let session = &started["session"]["id"];
        json!({ "id": 0, "resume": { "session": session, "secret": secret, "last_seq": last_seq } })
    };
    let wrong = resume(&json!("canary-secret-of-a-resume")).to_string();
    let (code, received) = running.refused(&wrong).await;
    assert_eq!(code, 4401);
    canaries.assert_no_secret("a refused resume", &received);
    let mut ada = running.connect().await;
    ada.send(resume(&started["resume"]["secret"])).await;
    let resumed = ada.reply(0).await.unwrap();
    canaries.keep(resumed["resumed"]["resume"]["secret"].as_str().unwrap());
    ada
}
