//! Token families: which access tokens start a session, with which grant, and when a copied one is noticed.

use std::time::Duration;

use serde_json::{Value, json};
use stagedoor::config::DuplicatePolicy;

use crate::common::{Client, Gateway, House, Setup, start_of};

const INSTANCE: &str = "instance-1";

fn by_token(access: &Value) -> Value {
    let mut start = start_of("ada", INSTANCE);
    start["credentials"] = json!({ "token": access });
    start
}

/// Starts a session with an access token. Returns the client and the next token.
async fn start(gateway: &Gateway, access: &Value) -> (Client, Value) {
    let (client, started) = Client::start(gateway, by_token(access)).await;
    (client, started["access_token"].clone())
}

/// The close code of a start with this access token.
async fn refused(gateway: &Gateway, access: &Value) -> u16 {
    Client::refused(gateway, json!({ "id": 0, "start": by_token(access) })).await.code
}

async fn guest(gateway: &Gateway) -> (Client, Value) {
    let (client, started) = Client::guest(gateway, "ada", INSTANCE).await;
    (client, started["access_token"].clone())
}

/// Renews with a session token of these claims, or without credentials. Returns the next access token.
async fn renew(gateway: &Gateway, client: &mut Client, claims: Option<Value>) -> Value {
    let body = match claims {
        Some(mut claims) => {
            (claims["scope"], claims["sub"]) = (json!("session"), json!("ada"));
            json!({ "auth_token": gateway.token(claims) })
        }
        None => json!({}),
    };
    client.request("renew", body).await.unwrap()["renewed"]["access_token"].clone()
}

fn voided(gateway: &Gateway) -> u64 {
    gateway.hub().metrics().token_families_voided.get()
}

#[tokio::test]
async fn outdated_access_token_voids_its_family() {
    let gateway = Gateway::dev().await;
    let (_first, a) = guest(&gateway).await;
    let (_second, b) = start(&gateway, &a).await;
    let (_third, c) = start(&gateway, &b).await;
    let (mut live, d) = start(&gateway, &c).await;
    assert_eq!(refused(&gateway, &a).await, 4101);
    let closed = live.closed().await;
    assert_eq!((closed.code, &closed.disconnect["action"]), (4101, &json!("reauth")));
    for token in [&d, &c, &b, &a] {
        assert_eq!(refused(&gateway, token).await, 4101);
    }
    assert_eq!(voided(&gateway), 1);
    let rows = gateway.api_does("GET", "audit", Value::Null).await;
    let rows: Vec<&Value> = rows["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|row| row["command"] == "void_token_family")
        .collect();
    assert_eq!(rows.len(), 1);
    assert_eq!(
        (&rows[0]["actor"], &rows[0]["target"]["username"]),
        (&json!("gateway"), &json!("ada"))
    );
    guest(&gateway).await;
}

#[tokio::test]
async fn outdated_token_of_a_renewed_session_voids_it() {
    let gateway = Gateway::dev().await;
    let (mut client, a) = guest(&gateway).await;
    let b = renew(&gateway, &mut client, None).await;
    let c = renew(&gateway, &mut client, None).await;
    let (mut live, _) = start(&gateway, &c).await;
    assert_eq!(refused(&gateway, &a).await, 4101);
    assert_eq!(live.closed().await.code, 4101);
    assert_eq!(refused(&gateway, &b).await, 4101);
}

#[tokio::test]
async fn token_before_the_newest_used_is_accepted() {
    let gateway = Gateway::dev().await;
    let (_client, a) = guest(&gateway).await;
    // The reply was lost, twice.
    for _ in 0..2 {
        start(&gateway, &a).await;
    }
    let (mut client, b) = start(&gateway, &a).await;
    renew(&gateway, &mut client, None).await;
    let (_client, c) = start(&gateway, &b).await;
    let (_client, d) = start(&gateway, &a).await;
    let (_client, _) = start(&gateway, &c).await;
    let (_client, _) = start(&gateway, &d).await;
    assert_eq!(voided(&gateway), 0);
}

#[tokio::test]
async fn older_token_starts_with_the_narrowed_grant() {
    let gateway = Gateway::dev().await;
    let wide = json!({ "rooms": { "*": "moderator" }, "app_moderator": true });
    let (mut client, started) = gateway.registered("ada", INSTANCE, wide).await;
    let before = started["access_token"].clone();
    let narrow = json!({ "rooms": { "lobby": "subscriber" }, "ttl_s": 60 });
    let newest = renew(&gateway, &mut client, Some(narrow)).await;
    let end = gateway.clock().wall().as_millis() + 60_000;
    for token in [&before, &newest, &before] {
        let (mut ada, started) = Client::start(&gateway, by_token(token)).await;
        assert_eq!(started["session"]["expires_at_ms"], end);
        let hall = ada.request("join", json!({ "room": "hall" })).await.unwrap_err();
        assert_eq!(hall["code"], "forbidden");
        let lobby = ada.request("join", json!({ "room": "lobby" })).await.unwrap();
        assert_eq!(lobby["joined"]["participant"]["role"], "subscriber");
        let renewed = ada.request("renew", json!({})).await.unwrap_err();
        assert_eq!(renewed["code"], "auth_token_required");
    }
    gateway.advance(Duration::from_mins(1));
    assert_eq!(refused(&gateway, &before).await, 4100, "its own expiry is later");
}

#[tokio::test]
async fn racing_starts_with_one_token_are_no_theft() {
    let gateway = Gateway::dev().await;
    let (_client, a) = guest(&gateway).await;
    let race = async || {
        let mut client = Client::connect(&gateway).await;
        client.send(json!({ "id": 0, "start": by_token(&a) })).await;
        client
    };
    let (mut one, mut two) = tokio::join!(race(), race());
    let results = tokio::join!(one.start_result(), two.start_result());
    assert!(results.0.is_ok() || results.1.is_ok());
    let (_client, next) = start(&gateway, &a).await;
    start(&gateway, &next).await;
    assert_eq!(voided(&gateway), 0);
}

#[tokio::test]
async fn other_credentials_end_the_family_without_theft() {
    let gateway = Gateway::dev().await;
    let (_client, old) = guest(&gateway).await;
    let (mut live, new) = guest(&gateway).await;
    assert_eq!(refused(&gateway, &old).await, 4101);
    live.request("renew", json!({})).await.unwrap();
    start(&gateway, &new).await;
    assert_eq!(voided(&gateway), 0);
}

#[tokio::test]
async fn rejected_start_does_not_disturb_renewals() {
    let protect = |config: &mut stagedoor::config::Config| {
        config.apps[0].duplicate_policy = DuplicatePolicy::RejectNew;
    };
    let gateway = Setup::new().with(protect).run().await;
    let (mut live, a) = guest(&gateway).await;
    for _ in 0..3 {
        let mut rival = Client::connect(&gateway).await;
        rival.send(json!({ "id": 0, "start": by_token(&a) })).await;
        live.push("ping").await;
        live.send(json!({ "pong": { "seq": live.last_seq } })).await;
        assert_eq!(rival.closed().await.code, 4014);
    }
    let mut newest = Value::Null;
    for _ in 0..3 {
        newest = renew(&gateway, &mut live, None).await;
    }
    live.cut().await;
    gateway.suspended("ada").await;
    start(&gateway, &newest).await;
    assert_eq!(voided(&gateway), 0);
}

#[tokio::test]
async fn family_goes_on_after_resume_and_restart() {
    let house = House::new();
    let gateway = house.open().await;
    let (mut client, started) = Client::guest(&gateway, "ada", INSTANCE).await;
    let a = started["access_token"].clone();
    renew(&gateway, &mut client, None).await;
    // Nothing is replayed, so that each reply is that of the last request.
    let seen = client.last_seq;
    client.cut().await;
    gateway.suspended("ada").await;
    let gateway = house.reopen(gateway).await;
    let (mut client, resumed) = Client::resume(&gateway, &started, seen).await;
    let started = json!({ "session": started["session"], "resume": resumed["resume"] });
    renew(&gateway, &mut client, None).await;
    let seen = client.last_seq;
    client.cut().await;
    gateway.suspended("ada").await;
    let (mut client, _) = Client::resume(&gateway, &started, seen).await;
    let newest = renew(&gateway, &mut client, None).await;
    client.cut().await;
    start(&gateway, &newest).await;
    let gateway = house.reopen(gateway).await;
    assert_eq!(refused(&gateway, &a).await, 4101);
    assert_eq!(refused(&gateway, &newest).await, 4101);
    assert_eq!(voided(&gateway), 1);
}
