//! A signing key made on one node is used by all.

use serde_json::{Value, json};

use crate::common::{Client, start_of};
use crate::nodes::Nodes;

const OPERATOR_KEY: &str = "sk_the-operators-key-of-this-very-node";

#[tokio::test]
async fn rotated_key_is_used_on_all_nodes() {
    let nodes = Nodes::with(|config| config.operator.api_key = Some(OPERATOR_KEY.into())).await;
    let (_ada, started) = Client::guest(&nodes.other, "ada", "instance-1").await;
    let url = format!("http://{}/api/v1/keys/rotate", nodes.one.admin_address());
    let call = |query: &str| reqwest::Client::new().post(format!("{url}{query}"));
    let rotate = async |query: &str| {
        let answer = call(query).bearer_auth(OPERATOR_KEY).send().await.unwrap();
        assert_eq!(answer.status(), 200);
    };
    let start = |token: &Value| {
        let mut start = start_of("ada", "instance-1");
        start["credentials"] = json!({ "token": token });
        start
    };
    rotate("").await;
    let (_ada, by_new) = Client::start(&nodes.one, start(&started["access_token"])).await;
    let (_ada, newest) = Client::start(&nodes.other, start(&by_new["access_token"])).await;
    rotate("?former_for_ms=0").await;
    for gateway in [&nodes.one, &nodes.other] {
        let start = json!({ "id": 0, "start": start(&newest["access_token"]) });
        assert_eq!(Client::refused(gateway, start).await.code, 4101);
    }
}

#[tokio::test]
async fn revoke_all_ends_sessions_on_all_nodes() {
    let nodes = Nodes::start().await;
    let (mut ada, started) = Client::guest(&nodes.other, "ada", "instance-ada").await;
    let (mut bob, _) = Client::guest(&nodes.one, "bob", "instance-bob").await;
    let server = nodes.other.token(json!({ "scope": "server" }));
    let revoked = nodes.one.api_does("POST", "revoke-all", json!({})).await;
    assert_eq!(revoked["sessions_ended"], 2);
    for client in [&mut ada, &mut bob] {
        assert_eq!(client.closed().await.code, 4101);
    }
    let mut start = start_of("ada", "instance-ada");
    start["credentials"] = json!({ "token": started["access_token"] });
    for gateway in [&nodes.one, &nodes.other] {
        let first = json!({ "id": 0, "start": start });
        assert_eq!(Client::refused(gateway, first).await.code, 4101);
        assert_eq!(gateway.api_as(&server, "GET", "users", None).await.status, 401);
    }
}
