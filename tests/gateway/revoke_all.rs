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

/// Revokes what was issued before ten seconds ago; each token is given with its age in seconds.
async fn revoke_older_than_ten(gateway: &Gateway) -> Value {
    let before = gateway.clock().wall().as_millis() - 10_000;
    gateway.api_does("POST", "revoke-all", json!({ "before_ms": before })).await
}

fn aged(gateway: &Gateway, mut claims: Value, seconds: u64) -> String {
    claims["iat"] = json!(gateway.clock().wall().as_secs() - seconds);
    gateway.token(claims)
}

#[tokio::test]
async fn session_by_a_token_from_before_the_time_ends() {
    let house = House::new();
    let gateway = house.open().await;
    let claims = |name: &str| json!({ "scope": "session", "sub": name });
    let start = |gateway: &Gateway, name: &str, age| {
        start_by(&json!(aged(gateway, claims(name), age)), name)
    };
    gateway.advance(Duration::from_mins(1));
    let (mut old, of_old) = Client::start(&gateway, start(&gateway, "old", 30)).await;
    let (away, of_away) = Client::start(&gateway, start(&gateway, "away", 30)).await;
    let (mut renewed, of_renewed) = Client::start(&gateway, start(&gateway, "renewed", 30)).await;
    let (mut within, _) = Client::start(&gateway, start(&gateway, "within", 9)).await;
    let (mut new, of_new) = Client::start(&gateway, start(&gateway, "new", 5)).await;
    let auth_token = aged(&gateway, claims("renewed"), 5);
    renewed.request("renew", json!({ "auth_token": auth_token })).await.unwrap();
    away.cut().await;
    let again = start_by(&of_away["access_token"], "away");
    let (continued, of_continued) = Client::start(&gateway, again).await;
    continued.cut().await;
    let revoked = revoke_older_than_ten(&gateway).await;
    assert_eq!(revoked["sessions_ended"], 2, "of old and of away");
    assert_eq!(old.closed().await.code, 4101);
    assert_eq!(Client::resume_refused(&gateway, &of_continued, 0).await.code, 4101);
    for (started, name) in [(&of_old, "old"), (&of_away, "away"), (&of_continued, "away")] {
        let start = start_by(&started["access_token"], name);
        assert_eq!(refused(&gateway, start).await.0, 4101, "{name}");
    }
    for client in [&mut renewed, &mut within, &mut new] {
        let error = client.request("leave", json!({ "room": "nowhere" })).await.unwrap_err();
        assert_eq!(error["code"], "not_in_room");
    }
    drop((renewed, within, new, of_renewed));
    let gateway = house.reopen(gateway).await;
    let start = start_by(&of_new["access_token"], "new");
    Client::start(&gateway, start).await;
}

#[tokio::test]
async fn session_with_a_room_token_from_before_the_time_ends() {
    let house = House::new();
    let gateway = house.open().await;
    let room = json!({ "scope": "room", "room": "lobby", "role": "moderator" });
    gateway.advance(Duration::from_mins(1));
    let enter = async |name: &str, age| {
        let (mut client, started) =
            Client::guest(&gateway, name, &format!("instance-of-{name}")).await;
        join(&mut client, &aged(&gateway, room.clone(), age)).await.unwrap();
        (client, started)
    };
    let _old = enter("old", 30).await;
    let (away, of_away) = enter("away", 30).await;
    let (new, of_new) = enter("new", 5).await;
    away.cut().await;
    let seq = new.last_seq;
    new.cut().await;
    let gateway = house.reopen(gateway).await;
    let revoked = revoke_older_than_ten(&gateway).await;
    assert_eq!(revoked["sessions_ended"], 2, "also those of the process before");
    assert_eq!(Client::resume_refused(&gateway, &of_away, 0).await.code, 4101);
    let (mut new, _) = Client::resume(&gateway, &of_new, seq).await;
    let signal = json!({ "room": "lobby", "type": "n", "data": 1 });
    new.request("signal", signal).await.expect("it is in the room");
}

#[tokio::test]
async fn revocation_at_the_present_time_holds_for_each_kind_of_token() {
    let gateway = Gateway::dev().await;
    let session = json!({ "scope": "session", "sub": "ada" });
    let room = json!({ "scope": "room", "room": "lobby", "role": "publisher" });
    let server = json!({ "scope": "server" });
    let (mut guest, _) = Client::guest(&gateway, "guest", "instance-guest").await;
    gateway.advance(Duration::from_millis(1));
    let now = gateway.clock().wall().as_millis();
    let revoked = gateway.api_does("POST", "revoke-all", json!({ "before_ms": now })).await;
    assert_eq!(revoked, json!({ "sessions_ended": 1, "accepted_from_ms": now + 1_999 }));
    assert_eq!(guest.closed().await.code, 4101);
    let (mut guest, _) = Client::guest(&gateway, "guest", "instance-guest").await;
    for (wait, is_void) in [(0, true), (999, true), (1_000, false)] {
        gateway.advance(Duration::from_millis(wait));
        let start = start_by(&json!(gateway.token(session.clone())), "ada");
        let by_server = gateway.api_as(&gateway.token(server.clone()), "GET", "users", None).await;
        let joined = join(&mut guest, &gateway.token(room.clone())).await;
        assert_eq!(joined.is_err(), is_void, "a room token after {wait} ms: {joined:?}");
        assert_eq!(by_server.status == 401, is_void, "a server token after {wait} ms");
        if is_void {
            assert_eq!(refused(&gateway, start).await.0, 4101, "a session token");
        } else {
            Client::start(&gateway, start).await;
        }
    }
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
