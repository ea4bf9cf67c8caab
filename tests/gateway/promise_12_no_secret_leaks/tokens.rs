//! Tokens: those that the app signs, and those that the gateway mints for it.

use jsonwebtoken::{EncodingKey, Header};
use serde_json::{Value, json};
use stagedoor::clock::Clock;

use super::configured::{OLD, app_secret, server_key};
use super::running::Running;
use super::sessions::start;
use super::{ADA, Canaries};
use crate::common::Client;

/// A token of the app.
pub fn signed(mut claims: Value) -> String {
    let now = Clock::system().wall().as_secs();
    (claims["iss"], claims["aud"]) = (json!("shop"), json!("stagedoor"));
    (claims["iat"], claims["exp"]) = (json!(now), json!(now + 600));
    let key = EncodingKey::from_secret(app_secret(OLD).as_bytes());
    jsonwebtoken::encode(&Header::default(), &claims, &key).unwrap()
}

/// Has one of each kind minted, and shows them; the server token, and the session that came in with the others.
pub async fn mint(running: &Running, canaries: &mut Canaries) -> (String, Client) {
    let name = "Canary-Name-Ève ✨";
    let (key, mut minted) = (server_key(OLD), Vec::new());
    for (path, body) in [
        ("tokens/server", json!({ "name": "canary-name-billing" })),
        ("sessions", json!({ "username": name, "name": "canary-display-name" })),
        ("tokens/room", json!({ "room": "lobby", "data": "canary-data", "jti": "canary-jti" })),
    ] {
        let (status, answer) = running.api(&key, "POST", path, body).await;
        assert_eq!(status, 201, "{answer}");
        let answer: Value = serde_json::from_str(&answer).unwrap();
        minted.push(canaries.keep(answer["token"].as_str().unwrap()));
    }
    let [server, session, room] = &minted[..] else { panic!("three were minted") };
    let (mut eve, started) = running.start(start(name, &json!({ "token": session }))).await;
    canaries.keep_session(&started);
    eve.request("join", json!({ "room": "lobby", "token": room })).await.unwrap();

    let received = eve.request("join", json!({ "room": "elsewhere", "token": room })).await;
    canaries.assert_no_secret("a refused join", &received.unwrap_err().to_string());
    let (_, received) = running
        .refused(&json!({ "id": 0, "start": start(ADA, &json!({ "token": room })) }).to_string())
        .await;
    canaries.assert_no_secret("a refused start", &received);
    let (status, received) = running.api(server, "POST", "tokens/server", json!({})).await;
    assert_eq!(status, 403);
    canaries.assert_absent("a refused minting", &received);
    (server.clone(), eve)
}
