//! Sessions by state, live and ended; tokens of each kind; export and verification of the audit log.

use serde_json::{Value, json};

use crate::common::{Client, Gateway, SERVER_KEY, Setup};

fn ids(page: &Value) -> Vec<&str> {
    page["items"].as_array().unwrap().iter().map(|shown| shown["id"].as_str().unwrap()).collect()
}

fn id(started: &Value) -> &str {
    started["session"]["id"].as_str().unwrap()
}

#[tokio::test]
async fn ended_sessions_are_kept_with_how_they_ended() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = Setup::new().data(dir.path()).run().await;
    let (mut ada, first) = Client::guest(&gateway, "ada", "instance-1").await;
    let (mut bob, second) = Client::guest(&gateway, "bob", "instance-2").await;
    let (_carol, third) = Client::guest(&gateway, "carol", "instance-3").await;
    let gone = gateway.api("DELETE", &format!("sessions/{}", id(&first)), None).await;
    assert_eq!(gone.status, 204);
    assert_eq!(ada.closed().await.code, 4015);
    bob.request("end", json!({})).await.unwrap();
    assert_eq!(bob.closed().await.code, 1000);
    let list = |state: &str| format!("sessions?state={state}");
    for (state, expected) in [
        ("live", vec![id(&third)]),
        ("established", vec![id(&third)]),
        ("suspended", vec![]),
        ("tokenExpired", vec![]),
        ("ended", vec![id(&second), id(&first)]),
        ("terminated", vec![id(&first)]),
        ("notLoggedIn", vec![id(&second)]),
    ] {
        let page = gateway.api_does("GET", &list(state), Value::Null).await;
        assert_eq!(ids(&page), expected, "{state}");
    }
    let page = gateway.api_does("GET", "sessions?state=ended&limit=1", Value::Null).await;
    let next = page["next"].as_str().unwrap();
    let path = format!("sessions?state=ended&limit=1&cursor={next}");
    assert_eq!(ids(&gateway.api_does("GET", &path, Value::Null).await), [id(&first)]);
    let path = format!("sessions/{}", id(&first));
    let shown = gateway.api_does("GET", &path, Value::Null).await;
    assert_eq!((&shown["username"], &shown["ending"]["code"]), (&json!("ada"), &json!(4015)));
    assert_eq!(shown["client"], json!({ "name": "test", "version": "1" }));
    let clock = gateway.clock().clone();
    gateway.stop().await;
    let gateway = Setup::new().data(dir.path()).clock(clock).run().await;
    assert_eq!(gateway.api_does("GET", &path, Value::Null).await, shown, "after a restart too");
}

#[tokio::test]
async fn a_suspended_session_is_listed_as_one() {
    let gateway = Gateway::dev().await;
    let ada = gateway.enter("ada", "publisher").await;
    let mut watcher = gateway.enter("bob", "publisher").await;
    let (started, _) = ada.cut().await;
    assert_eq!(watcher.push("participant_link").await["link"], "suspended");
    let page = gateway.api_does("GET", "sessions?state=suspended", Value::Null).await;
    assert_eq!(ids(&page), [id(&started)]);
    assert_eq!(page["items"][0]["connected"], false);
}

#[tokio::test]
async fn minted_tokens_join_the_room_and_open_the_api() {
    let gateway = Gateway::dev().await;
    let body = json!({ "room": "lobby", "role": "moderator", "username": "ada", "data": "hi", "jti": "1" });
    let minted = gateway.api_does("POST", "tokens/room", body).await;
    let join = json!({ "room": "lobby", "token": minted["token"] });
    let ada = gateway.enter_with("ada", join).await;
    assert_eq!(ada.joined["participant"]["role"], "moderator");
    assert_eq!(ada.joined["participant"]["data"], "hi");
    let body = json!({ "name": "billing", "for_ms": 60_000 });
    let minted = gateway.api_does("POST", "tokens/server", body).await;
    let token = minted["token"].as_str().unwrap();
    assert_eq!(gateway.api_as(token, "POST", "users/zoe/ban", None).await.status, 200);
    let rows = gateway.api_does("GET", "audit", Value::Null).await;
    assert_eq!(rows["items"][0]["actor"], json!({ "server": "token:billing" }));
    for (path, body, field) in [
        ("tokens/server", json!({ "for_ms": 0 }), "for_ms"),
        ("tokens/server", json!({ "for_ms": 3_600_001 }), "for_ms"),
        ("tokens/room", json!({ "room": "a", "for_ms": 0 }), "for_ms"),
        ("sessions", json!({ "username": "a", "for_ms": 0 }), "for_ms"),
        ("sessions", json!({ "username": "a", "for_ms": 2_592_000_001_u64 }), "for_ms"),
        ("sessions", json!({ "username": "a", "for_ms": u64::MAX }), "for_ms"),
        ("tokens/room", json!({ "room": "a", "for_ms": 2_592_000_001_u64 }), "for_ms"),
        ("tokens/room", json!({ "room": "a", "data": "x".repeat(1_001) }), "data"),
        ("tokens/room", json!({ "room": "a", "role": "king" }), "role"),
        ("tokens/server", json!({ "name": "" }), "name"),
    ] {
        let answer = gateway.api("POST", path, Some(body)).await;
        assert_eq!((answer.status, &answer.body["field"]), (400, &json!(field)), "{answer:?}");
    }
    for (path, body) in [
        ("tokens/server", json!({ "for_ms": 3_600_000 })),
        ("tokens/room", json!({ "room": "a", "for_ms": 2_592_000_000_u64 })),
        ("sessions", json!({ "username": "a", "for_ms": 2_592_000_000_u64 })),
    ] {
        assert_eq!(gateway.api("POST", path, Some(body)).await.status, 201, "{path}: the longest");
    }
}

#[tokio::test]
async fn a_server_token_mints_no_successor() {
    let gateway = Gateway::dev().await;
    let minted = gateway.api_does("POST", "tokens/server", json!({ "name": "billing" })).await;
    let token = minted["token"].as_str().unwrap();
    let refused = gateway.api_as(token, "POST", "tokens/server", Some(json!({ "ref": "r" }))).await;
    assert_eq!((refused.status, &refused.body["code"]), (403, &json!("forbidden")));
    assert!(
        refused.body["detail"].as_str().unwrap().contains("call with a server key"),
        "{refused:?}"
    );
    let room = gateway.api_as(token, "POST", "tokens/room", Some(json!({ "room": "a" }))).await;
    assert_eq!(room.status, 201, "what opens nothing here is minted all the same");
    let again = gateway.api("POST", "tokens/server", Some(json!({ "ref": "r" }))).await;
    assert_eq!(again.status, 201, "the refusal gave its ref back");
}

#[tokio::test]
async fn the_audit_log_is_searched_exported_and_checked() {
    let gateway = Gateway::dev().await;
    for name in ["ada", "bob", "ada"] {
        gateway.api_does("POST", &format!("users/{name}/revoke"), json!({})).await;
    }
    gateway.api_does("POST", "users/ada/ban", json!({})).await;
    let count = |path: &'static str| {
        let gateway = &gateway;
        async move {
            let page = gateway.api_does("GET", path, Value::Null).await;
            page["items"].as_array().unwrap().len()
        }
    };
    assert_eq!(count("audit").await, 4);
    assert_eq!(count("audit?username=ada").await, 3);
    assert_eq!(count("audit?username=ada&command=ban").await, 1);
    let page = gateway.api_does("GET", "audit?limit=3", Value::Null).await;
    let rest = format!("audit?cursor={}", page["next"].as_str().unwrap());
    let rest = gateway.api_does("GET", &rest, Value::Null).await;
    assert_eq!((&rest["items"][0]["command"], &rest["next"]), (&json!("ban"), &Value::Null));

    for (path, expected) in [
        ("audit?order=newest_first", &[4, 3, 2, 1][..]),
        ("audit?order=newest_first&after=2", &[4, 3]),
        ("audit?order=newest_first&username=ada&limit=3", &[4, 3, 1]),
        ("audit?after=3", &[4]),
    ] {
        let page = gateway.api_does("GET", path, Value::Null).await;
        let numbers = page["items"].as_array().unwrap().iter().map(|row| row["number"].as_u64());
        assert!(numbers.eq(expected.iter().copied().map(Some)), "{path}: {page}");
        assert_eq!(page["next"], Value::Null, "{path}");
    }
    let page = gateway.api_does("GET", "audit?order=newest_first&limit=3", Value::Null).await;
    let rest = format!("audit?order=newest_first&cursor={}", page["next"].as_str().unwrap());
    let rest = gateway.api_does("GET", &rest, Value::Null).await;
    assert_eq!((&rest["items"][0]["number"], &rest["next"]), (&json!(1), &Value::Null));

    let url = format!("http://{}/api/v1/apps/demo/audit/export?after=1", gateway.address());
    let request = reqwest::Client::new().get(url).bearer_auth(SERVER_KEY);
    for (accept, expected) in [
        ("*/*", "application/x-ndjson"),
        ("text/plain;q=0.9", "text/plain; charset=utf-8"),
        ("text/plain, application/x-ndjson", "application/x-ndjson"),
    ] {
        let request = request.try_clone().unwrap().header("accept", accept);
        let answer = request.send().await.unwrap();
        assert_eq!(answer.headers()["content-type"], expected, "{accept}");
    }
    let text = request.send().await.unwrap().text().await.unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((lines.len(), &lines[0]["number"]), (4, &json!(2)));
    let head = &lines[3]["head"];
    assert_eq!((&head["number"], &head["hash"]), (&json!(4), &lines[2]["hash"]));

    let checked = gateway.api_does("GET", "audit/verify", Value::Null).await;
    assert_eq!((&checked["ok"], &checked["head"]), (&json!(true), head));
    let received = format!("audit/verify?head=4:{}", head["hash"].as_str().unwrap());
    assert_eq!(gateway.api_does("GET", &received, Value::Null).await["ok"], true);
    let other = format!("audit/verify?head=4:{}", "0".repeat(64));
    let checked = gateway.api_does("GET", &other, Value::Null).await;
    assert_eq!(checked["ok"], false);
    assert!(checked["found"].as_str().unwrap().contains("was rewritten"), "{checked}");
}
