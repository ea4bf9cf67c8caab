//! The answer and the effect of a call when the audit log cannot be written.

use serde_json::{Value, json};

use crate::common::{Client, Gateway, House};

/// A start under this name makes the audit log take rows again.
const REPAIR: &str = "repair";

/// A gateway on this house whose audit log takes no rows.
async fn without_audit(house: &House, gateway: Gateway) -> Gateway {
    let clock = gateway.clock().clone();
    gateway.stop().await;
    let trigger = format!(
        "CREATE TRIGGER is_full BEFORE INSERT ON audit_log \
         WHEN NOT EXISTS (SELECT 1 FROM users WHERE username = '{REPAIR}') \
         BEGIN SELECT RAISE(ABORT, 'there is no room left'); END"
    );
    house.database().execute_batch(&trigger).unwrap();
    house.setup().clock(clock).run().await
}

async fn rows(gateway: &Gateway) -> Vec<Value> {
    let page = gateway.api_does("GET", "audit", Value::Null).await;
    page["items"].as_array().unwrap().clone()
}

#[tokio::test]
async fn what_the_audit_log_does_not_take_is_not_done_until_it_does() {
    let house = House::new();
    let gateway = house.open().await;
    Client::guest(&gateway, "ada", "instance-1").await;
    gateway.api_does("POST", "users/bob/ban", json!({})).await;
    let gateway = without_audit(&house, gateway).await;
    let (mut carol, started) = Client::guest(&gateway, "carol", "instance-2").await;
    let session = format!("sessions/{}", started["session"]["id"].as_str().unwrap());
    let calls = [
        ("POST", "users/eve/ban", json!({ "ref": "1" })),
        ("DELETE", "users/bob/ban", json!({ "ref": "2" })),
        ("POST", "users/ada/revoke", json!({ "ref": "3" })),
        ("DELETE", "users/ada", json!({ "ref": "4" })),
        ("POST", "rooms", json!({ "room": "hall", "ref": "5" })),
        ("DELETE", &*session, json!({ "ref": "6" })),
    ];
    for (method, path, body) in &calls {
        let answer = gateway.api(method, path, Some(body.clone())).await;
        let (code, detail) = (&answer.body["code"], &answer.body["detail"]);
        assert_eq!((answer.status, code), (503, &json!("store_unavailable")), "{method} {path}");
        assert_eq!(detail, "nothing was changed; retry", "{method} {path}");
    }
    for (path, status) in [("users/eve", 404), ("rooms/hall", 404), ("users/bob", 200)] {
        assert_eq!(gateway.api("GET", path, None).await.status, status, "{path}");
    }
    let bob = gateway.api_does("GET", "users/bob", Value::Null).await;
    assert_eq!(bob["user"]["block"]["kind"], "ban", "his ban stands");
    let ada = gateway.api_does("GET", "users/ada", Value::Null).await;
    for field in ["revoked_ms", "deleted_ms"] {
        assert_eq!(ada["user"].get(field), None, "{field}");
    }
    carol.request("renew", json!({})).await.expect("her session goes on");
    assert_eq!(rows(&gateway).await.len(), 1, "the ban before");

    let (_mechanic, _) = Client::guest(&gateway, REPAIR, "instance-3").await;
    for (method, path, body) in &calls {
        let answer = gateway.api(method, path, Some(body.clone())).await;
        assert!((200..300).contains(&answer.status), "{method} {path}: {answer:?}");
    }
    assert_eq!(carol.closed().await.code, 4015);
    let commands: Vec<Value> =
        rows(&gateway).await.iter().map(|row| row["command"].clone()).collect();
    let done =
        ["ban", "ban", "unban", "revoke_tokens", "delete_user", "create_room", "end_session"];
    assert_eq!(commands, done, "each action has its row");
}

#[tokio::test]
async fn applied_but_unaudited_call_says_so() {
    let house = House::new();
    let gateway = without_audit(&house, house.open().await).await;
    let mut ada = gateway.enter("ada", "publisher").await;
    let stream = ada.publish().await["id"].as_str().unwrap().to_owned();
    let path = format!("rooms/lobby/streams/{stream}");
    let layout = json!({ "layout_classes": ["full"], "ref": "1" });
    let answer = gateway.api("PATCH", &path, Some(layout.clone())).await;
    assert_eq!((answer.status, &answer.body["code"]), (503, &json!("not_recorded")), "{answer:?}");
    assert!(answer.body["detail"].as_str().unwrap().starts_with("applied, but"), "{answer:?}");
    let streams = gateway.api_does("GET", "rooms/lobby/streams", Value::Null).await;
    assert_eq!(streams["items"][0]["layout_classes"], json!(["full"]));

    let (_mechanic, _) = Client::guest(&gateway, REPAIR, "instance-3").await;
    gateway.api_does("PATCH", &path, layout).await;
    assert_eq!(rows(&gateway).await[0]["command"], "set_layout_classes");
}
