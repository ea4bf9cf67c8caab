//! `revoke-all`: after the leak of a key, everything that an app's tokens brought about ends.

use std::time::Duration;

use jsonwebtoken::{EncodingKey, Header};
use serde_json::{Value, json};
use stagedoor::config::{Config, HmacSecret};

use crate::common::{Client, Gateway, House, SERVER_KEY, Setup, start_of};

const NEW_SECRET: &str = "the-next-secret-of-the-demo-app-of-32-bytes-at-least";

/// A second app, with the keys of the first.
fn with_other_app(config: &mut Config) {
    let mut other = config.apps[0].clone();
    other.id = "other".into();
    config.apps.push(other);
}

fn with_new_secret(config: &mut Config) {
    config.apps[0].hs256_secrets = vec![HmacSecret { kid: None, secret: NEW_SECRET.into() }];
}

fn signed(gateway: &Gateway, secret: &str, mut claims: Value) -> String {
    let now = gateway.clock().wall().as_secs();
    let all = json!({ "iss": "demo", "aud": "stagedoor", "iat": now, "exp": now + 3_600 });
    for (name, claim) in all.as_object().unwrap() {
        claims.as_object_mut().unwrap().entry(name).or_insert_with(|| claim.clone());
    }
    let key = EncodingKey::from_secret(secret.as_bytes());
    jsonwebtoken::encode(&Header::default(), &claims, &key).unwrap()
}

fn start_by(token: &Value, username: &str) -> Value {
    let mut start = start_of(username, &format!("instance-{username}"));
    start["credentials"] = json!({ "token": token });
    start
}

/// The close code and the error of a start that is rejected.
async fn refused(gateway: &Gateway, start: Value) -> (u16, Value) {
    let closed = Client::refused(gateway, json!({ "id": 0, "start": start })).await;
    let error = closed.before.iter().find_map(|message| message.get("error")).cloned();
    (closed.code, error.unwrap_or_default())
}

async fn join(client: &mut Client, token: &str) -> Result<Value, Value> {
    client.request("join", json!({ "room": "lobby", "token": token })).await
}

#[tokio::test]
async fn leaked_key_is_answered_by_rotation_and_revoke_all() {
    let house = House::new();
    let gateway = house.setup().with(with_other_app).run().await;
    let claims = |scope: &str| json!({ "scope": scope, "sub": "ada" });
    let room = json!({ "scope": "room", "room": "lobby", "role": "publisher" });
    let (mut ada, of_ada) = gateway.registered("ada", "instance-ada", json!({})).await;
    let (mut guest, of_guest) = Client::guest(&gateway, "bob", "instance-bob").await;
    let (away, suspended) = gateway.registered("eve", "instance-eve", json!({})).await;
    away.cut().await;
    let mut in_other = start_of("ada", "instance-other");
    in_other["app"] = json!("other");
    let (mut other, of_other) = Client::start(&gateway, in_other).await;
    gateway.reload(with_new_secret);
    let by_new = |gateway: &Gateway, claims: Value| json!(signed(gateway, NEW_SECRET, claims));
    let void = by_new(&gateway, claims("session"));
    let (void_room, void_server) = (
        signed(&gateway, NEW_SECRET, room.clone()),
        signed(&gateway, NEW_SECRET, claims("server")),
    );
    assert_eq!(gateway.api_as(&void_server, "GET", "users", None).await.status, 200);
    let revoked = gateway.api_does("POST", "revoke-all", json!({ "reason": "leak" })).await;
    assert_eq!(revoked["sessions_ended"], 3);
    let accepted_from = gateway.clock().wall().as_millis() + 1_000;
    assert_eq!(revoked["accepted_from_ms"], accepted_from);
    for client in [&mut ada, &mut guest] {
        let closed = client.closed().await;
        assert_eq!((closed.code, &closed.disconnect["retry_after_ms"]), (4101, &json!(1_000)));
    }
    assert_eq!(Client::resume_refused(&gateway, &suspended, 0).await.code, 4101);
    other.request("leave", json!({ "room": "nowhere" })).await.unwrap_err();

    let rejects = async |gateway: &Gateway| {
        for (start, case) in [
            (start_by(&void, "ada"), "a session token"),
            (start_by(&of_ada["access_token"], "ada"), "an access token"),
            (start_by(&of_guest["access_token"], "bob"), "a guest's access token"),
            (start_by(&suspended["access_token"], "eve"), "that of a suspended session"),
        ] {
            let (code, error) = refused(gateway, start).await;
            assert_eq!((code, &error["code"]), (4101, &json!("token_revoked")), "{case}");
        }
        let server = gateway.api_as(&void_server, "GET", "users", None).await;
        assert_eq!(server.status, 401, "a server token");
        let (mut guest, _) = Client::guest(gateway, "guest", "instance-guest").await;
        let error = join(&mut guest, &void_room).await.unwrap_err();
        assert_eq!(
            (&error["code"], &error["field"]),
            (&json!("token_revoked"), &json!("join.token"))
        );
        guest.cut().await;
    };
    rejects(&gateway).await;
    let gateway = house
        .reopen_with(gateway, |config| {
            with_other_app(config);
            with_new_secret(config);
        })
        .await;
    gateway.advance(Duration::from_secs(1));
    rejects(&gateway).await;

    let start = start_by(&by_new(&gateway, claims("session")), "ada");
    let (mut ada, started) = Client::start(&gateway, start).await;
    join(&mut ada, &signed(&gateway, NEW_SECRET, room)).await.unwrap();
    ada.cut().await;
    Client::start(&gateway, start_by(&started["access_token"], "ada")).await;
    let server = signed(&gateway, NEW_SECRET, claims("server"));
    assert_eq!(gateway.api_as(&server, "GET", "users", None).await.status, 200);
    let mut by_access = start_of("ada", "instance-other");
    (by_access["app"], by_access["credentials"]) =
        (json!("other"), json!({ "token": of_other["access_token"] }));
    Client::start(&gateway, by_access).await;

    let audit = gateway.api_does("GET", "audit?command=revoke_all", json!({})).await;
    assert_eq!(audit["items"].as_array().unwrap().len(), 1);
    assert_eq!(audit["items"][0]["reason"], "leak");
}

#[tokio::test]
async fn revocation_before_a_time_keeps_what_is_newer() {
    let gateway = Gateway::dev().await;
    let (mut old, of_old) = gateway.registered("ada", "instance-ada", json!({})).await;
    gateway.advance(Duration::from_secs(10));
    let before = gateway.clock().wall().as_millis();
    gateway.advance(Duration::from_secs(10));
    // An access token of the old session, issued after the time.
    let renewed = json!({ "scope": "session", "sub": "eve", "iat": before / 1_000 - 5 });
    let (mut new, of_new) = gateway.registered("bob", "instance-bob", json!({})).await;
    let late = json!({ "token": gateway.token(renewed) });
    let revoked = gateway.api_does("POST", "revoke-all", json!({ "before_ms": before })).await;
    assert_eq!(revoked, json!({ "sessions_ended": 1, "accepted_from_ms": before + 1_000 }));
    assert_eq!(old.closed().await.code, 4101);
    assert_eq!(refused(&gateway, start_by(&of_old["access_token"], "ada")).await.0, 4101);
    let mut start = start_of("eve", "instance-eve");
    start["credentials"] = late;
    let (code, error) = refused(&gateway, start).await;
    assert_eq!((code, error.get("retry_after_ms")), (4101, None), "no wait is left");
    new.request(
        "renew",
        json!({ "auth_token": gateway.token(json!({ "scope": "session", "sub": "bob" })) }),
    )
    .await
    .unwrap();
    new.cut().await;
    Client::start(&gateway, start_by(&of_new["access_token"], "bob")).await;

    let earlier = json!({ "before_ms": before - 15_000 });
    let revoked = gateway.api_does("POST", "revoke-all", earlier).await;
    assert_eq!(revoked, json!({ "sessions_ended": 0, "accepted_from_ms": before + 1_000 }));
    assert_eq!(refused(&gateway, start_by(&of_old["access_token"], "ada")).await.0, 4101);
}

#[tokio::test]
async fn access_token_of_an_older_authentication_is_void() {
    let gateway = Setup::new()
        .with(|config| config.apps[0].renewal = stagedoor::config::Renewal::Client)
        .run()
        .await;
    let (mut ada, _) = Client::guest(&gateway, "ada", "instance-ada").await;
    gateway.advance(Duration::from_secs(10));
    let before = gateway.clock().wall().as_millis();
    gateway.advance(Duration::from_secs(10));
    let renewed = ada.request("renew", json!({})).await.unwrap()["renewed"].clone();
    gateway.api_does("POST", "revoke-all", json!({ "before_ms": before })).await;
    assert_eq!(ada.closed().await.code, 4101);
    assert_eq!(refused(&gateway, start_by(&renewed["access_token"], "ada")).await.0, 4101);
}

#[tokio::test]
async fn revocation_before_a_future_time_is_rejected() {
    let gateway = Gateway::dev().await;
    let (mut ada, _) = Client::guest(&gateway, "ada", "instance-ada").await;
    let now = gateway.clock().wall().as_millis();
    let rejected = gateway.api_fails("revoke-all", json!({ "before_ms": now + 1 })).await;
    assert_eq!(rejected, (400, "invalid_argument".to_owned()));
    ada.request("renew", json!({})).await.unwrap();
    let key = gateway.api_as(&SERVER_KEY.replace("sk_a", "sk_b"), "POST", "revoke-all", None).await;
    assert_eq!(key.status, 401);
}
