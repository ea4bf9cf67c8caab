//! Promise 8: a `disconnect` precedes every close that the gateway starts, with the code of the close frame and an
//! action for the client.

use std::time::Duration;

use serde_json::{Value, json};
use stagedoor_proto::CloseCode;

use crate::common::{Client, Closed, Gateway, Setup, start_of};

/// Asserts the code of a close, and that its `disconnect` has the action and the reason of the protocol's table.
fn assert_close(closed: &Closed, code: CloseCode) {
    let action = serde_json::to_value(code.action()).unwrap();
    assert_eq!(closed.code, code.code(), "{closed:?}");
    assert_eq!(closed.disconnect["action"], action, "{closed:?}");
}

#[tokio::test]
async fn endings_by_an_operator_have_a_reason() {
    for (method, path, code) in [
        ("POST", "users/ada/ban", CloseCode::Banned),
        ("POST", "users/ada/revoke", CloseCode::TokenRevoked),
        ("DELETE", "users/ada", CloseCode::UserDeleted),
        ("DELETE", "sessions/{id}", CloseCode::Terminated),
    ] {
        let gateway = Gateway::dev().await;
        let (mut ada, started) = Client::guest(&gateway, "ada", "instance-1").await;
        let path = path.replace("{id}", started["session"]["id"].as_str().unwrap());
        assert!(gateway.api(method, &path, None).await.status < 300, "{path}");
        assert_close(&ada.closed().await, code);
    }
}

#[tokio::test]
async fn endings_by_a_command_name_its_ref() {
    for (method, path) in [
        ("POST", "users/ada/ban"),
        ("POST", "users/ada/revoke"),
        ("DELETE", "users/ada"),
        ("DELETE", "sessions/{id}"),
        ("POST", "revoke-all"),
    ] {
        for body in [Some(json!({ "ref": "out" })), None] {
            let gateway = Gateway::dev().await;
            let (mut ada, started) = Client::guest(&gateway, "ada", "instance-1").await;
            let path = path.replace("{id}", started["session"]["id"].as_str().unwrap());
            let ref_ = body.as_ref().map_or(Value::Null, |body| body["ref"].clone());
            let answer = gateway.api(method, &path, body).await;
            assert!(answer.status < 300, "{path}: {answer:?}");
            assert_eq!(ada.closed().await.disconnect["ref"], ref_, "{path}");
        }
    }
}

#[tokio::test]
async fn removals_from_the_app_name_their_ref() {
    let gateway = Gateway::dev().await;
    let claims = json!({ "rooms": { "*": "moderator" }, "app_moderator": true });
    let mut host = gateway.member("host", claims).await;
    for (username, for_ms) in [("ada", 60_000), ("bob", 0)] {
        let mut guest = gateway.enter(username, "publisher").await;
        let resumable = guest.started.clone();
        let block = json!({ "scope": "app", "for_ms": for_ms });
        let body =
            json!({ "room": "lobby", "username": username, "block": block, "ref": username });
        host.does("force_disconnect", body).await;
        let closed = guest.closed().await;
        assert_eq!((closed.code, &closed.disconnect["ref"]), (4010, &json!(username)));
        let again = Client::resume_refused(&gateway, &resumable, guest.last_seq).await;
        assert_eq!((again.code, &again.disconnect["ref"]), (4010, &json!(username)));
    }
}

#[tokio::test]
async fn endings_by_a_newer_connection_have_a_reason() {
    let gateway = Gateway::dev().await;
    let (mut older, started) = Client::guest(&gateway, "ada", "instance-1").await;
    let (mut newer, _) = Client::resume(&gateway, &started, 2).await;
    assert_close(&older.closed().await, CloseCode::Superseded);
    Client::guest(&gateway, "ada", "instance-1").await;
    assert_close(&newer.closed().await, CloseCode::Replaced);
}

#[tokio::test]
async fn endings_before_a_session_have_a_reason() {
    let gateway = Setup::new().with(|config| config.apps[0].guests = false).run().await;
    let start: Value = json!({ "id": 0, "start": start_of("ada", "instance-1") });
    assert_close(&Client::refused(&gateway, start).await, CloseCode::AuthDenied);
    let mut silent = Client::connect(&gateway).await;
    gateway.advance(Duration::from_secs(10));
    assert_close(&silent.closed().await, CloseCode::StartTimeout);
}

#[tokio::test]
async fn endings_by_a_shutdown_have_a_reason() {
    let mut gateway = Gateway::dev().await;
    let (mut ada, _) = Client::guest(&gateway, "ada", "instance-1").await;
    gateway.begin_stop();
    assert_close(&ada.closed().await, CloseCode::Draining);
}
