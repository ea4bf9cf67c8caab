//! Rotation of the gateway's signing keys: former tokens are accepted for the stated time, new ones have the new key.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use stagedoor::config::Config;

use crate::common::{Client, Gateway, House, Setup, start_of};

pub const OPERATOR_KEY: &str = "sk_the-operators-key-of-this-very-node";

pub fn operated(config: &mut Config) {
    config.operator.api_key = Some(OPERATOR_KEY.into());
}

/// Rotates the keys of the gateway. Returns the status and the answer.
pub async fn rotate(gateway: &Gateway, key: &str, query: &str) -> (u16, Value) {
    let url = format!("http://{}/api/v1/keys/rotate{query}", gateway.admin_address());
    let answer = reqwest::Client::new().post(url).bearer_auth(key).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

pub fn kid_of(token: &Value) -> String {
    let head = token.as_str().unwrap().split('.').next().unwrap();
    let head: Value =
        serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(head).unwrap()).unwrap();
    head["kid"].as_str().unwrap().to_owned()
}

pub fn start_with(token: &Value) -> Value {
    let mut start = start_of("ada", "instance-1");
    start["credentials"] = json!({ "token": token });
    start
}

/// A token that `gateway` accepts, and the one that it gives for it.
async fn restart(gateway: &Gateway, token: &Value) -> Value {
    let (client, started) = Client::start(gateway, start_with(token)).await;
    client.cut().await;
    started["access_token"].clone()
}

async fn refused(gateway: &Gateway, token: &Value) -> u16 {
    Client::refused(gateway, json!({ "id": 0, "start": start_with(token) })).await.code
}

#[tokio::test]
async fn former_key_is_accepted_for_the_stated_time() {
    let house = House::new();
    let gateway = house.setup().with(operated).run().await;
    let (mut ada, started) = Client::guest(&gateway, "ada", "instance-1").await;
    let former = started["access_token"].clone();
    let until = gateway.clock().wall().as_millis() + 3_600_000;
    let (status, rotated) = rotate(&gateway, OPERATOR_KEY, "?former_for_ms=3600000").await;
    assert_eq!((status, &rotated["former_until_ms"]), (200, &json!(until)));
    let renewed = ada.request("renew", json!({})).await.unwrap();
    let newer = renewed["renewed"]["access_token"].clone();
    assert_eq!(rotated["kid"], kid_of(&newer), "the session goes on, with the new key");
    assert_ne!(kid_of(&former), kid_of(&newer));
    let gateway = house.reopen_with(gateway, operated).await;
    assert_eq!(kid_of(&restart(&gateway, &former).await), kid_of(&newer), "after a restart too");
    gateway.advance(Duration::from_millis(3_599_999));
    restart(&gateway, &former).await;
    gateway.advance(Duration::from_millis(1));
    assert_eq!(refused(&gateway, &former).await, 4101);
    restart(&gateway, &newer).await;
}

#[tokio::test]
async fn leaked_key_can_be_ended_at_once() {
    let gateway = Setup::new().with(operated).run().await;
    let (ada, started) = Client::guest(&gateway, "ada", "instance-1").await;
    ada.cut().await;
    assert_eq!(rotate(&gateway, OPERATOR_KEY, "").await.0, 200);
    restart(&gateway, &started["access_token"]).await;
    assert_eq!(rotate(&gateway, OPERATOR_KEY, "?former_for_ms=0").await.0, 200);
    assert_eq!(refused(&gateway, &started["access_token"]).await, 4101);
}

#[tokio::test]
async fn rotation_is_for_operators_and_bounded() {
    let gateway = Setup::new().with(operated).run().await;
    assert_eq!(rotate(&gateway, crate::common::SERVER_KEY, "").await.0, 401);
    let ten_years_ms = 10 * 365 * 24 * 60 * 60 * 1_000_u64;
    let query = format!("?former_for_ms={}", ten_years_ms + 1);
    let (status, problem) = rotate(&gateway, OPERATOR_KEY, &query).await;
    assert_eq!(status, 400);
    assert!(problem["detail"].as_str().unwrap().contains(&ten_years_ms.to_string()), "{problem}");
    for _ in 1..16 {
        assert_eq!(rotate(&gateway, OPERATOR_KEY, "").await.0, 200);
    }
    let (status, problem) = rotate(&gateway, OPERATOR_KEY, "").await;
    assert_eq!((status, &problem["code"]), (429, &json!("rate_limited")));
    gateway.advance(Duration::from_hours(30 * 24));
    assert_eq!(rotate(&gateway, OPERATOR_KEY, "").await.0, 200, "the former ones have ended");
}
