//! Operator commands on one node affect sessions on the other.

use serde_json::json;

use crate::common::{Client, start_of};
use crate::nodes::Nodes;

#[tokio::test]
async fn ban_ends_sessions_and_rejects_starts_on_all_nodes() {
    let nodes = Nodes::start().await;
    let (mut here, _) = Client::guest(&nodes.one, "ada", "instance-1").await;
    let (mut there, started) = Client::guest(&nodes.other, "ada", "instance-2").await;
    let done = nodes.one.api_does("POST", "users/ada/ban", json!({ "reason": "spam" })).await;
    assert_eq!(done["sessions_ended"], 2);
    assert_eq!(here.closed().await.code, 4011);
    assert_eq!(there.closed().await.code, 4011);
    for gateway in [&nodes.one, &nodes.other] {
        let start = json!({ "id": 0, "start": start_of("ada", "instance-3") });
        assert_eq!(Client::refused(gateway, start).await.code, 4011);
    }
    assert_eq!(Client::resume_refused(&nodes.other, &started, 2).await.code, 4011);
}

#[tokio::test]
async fn a_ban_that_reaches_other_guests_reaches_them_on_all_nodes() {
    let nodes = Nodes::start().await;
    let (mut ada, _) = Client::guest(&nodes.one, "ada", "instance-1").await;
    let (mut bob, _) = Client::guest(&nodes.other, "bob", "instance-1").await;
    let (mut eve, _) = Client::guest(&nodes.other, "eve", "instance-2").await;
    nodes.one.api_does("POST", "users/ada/ban", json!({})).await;
    assert_eq!(ada.closed().await.code, 4011);
    assert_eq!(bob.closed().await.code, 4011, "a guest on the same instance");
    assert!(eve.request("renew", json!({})).await.is_ok());
}

#[tokio::test]
async fn a_session_is_ended_from_the_other_node() {
    let nodes = Nodes::start().await;
    let (mut ada, started) = Client::guest(&nodes.other, "ada", "instance-1").await;
    let path = format!("sessions/{}", started["session"]["id"].as_str().unwrap());
    let answer = nodes.one.api("DELETE", &path, None).await;
    assert_eq!(answer.status, 204, "{answer:?}");
    assert_eq!(ada.closed().await.code, 4015);
    let again = nodes.one.api("DELETE", &path, None).await;
    assert_eq!(again.status, 404, "{again:?}");
}

#[tokio::test]
async fn revoked_tokens_end_the_sessions_on_all_nodes() {
    let nodes = Nodes::start().await;
    let (mut ada, _) = Client::guest(&nodes.other, "ada", "instance-1").await;
    nodes.one.api_does("POST", "users/ada/revoke", json!({})).await;
    assert_eq!(ada.closed().await.code, 4101);
    assert_eq!(nodes.live("ada"), 0);
    let ready = reqwest::get(format!("http://{}/readyz", nodes.one.address())).await.unwrap();
    assert_eq!(ready.status(), 200);
}

#[tokio::test]
async fn moderator_of_another_node_shortens_no_ban() {
    let nodes = Nodes::start().await;
    nodes.one.api_does("POST", "users/ada/ban", json!({})).await;
    let claims =
        json!({ "scope": "room", "room": "lobby", "role": "moderator", "app_moderator": true });
    let token = nodes.other.token(claims);
    let mut host = nodes.other.enter_with("host", json!({ "room": "lobby", "token": token })).await;
    let block = json!({ "for_ms": 1, "scope": "app" });
    let removal = json!({ "room": "lobby", "username": "ada", "block": block });
    host.does("force_disconnect", removal).await;
    for gateway in [&nodes.one, &nodes.other] {
        gateway.advance(std::time::Duration::from_secs(1));
        let start = json!({ "id": 0, "start": start_of("ada", "instance-3") });
        assert_eq!(Client::refused(gateway, start).await.code, 4011);
    }
}
