//! Revocation: which tokens `revoke` and `end_room` void, and what their clients are asked to wait.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use jsonwebtoken::{EncodingKey, Header};
use serde_json::{Value, json};
use stagedoor::auth::{AuthHook, AuthMethod, AuthRequest, Authenticated, Decision};
use stagedoor_proto::Credentials;
use tokio::sync::Semaphore;

use crate::common::{Client, Gateway, SECRET, Setup, start_of};

/// A start of `username` on its own instance by a session token with these claims.
fn start_by(gateway: &Gateway, username: &str, mut claims: Value) -> Value {
    (claims["scope"], claims["sub"]) = (json!("session"), json!(username));
    let mut start = start_of(username, &format!("instance-{username}"));
    start["credentials"] = json!({ "token": gateway.token(claims) });
    start
}

fn now(gateway: &Gateway) -> u64 {
    gateway.clock().wall().as_secs()
}

async fn refused(gateway: &Gateway, start: Value) -> (u16, Value) {
    let closed = Client::refused(gateway, json!({ "id": 0, "start": start })).await;
    let error = closed.before.iter().find_map(|message| message.get("error")).cloned();
    (closed.code, error.unwrap_or_default())
}

#[tokio::test]
async fn token_without_iat_is_revoked() {
    let gateway = Gateway::dev().await;
    gateway.api_does("POST", "users/ada/revoke", json!({})).await;
    let without_iat = |gateway: &Gateway| {
        let claims = json!({
            "iss": "demo", "aud": "stagedoor", "scope": "session", "sub": "ada",
            "exp": now(gateway) + 600,
        });
        let key = EncodingKey::from_secret(SECRET.as_bytes());
        let token = jsonwebtoken::encode(&Header::default(), &claims, &key).unwrap();
        let mut start = start_of("ada", "instance-1");
        start["credentials"] = json!({ "token": token });
        start
    };
    for wait in [Duration::ZERO, Duration::from_mins(1), Duration::from_hours(29 * 24)] {
        gateway.advance(wait);
        let (code, error) = refused(&gateway, without_iat(&gateway)).await;
        assert_eq!((code, &error["code"]), (4101, &json!("token_revoked")));
    }
    gateway.advance(Duration::from_hours(24));
    Client::start(&gateway, without_iat(&gateway)).await;
}

#[tokio::test]
async fn token_issued_after_a_revocation_is_accepted() {
    let gateway = Gateway::dev().await;
    gateway.advance(Duration::from_millis(250));
    let (mut client, _) = gateway.registered("ada", "instance-ada", json!({})).await;
    let revoked = gateway.api_does("POST", "users/ada/revoke", json!({})).await;
    let accepted_from = revoked["accepted_from_ms"].as_u64().unwrap();
    assert_eq!(accepted_from, gateway.clock().wall().as_millis() + 1_750);
    assert_eq!(client.closed().await.disconnect["retry_after_ms"], 1_750);
    let early = start_by(&gateway, "ada", json!({}));
    let (code, error) = refused(&gateway, early.clone()).await;
    assert_eq!((code, &error["retry_after_ms"]), (4101, &json!(1_750)));
    gateway.advance(Duration::from_millis(1_749));
    let (_, error) = refused(&gateway, start_by(&gateway, "ada", json!({}))).await;
    assert_eq!(error["retry_after_ms"], 1);
    gateway.advance(Duration::from_millis(1));
    let (code, error) = refused(&gateway, early).await;
    assert_eq!((code, error.get("retry_after_ms")), (4101, None), "no wait is left");
    Client::start(&gateway, start_by(&gateway, "ada", json!({}))).await;
}

#[tokio::test]
async fn revocation_leeway_is_configured() {
    let leeway = Duration::from_secs(20);
    let gateway = Setup::new().with(|config| config.apps[0].revocation_leeway = leeway).run().await;
    gateway.api_does("POST", "users/ada/revoke", json!({})).await;
    gateway.advance(Duration::from_secs(19));
    assert_eq!(refused(&gateway, start_by(&gateway, "ada", json!({}))).await.0, 4101);
    gateway.advance(Duration::from_secs(1));
    Client::start(&gateway, start_by(&gateway, "ada", json!({}))).await;
}

#[tokio::test]
async fn revoked_auth_token_renews_no_session() {
    let gateway = Gateway::dev().await;
    let old = gateway.token(json!({ "scope": "session", "sub": "ada" }));
    gateway.api_does("POST", "users/ada/revoke", json!({})).await;
    gateway.advance(Duration::from_secs(1));
    let (mut client, _) = gateway.registered("ada", "instance-ada", json!({})).await;
    let error = client.request("renew", json!({ "auth_token": old })).await.unwrap_err();
    assert_eq!(error["code"], "token_revoked");
    let fresh = gateway.token(json!({ "scope": "session", "sub": "ada" }));
    client.request("renew", json!({ "auth_token": fresh })).await.unwrap();
}

#[tokio::test]
async fn room_token_of_a_revoked_user_is_void() {
    let gateway = Gateway::dev().await;
    let token = |claims: Value| {
        let mut all = json!({ "scope": "room", "room": "lobby", "role": "moderator" });
        for (name, claim) in claims.as_object().unwrap() {
            all[name] = claim.clone();
        }
        gateway.token(all)
    };
    let (bound, anyone) = (token(json!({ "sub": "ada" })), token(json!({})));
    gateway.api_does("POST", "users/ada/revoke", json!({})).await;
    let (mut guest, _) = Client::guest(&gateway, "ada", "instance-9").await;
    let void = json!({ "room": "lobby", "token": bound });
    let error = guest.request("join", void.clone()).await.unwrap_err();
    assert_eq!(
        (&error["code"], &error["retry_after_ms"]),
        (&json!("token_revoked"), &json!(1_000))
    );
    assert_eq!(error["field"], "join.token");
    gateway.advance(Duration::from_secs(1));
    let error = guest.request("join", void).await.unwrap_err();
    assert_eq!((&error["code"], error.get("retry_after_ms")), (&json!("token_revoked"), None));
    for token in [anyone, token(json!({ "sub": "ada" }))] {
        guest.request("join", json!({ "room": "lobby", "token": token })).await.unwrap();
    }
}

#[tokio::test]
async fn token_of_a_fast_clock_reopens_no_ended_room() {
    let gateway = Gateway::dev().await;
    gateway.advance(Duration::from_millis(400));
    let mut host = gateway.enter("host", "moderator").await;
    let iat = now(&gateway) + 1;
    let claims = json!({ "scope": "room", "room": "lobby", "role": "publisher", "iat": iat });
    let early = json!({ "room": "lobby", "token": gateway.token(claims) });
    let ended = host.does("end_room", json!({ "room": "lobby" })).await;
    assert_eq!(ended["accepted"]["accepted_from_ms"], gateway.clock().wall().as_millis() + 1_600);
    let (mut guest, _) = Client::guest(&gateway, "ada", "instance-1").await;
    let error = guest.request("join", early.clone()).await.unwrap_err();
    assert_eq!((&error["code"], &error["retry_after_ms"]), (&json!("room_ended"), &json!(1_600)));
    gateway.advance(Duration::from_millis(1_600));
    let error = guest.request("join", early).await.unwrap_err();
    assert_eq!((&error["code"], error.get("retry_after_ms")), (&json!("room_ended"), None));
    let fresh = json!({ "room": "lobby", "token": gateway.room_token("publisher") });
    guest.request("join", fresh).await.unwrap();
}

#[tokio::test]
async fn ended_room_is_created_again_at_once() {
    let gateway = Gateway::dev().await;
    gateway.advance(Duration::from_millis(400));
    let body = json!({ "room": "lobby", "settings": { "participants": 7 }, "locked": true });
    gateway.api_does("POST", "rooms", body).await;
    gateway.api_does("POST", "rooms/lobby/unlock", json!({})).await;
    let mut host = gateway.enter("host", "moderator").await;
    let early = json!({ "room": "lobby", "token": gateway.room_token("publisher") });
    let exists = (409, "room_exists".to_owned());
    let again = json!({
        "room": "lobby", "settings": { "participants": 2 }, "mute": { "active": true, "lock": true },
    });
    assert_eq!(gateway.api_fails("rooms", again.clone()).await, exists, "it is occupied");
    let end = json!({ "ref": "end-1" });
    let ended = gateway.api_does("POST", "rooms/lobby/end", end.clone()).await;
    host.push("room_ended").await;
    let created = gateway.api_does("POST", "rooms", again.clone()).await;
    assert_eq!(created["settings"]["participants"], 2);
    assert_eq!(gateway.api_fails("rooms", again.clone()).await, exists, "created since");
    assert_eq!(gateway.api_does("POST", "rooms/lobby/end", end).await, ended, "a repetition");
    let (mut ada, _) = Client::guest(&gateway, "ada", "instance-1").await;
    let error = ada.request("join", early.clone()).await.unwrap_err();
    assert_eq!(error["code"], "room_ended");
    let granted = json!({ "rooms": { "lobby": "publisher" } });
    let (mut bob, _) = gateway.registered("bob", "instance-bob", granted).await;
    let joined = bob.request("join", json!({ "room": "lobby" })).await.unwrap();
    assert_eq!(joined["joined"]["room"]["mute"], json!({ "active": true, "lock": true }));
    gateway.advance(Duration::from_millis(1_600));
    assert_eq!(ada.request("join", early).await.unwrap_err()["code"], "room_ended");
    let fresh = json!({ "room": "lobby", "token": gateway.room_token("publisher") });
    ada.request("join", fresh.clone()).await.unwrap();
    let (mut carol, _) = Client::guest(&gateway, "carol", "instance-3").await;
    assert_eq!(carol.request("join", fresh).await.unwrap_err()["code"], "room_full");
    assert_eq!(gateway.api_fails("rooms", again).await, exists, "it is open");
}

#[tokio::test]
async fn room_joined_after_its_end_cannot_be_created() {
    let gateway = Gateway::dev().await;
    let host = gateway.enter("host", "moderator").await;
    gateway.api_does("POST", "rooms/lobby/end", json!({})).await;
    let granted = json!({ "rooms": { "lobby": "publisher" } });
    let (mut bob, _) = gateway.registered("bob", "instance-bob", granted).await;
    bob.request("join", json!({ "room": "lobby" })).await.unwrap();
    let exists = (409, "room_exists".to_owned());
    assert_eq!(gateway.api_fails("rooms", json!({ "room": "lobby" })).await, exists);
    drop(host);
}

/// A hook that admits registered users when the test permits it.
struct SlowHook {
    called: Semaphore,
    permitted: Semaphore,
}

impl AuthHook for SlowHook {
    fn name(&self) -> &'static str {
        "slow"
    }

    fn claims(&self, request: &AuthRequest) -> bool {
        matches!(request.credentials, Credentials::Params(_))
    }

    fn decide<'a>(&'a self, request: &'a AuthRequest) -> BoxFuture<'a, Decision> {
        async move {
            self.called.add_permits(1);
            self.permitted.acquire().await.unwrap().forget();
            let username = request.username.clone().unwrap();
            let method = AuthMethod::Hook { issued: None };
            Decision::Allow(Box::new(Authenticated::new(username, method)))
        }
        .boxed()
    }
}

#[tokio::test]
async fn revocation_voids_a_decision_it_overtook() {
    let hook = Arc::new(SlowHook { called: Semaphore::new(0), permitted: Semaphore::new(0) });
    let gateway = Setup::new().hook(Arc::<SlowHook>::clone(&hook)).run().await;
    let mut start = start_of("ada", "instance-1");
    start["credentials"] = json!({ "params": {} });
    let mut waiting = Client::connect(&gateway).await;
    waiting.send(json!({ "id": 0, "start": start.clone() })).await;
    hook.called.acquire().await.unwrap().forget();
    gateway.advance(Duration::from_millis(1));
    gateway.api_does("POST", "users/ada/revoke", json!({})).await;
    hook.permitted.add_permits(1);
    assert_eq!(waiting.closed().await.code, 4101, "a start");
    hook.permitted.add_permits(1);
    let (mut ada, _) = Client::start(&gateway, start).await;
    hook.called.acquire().await.unwrap().forget();
    let renewal = ada.begin("renew", json!({ "params": {} })).await;
    hook.called.acquire().await.unwrap().forget();
    gateway.advance(Duration::from_millis(1));
    gateway.api_does("POST", "users/ada/revoke", json!({})).await;
    hook.permitted.add_permits(1);
    assert_eq!(ada.closed().await.code, 4101, "renewal {renewal}");
}

#[tokio::test]
async fn revoked_auth_token_resumes_no_session() {
    let gateway = Gateway::dev().await;
    let old = gateway.token(json!({ "scope": "session", "sub": "ada" }));
    gateway.api_does("POST", "users/ada/revoke", json!({})).await;
    gateway.advance(Duration::from_millis(1_500));
    let (ada, started) = gateway.registered("ada", "instance-ada", json!({})).await;
    ada.cut().await;
    gateway.suspended("ada").await;
    let session = &started["session"]["id"];
    let secret = &started["resume"]["secret"];
    let mut resume = json!({ "session": session, "secret": secret, "last_seq": 0 });
    resume["auth_token"] = json!(old);
    let closed = Client::refused(&gateway, json!({ "id": 0, "resume": resume })).await;
    assert_eq!(closed.code, 4101);
    Client::resume(&gateway, &started, 0).await;
}

#[tokio::test]
async fn resume_after_a_revocation_says_how_long_to_wait() {
    let gateway = Gateway::dev().await;
    let (ada, started) = gateway.registered("ada", "instance-ada", json!({})).await;
    ada.cut().await;
    gateway.suspended("ada").await;
    gateway.api_does("POST", "users/ada/revoke", json!({})).await;
    let closed = Client::resume_refused(&gateway, &started, 0).await;
    assert_eq!(closed.code, 4101);
    let error = closed.before.iter().find_map(|message| message.get("error")).unwrap();
    let wait = error["retry_after_ms"].as_u64().unwrap();
    assert!((1..=2_000).contains(&wait), "{wait}");
    assert_eq!(closed.disconnect["retry_after_ms"], wait);
}
