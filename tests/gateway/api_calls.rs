//! Properties of all server API calls: idempotency keys, request ids, rates, hosts, and documented routes.

use serde_json::{Value, json};
use stagedoor_proto::MAX_JSON_DEPTH;

use crate::common::{Client, Gateway, SERVER_KEY, Setup};
use crate::metrics::{Scrape, assert_exposed};

const KEY: &str = "Bearer sk_a-server-key-of-the-demo-app-of-32-bytes";

#[tokio::test]
async fn a_call_under_the_same_ref_is_done_once_and_answered_again() {
    let gateway = Gateway::dev().await;
    let body = json!({ "for_ms": 60_000, "ref": "ban-1" });
    let first = gateway.api_does("POST", "users/ada/ban", body.clone()).await;
    gateway.advance(std::time::Duration::from_secs(10));
    assert_eq!(gateway.api_does("POST", "users/ada/ban", body).await, first);
    let rows = gateway.api_does("GET", "audit", Value::Null).await;
    assert_eq!(rows["items"].as_array().unwrap().len(), 1);
    assert_eq!(rows["items"][0]["ref"], "ban-1");
    for (case, path, body) in [
        ("another body", "users/ada/ban", json!({ "for_ms": 60_001, "ref": "ban-1" })),
        ("another user", "users/bob/ban", json!({ "for_ms": 60_000, "ref": "ban-1" })),
        ("another command", "users/ada/revoke", json!({ "ref": "ban-1" })),
    ] {
        assert_eq!(gateway.api_fails(path, body).await, (422, "ref_conflict".to_owned()), "{case}");
    }
}

#[tokio::test]
async fn the_idempotency_key_is_the_ref_as_a_header() {
    let gateway = Gateway::dev().await;
    let (body, key) = (json!({ "for_ms": 60_000 }), "\"ban-1\"");
    let call = |key: &'static str, body: Value| {
        let gateway = &gateway;
        async move {
            let headers = [("authorization", KEY), ("idempotency-key", key)];
            gateway.api_with(&headers, "POST", "users/ada/ban", Some(body)).await
        }
    };
    let first = call(key, body.clone()).await;
    assert_eq!((first.status, call(key, body).await.body), (200, first.body.clone()));
    // As a client repeats it that has the `ref` in its body.
    let both = json!({ "ref": "ban-1", "for_ms": 60_000 });
    assert_eq!(call(key, both.clone()).await.body, first.body);
    assert_eq!(gateway.api_does("POST", "users/ada/ban", both).await, first.body);
    let other = call(key, json!({})).await;
    assert_eq!((other.status, &other.body["code"]), (422, &json!("ref_conflict")));
    let two = call("one", json!({ "ref": "another" })).await;
    assert_eq!((two.status, &two.body["field"]), (400, &json!("ref")));
    let rows = gateway.api_does("GET", "audit", Value::Null).await;
    assert_eq!(rows["items"][0]["ref"], "ban-1");
}

#[tokio::test]
async fn repeated_credentials_and_keys_are_rejected() {
    let gateway = Gateway::dev().await;
    let key = ("idempotency-key", "one");
    for (headers, status) in [
        (&[("authorization", KEY), key][..], 200),
        (&[("authorization", KEY), key, ("idempotency-key", "two")], 400),
        (&[("authorization", KEY), key, key], 400),
        (&[("authorization", KEY), ("authorization", "Bearer sk_other")], 401),
        (&[("authorization", KEY), ("authorization", KEY)], 401),
    ] {
        let answer = gateway.api_with(headers, "POST", "users/ada/ban", Some(json!({}))).await;
        assert_eq!(answer.status, status, "{headers:?}");
    }
}

#[tokio::test]
async fn a_refused_call_gives_its_ref_back() {
    let gateway = Gateway::dev().await;
    let unban = || gateway.api("DELETE", "users/ada/ban", Some(json!({ "ref": "r" })));
    assert_eq!(unban().await.status, 404);
    gateway.api_does("POST", "users/ada/ban", json!({})).await;
    assert_eq!(unban().await.status, 200);
    assert_eq!(unban().await.status, 200, "answered again");
}

#[tokio::test]
async fn minting_is_not_cached_and_refs_conflict() {
    let gateway = Gateway::dev().await;
    let mint = json!({ "username": "ada", "ref": "mint-1" });
    let first = gateway.session_token(mint.clone()).await;
    gateway.advance(std::time::Duration::from_secs(1));
    let second = gateway.session_token(mint).await;
    assert_ne!(first, second, "nothing that was minted is kept");
    let other = json!({ "username": "bob", "ref": "mint-1" });
    assert_eq!(gateway.api_fails("sessions", other).await, (422, "ref_conflict".to_owned()));
}

#[tokio::test]
async fn request_id_is_echoed_and_unsafe_ids_are_replaced() {
    let gateway = Gateway::dev().await;
    let long = "x".repeat(65);
    for (received, is_kept) in [("abc-1", true), ("a b", false), (&*long, false), ("", false)] {
        let headers = [("authorization", KEY), ("x-request-id", received)];
        let answer = gateway.api_with(&headers, "GET", "sessions", None).await;
        let id = answer.header("x-request-id");
        assert_eq!(id == received, is_kept, "{received:?}: {id:?}");
        assert!(!id.is_empty());
    }
    let refused = gateway.api_with(&[], "GET", "sessions", None).await;
    assert_eq!((refused.status, refused.header("x-request-id").len()), (401, 32));
}

#[tokio::test]
async fn rate_limited_key_gets_retry_after() {
    let slow = |config: &mut stagedoor::config::Config| {
        (config.limits.api_calls_per_s, config.limits.api_calls_burst) = (1, 2);
        config.limits.api_body_bytes = 1_024;
    };
    let gateway = Setup::new().with(slow).run().await;
    let large = json!({ "username": "ada", "name": "x".repeat(2_000) });
    assert_eq!(gateway.api("POST", "sessions", Some(large)).await.status, 413);
    assert_eq!(gateway.api("GET", "sessions", None).await.status, 200);
    let refused = gateway.api("GET", "sessions", None).await;
    assert_eq!((refused.status, &refused.body["code"]), (429, &json!("rate_limited")));
    assert_eq!(refused.header("retry-after"), "1");
    let counted = [
        (r#"limits_hit_total{limit="api_calls_per_s"}"#, 1.0),
        (r#"limits_hit_total{limit="api_body_bytes"}"#, 1.0),
    ];
    assert_exposed(&Scrape::of(&gateway).await, &counted);
    for name in ["billing", "server-0", "58bcea48", "key:58bcea48"] {
        let token = gateway.token(json!({ "scope": "server", "sub": name }));
        let other = gateway.api_as(&token, "GET", "sessions", None).await;
        assert_eq!(other.status, 200, "{name}: each key and token has a rate of its own");
    }
    gateway.advance(std::time::Duration::from_secs(1));
    assert_eq!(gateway.api("GET", "sessions", None).await.status, 200);
}

#[tokio::test]
async fn a_body_nests_no_deeper_than_a_message_may() {
    let gateway = Gateway::dev().await;
    let mut ada = gateway.enter("ada", "publisher").await;
    // Braces in a text are no nesting, and the body itself is one level.
    let nested = |depth: usize| {
        (1..depth).fold(json!("{[{["), |inner, n| {
            if n % 2 == 0 { json!({ "a": inner }) } else { json!([inner]) }
        })
    };
    for (depth, status) in [(MAX_JSON_DEPTH, 200), (MAX_JSON_DEPTH + 1, 400), (100, 400)] {
        let body = json!({ "type": "x", "data": nested(depth) });
        let answer = gateway.api("POST", "rooms/lobby/signal", Some(body)).await;
        assert_eq!(answer.status, status, "{depth}: {answer:?}");
        if status == 400 {
            let (code, field) = (&answer.body["code"], &answer.body["field"]);
            assert_eq!((code, field), (&json!("invalid_argument"), &json!("body")), "{depth}");
            assert!(
                answer.body["detail"].as_str().unwrap().contains("32 levels deep"),
                "{answer:?}"
            );
        }
    }
    let deep = format!(r#"{{"type":"x","data":{}{}}}"#, "[".repeat(2_000), "]".repeat(2_000));
    let url = format!("http://{}/api/v1/apps/demo/rooms/lobby/signal", gateway.address());
    let request = reqwest::Client::new().post(url).bearer_auth(SERVER_KEY).body(deep);
    assert_eq!(request.send().await.unwrap().status(), 400);
    assert_eq!(ada.push("signal").await["data"], nested(MAX_JSON_DEPTH));
    assert_eq!(ada.received_of("signal").await, Vec::<Value>::new(), "the others came to nothing");
    let counted = [(r#"limits_hit_total{limit="json_depth"}"#, 3.0)];
    assert_exposed(&Scrape::of(&gateway).await, &counted);
}

#[tokio::test]
async fn audit_rows_name_keys_and_tokens_across_rotation() {
    let gateway = Gateway::dev().await;
    let new = "sk_another-server-key-of-the-demo-app-of-32-bytes";
    gateway.api_does("POST", "users/ada/revoke", json!({})).await;
    gateway.reload(|config| config.apps[0].server_keys.insert(0, new.into()));
    for name in ["key:58bcea48", "server-0"] {
        let token = gateway.token(json!({ "scope": "server", "sub": name }));
        gateway.api_as(&token, "POST", "users/ada/revoke", None).await;
    }
    let nameless = gateway.token(json!({ "scope": "server" }));
    for bearer in [&nameless, SERVER_KEY, new] {
        gateway.api_as(bearer, "POST", "users/ada/revoke", None).await;
    }
    let rows = gateway.api_does("GET", "audit", Value::Null).await;
    let rows = rows["items"].as_array().unwrap();
    let actors: Vec<&Value> = rows.iter().map(|row| &row["actor"]["server"]).collect();
    let [old, like_a_key, like_a_place, nameless, still, new] = actors[..] else {
        panic!("{rows:?}")
    };
    assert_eq!((old, still), (&json!("key:58bcea48"), &json!("key:58bcea48")));
    assert_eq!(like_a_key, "token:key:58bcea48");
    assert_eq!((like_a_place, nameless), (&json!("token:server-0"), &json!("token")));
    assert!(new.as_str().unwrap().starts_with("key:") && new != old, "{new}");
}

#[tokio::test]
async fn development_mode_answers_to_no_foreign_host() {
    let gateway = Gateway::dev().await;
    for (host, status) in [("evil.test", 421), ("localhost:1", 200), ("127.0.0.1", 200)] {
        let headers = [("authorization", KEY), ("host", host)];
        let answer = gateway.api_with(&headers, "GET", "sessions", None).await;
        assert_eq!(answer.status, status, "{host}");
    }
}

#[tokio::test]
async fn every_documented_operation_is_there_and_opens_to_no_client() {
    let gateway = Gateway::dev().await;
    let (_client, started) = Client::guest(&gateway, "ada", "instance-1").await;
    let access = started["access_token"].as_str().unwrap().to_owned();
    let session = gateway.session_token(json!({ "username": "ada" })).await;
    let room = gateway.room_token("moderator");
    let expired = gateway.token(json!({ "scope": "server", "exp": 1 }));
    let url = format!("http://{}/api/openapi.json", gateway.address());
    let document: Value =
        serde_json::from_str(&reqwest::get(url).await.unwrap().text().await.unwrap()).unwrap();
    let mut count = 0;
    for (path, operations) in document["paths"].as_object().unwrap() {
        let Some(path) = path.strip_prefix("/api/v1/apps/{app}/") else {
            // It is about the node, and takes the operator's key only.
            let call = path.strip_prefix("/api/v1/").unwrap();
            assert!(["drain", "keys/rotate"].contains(&call), "{path}");
            for bearer in [&access, &session, &room, &expired, "", "sk_wrong"] {
                let refused = gateway.api_as(bearer, "POST", &format!("../../{call}"), None).await;
                assert_eq!(refused.status, 401, "{path}");
            }
            continue;
        };
        let path = path
            .replace("{room}", "lobby")
            .replace("{username}", "zoe")
            .replace("{number}", "1")
            .replace("{session}", "AAAAAAAAAAAAAAAAAAAAAA")
            .replace("{stream}", "AAAAAAAAAAAAAAAAAAAAAA");
        for (method, received) in operations.as_object().unwrap() {
            let method = method.to_uppercase();
            for bearer in [&access, &session, &room, &expired, "", "sk_wrong"] {
                let refused = gateway.api_as(bearer, &method, &path, None).await;
                assert_eq!(refused.status, 401, "{method} {path}");
            }
            let example = received.pointer("/requestBody/content/application~1json/example");
            let answer = gateway.api_as(SERVER_KEY, &method, &path, example.cloned()).await;
            let code = answer.body["code"].as_str().unwrap_or_default();
            assert!(answer.status != 405 && answer.status != 400, "{method} {path}: {answer:?}");
            assert!(answer.status != 404 || code.contains("not_found"), "{method} {path}");
            count += 1;
        }
    }
    assert!(count > 30, "{count}");
}
