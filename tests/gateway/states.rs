//! Promise 7, and the states of a session while its token runs out.

use std::time::Duration;

use serde_json::{Value, json};
use stagedoor::config::{Config, Keepalive, Renewal};

use crate::common::{Client, Gateway, Setup, start_of};

/// No client is pinged, or lost for being silent, however far the clock is moved.
fn patient(config: &mut Config) {
    let (interval, timeout) = (Duration::from_hours(300), Duration::from_hours(250));
    config.keepalive =
        Keepalive { interval, timeout, room_interval: interval, room_timeout: timeout };
    config.resume.window = Duration::from_hours(1);
}

async fn gateway() -> Gateway {
    Setup::new().with(patient).run().await
}

/// A registered user's session that lives for `ttl_s`.
async fn session(gateway: &Gateway, ttl_s: u64) -> (Client, Value) {
    let token = gateway.session_token(json!({ "username": "ada", "ttl_s": ttl_s })).await;
    let mut start = start_of("ada", "instance-1");
    start["credentials"] = json!({ "token": token });
    Client::start(gateway, start).await
}

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

/// The name and body of the next push.
async fn next_push(client: &mut Client) -> (String, Value) {
    let message = client.hear().await;
    let name = message.as_object().unwrap().keys().find(|key| *key != "seq").unwrap().clone();
    let body = message[&name].clone();
    (name, body)
}

#[tokio::test]
async fn a_start_is_establishing_and_then_established() {
    let gateway = gateway().await;
    let mut client = Client::connect(&gateway).await;
    client.send(json!({ "id": 3, "start": start_of("ada", "instance-1") })).await;
    let establishing = client.hear().await;
    assert_eq!(
        establishing,
        json!({ "seq": 1, "session_state": { "state": "establishing", "version": 1 } })
    );
    let started = client.hear().await;
    assert_eq!((&started["id"], &started["seq"]), (&json!(3), &Value::Null));
    assert_eq!(started["ok"]["started"]["session"]["state"], "established");
    let established = client.hear().await;
    assert_eq!(
        established,
        json!({ "seq": 2, "session_state": { "state": "established", "version": 2 } })
    );
}

#[tokio::test]
async fn renewal_is_prompted_late_in_life_and_at_expiry() {
    let gateway = gateway().await;
    let (mut client, started) = session(&gateway, 60).await;
    let expires = &started["session"]["expires_at_ms"];
    assert_eq!(*expires, json!(gateway.clock().wall().as_millis() + 60_000), "`ttl_s` is its life");
    gateway.advance(secs(48));
    let (name, body) = next_push(&mut client).await;
    assert_eq!((name.as_str(), &body["expires_at_ms"]), ("token_expiring", expires));

    gateway.advance(secs(12));
    let (name, body) = next_push(&mut client).await;
    assert_eq!(name, "session_state");
    assert_eq!((&body["state"], &body["version"]), (&json!("tokenExpired"), &json!(3)));
    assert_eq!(next_push(&mut client).await.0, "token_expiring", "who did not postpone is asked");
}

/// A session whose token has run out, with nothing left to hear.
async fn expired(gateway: &Gateway) -> Client {
    let (mut client, _) = session(gateway, 60).await;
    gateway.advance(secs(60));
    let received = [next_push(&mut client).await.0, next_push(&mut client).await.0];
    assert_eq!(received, ["session_state", "token_expiring"]);
    client
}

#[tokio::test]
async fn expired_session_may_renew_postpone_and_leave() {
    let gateway = gateway().await;
    let mut client = expired(&gateway).await;
    let (stream, target) =
        ("AAAAAAAAAAAAAAAAAAAAAA", json!({ "stream": "AAAAAAAAAAAAAAAAAAAAAA" }));
    let room = json!({ "room": "lobby" });
    for (name, body) in [
        ("join", room.clone()),
        ("roster", room.clone()),
        (
            "publish",
            json!({ "room": "lobby", "stream": { "kind": "camera", "has_audio": true, "has_video": true } }),
        ),
        ("update_stream", json!({ "stream": stream, "has_audio": true })),
        ("subscribe", target.clone()),
        ("unsubscribe", target.clone()),
        ("signal", json!({ "room": "lobby", "type": "chat", "data": 1 })),
        ("force_mute", target.clone()),
        ("end_room", room.clone()),
        ("set_session_feed", json!({ "room": "lobby", "enabled": true })),
    ] {
        let error = client.request(name, body).await.unwrap_err();
        assert_eq!(error["code"], "token_expired", "{name}");
    }
    for (name, body) in [
        ("leave", room),
        ("unpublish", target),
        ("update_stream", json!({ "stream": stream, "has_audio": false })),
    ] {
        let error = client.request(name, body).await.unwrap_err();
        assert_ne!(error["code"], "token_expired", "{name}: giving up is always possible");
    }
    client.request("postpone_renewal", json!({})).await.unwrap();
    client.begin("end", json!({})).await;
    assert_eq!(client.closed().await.code, 1000);
}

#[tokio::test]
async fn a_renewal_after_expiry_is_established_again() {
    let gateway = gateway().await;
    let mut client = expired(&gateway).await;
    let token = gateway.session_token(json!({ "username": "ada" })).await;
    let renew = client.begin("renew", json!({ "auth_token": token })).await;
    assert!(client.reply(renew).await.is_ok(), "the reply comes before what it causes");
    let (name, body) = next_push(&mut client).await;
    assert_eq!(
        (name.as_str(), &body["state"], &body["version"]),
        ("session_state", &json!("established"), &json!(4))
    );
    assert_eq!(
        client.request("join", json!({ "room": "a" })).await.unwrap_err()["code"],
        "forbidden"
    );
}

#[tokio::test]
async fn a_renewal_in_time_does_not_flap() {
    let gateway = gateway().await;
    let (mut client, _) = session(&gateway, 60).await;
    gateway.advance(secs(30));
    let token = gateway.session_token(json!({ "username": "ada", "ttl_s": 60 })).await;
    client.begin("renew", json!({ "auth_token": token })).await;
    let reply = client.hear().await;
    let expires = &reply["ok"]["renewed"]["expires_at_ms"];
    assert_eq!(*expires, json!(gateway.clock().wall().as_millis() + 60_000), "{reply}");
    // Past the prompt and the expiry of the first token: the next thing said is of the second.
    gateway.advance(secs(48));
    let (name, body) = next_push(&mut client).await;
    assert_eq!((name.as_str(), &body["expires_at_ms"]), ("token_expiring", expires));
}

#[tokio::test]
async fn postponement_extends_grace_past_the_next_prompt() {
    let gateway = gateway().await;
    let (mut client, _) = session(&gateway, 60).await;
    gateway.advance(secs(48));
    client.push("token_expiring").await;
    let postponed = client.request("postpone_renewal", json!({})).await.unwrap();
    let next = gateway.clock().wall().as_millis() + 600_000;
    assert_eq!(postponed["postponed"]["next_prompt_ms"], next);

    gateway.advance(secs(12));
    let (name, body) = next_push(&mut client).await;
    assert_eq!((name.as_str(), &body["state"]), ("session_state", &json!("tokenExpired")));
    gateway.advance(secs(588));
    assert_eq!(next_push(&mut client).await.0, "token_expiring", "and nothing before");
    gateway.advance(secs(60));
    let closed = client.closed().await;
    assert_eq!((closed.code, &closed.disconnect["action"]), (4100, &json!("reauth")));
}

#[tokio::test]
async fn grace_over_closes_with_token_expired() {
    let gateway = gateway().await;
    let mut client = expired(&gateway).await;
    gateway.advance(secs(600));
    let closed = client.closed().await;
    assert_eq!(closed.code, 4100);
    let state = &closed.before.last().unwrap()["session_state"];
    assert_eq!((&state["state"], &state["code"]), (&json!("notLoggedIn"), &json!(4100)));
}

#[tokio::test]
async fn grace_runs_while_suspended() {
    let gateway = gateway().await;
    let (client, started) = session(&gateway, 60).await;
    client.cut().await;
    gateway.advance(secs(660));
    // The sweep expires a session; until then it resumes, and ends at once.
    let mut client = Client::connect(&gateway).await;
    let resume = json!({ "session": started["session"]["id"], "secret": started["resume"]["secret"], "last_seq": 2 });
    client.send(json!({ "id": 0, "resume": resume })).await;
    assert_eq!(client.closed().await.code, 4100);
}

#[tokio::test]
async fn a_refused_renewal_leaves_the_session_as_it_was() {
    let gateway = gateway().await;
    let (mut client, started) = session(&gateway, 60).await;
    let foreign = gateway.session_token(json!({ "username": "bob" })).await;
    let other_instance =
        gateway.session_token(json!({ "username": "ada", "instance": "instance-2" })).await;
    for (case, token) in [
        ("another user's", foreign.as_str()),
        ("another instance's", &other_instance),
        ("an access token", started["access_token"].as_str().unwrap()),
        ("no token", "nonsense"),
    ] {
        let error = client.request("renew", json!({ "auth_token": token })).await.unwrap_err();
        assert_eq!(error["code"], "auth_denied", "{case}");
    }
    gateway.advance(secs(48));
    let (name, body) = next_push(&mut client).await;
    assert_eq!(name, "token_expiring");
    assert_eq!(body["expires_at_ms"], started["session"]["expires_at_ms"]);
}

#[tokio::test]
async fn a_ban_terminates_an_expired_session_too() {
    let gateway = gateway().await;
    let mut client = expired(&gateway).await;
    gateway.api("POST", "users/ada/ban", Some(json!({ "reason": "spam" }))).await;
    let closed = client.closed().await;
    assert_eq!(closed.code, 4011);
    let state = json!({ "state": "terminated", "version": 4, "code": 4011, "reason": "spam" });
    assert_eq!(closed.before.last().unwrap()["session_state"], state);
}

#[tokio::test]
async fn a_secure_app_takes_full_credentials_only() {
    let gateway = Setup::new().with(|config| config.apps[0].require_auth_token = true).run().await;
    let (mut guest, _) = Client::guest(&gateway, "eve", "instance-9").await;
    assert!(guest.request("renew", json!({})).await.is_ok(), "guests are another setting");
    let (mut client, _) = session(&gateway, 60).await;
    let error = client.request("renew", json!({})).await.unwrap_err();
    assert_eq!(error["code"], "auth_token_required");
    let token = gateway.session_token(json!({ "username": "ada" })).await;
    assert!(client.request("renew", json!({ "auth_token": token })).await.is_ok());
}

#[tokio::test]
async fn a_session_renews_itself_only_so_long_after_its_last_proof() {
    let gateway = Setup::new()
        .with(patient)
        .with(|config| {
            config.apps[0].access_ttl = secs(60);
            config.apps[0].max_session_age = secs(100);
            config.apps[0].renewal = Renewal::Client;
        })
        .run()
        .await;
    let (mut client, _) = session(&gateway, 60).await;
    for _ in 0..2 {
        gateway.advance(secs(40));
        assert!(client.request("renew", json!({})).await.is_ok());
    }
    gateway.advance(secs(20));
    assert_eq!(client.request("renew", json!({})).await.unwrap_err()["code"], "token_expired");
    let token = gateway.session_token(json!({ "username": "ada" })).await;
    assert!(client.request("renew", json!({ "auth_token": token })).await.is_ok());
    gateway.advance(secs(40));
    assert!(client.request("renew", json!({})).await.is_ok(), "a proof counts again");
}

#[tokio::test]
async fn an_access_token_starts_again_and_moves_no_expiry() {
    let gateway = gateway().await;
    let (client, first) = session(&gateway, 600).await;
    client.cut().await;
    gateway.advance(secs(100));
    let mut start = start_of("ada", "instance-1");
    start["credentials"] = json!({ "token": first["access_token"] });
    let (_client, again) = Client::start(&gateway, start.clone()).await;
    assert_eq!(first["session"]["expires_at_ms"], again["session"]["expires_at_ms"]);
    // Leeway is for other machines' clocks: the gateway's own token ends with its session.
    gateway.advance(secs(501));
    start["credentials"] = json!({ "token": again["access_token"] });
    let closed = Client::refused(&gateway, json!({ "id": 0, "start": start })).await;
    assert_eq!(closed.code, 4100);
}

#[tokio::test]
async fn a_session_token_that_ran_out_is_refused_with_reauth() {
    let gateway = gateway().await;
    let token = gateway.session_token(json!({ "username": "ada", "for_ms": 60_000 })).await;
    gateway.advance(secs(60 + 31));
    let mut start = start_of("ada", "instance-1");
    start["credentials"] = json!({ "token": token });
    let closed = Client::refused(&gateway, json!({ "id": 0, "start": start })).await;
    assert_eq!((closed.code, &closed.disconnect["action"]), (4100, &json!("reauth")));
    assert_eq!(closed.before.last().unwrap()["error"]["code"], "token_expired");
}
