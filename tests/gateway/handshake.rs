//! From TCP to an established session: the upgrade, the first messages, and rejections before a session.

use std::time::Duration;

use serde_json::json;
use stagedoor_client::{Frame, Wire};

use crate::common::raw::{PING, Raw, TEXT, masked, upgrade};
use crate::common::{Client, Gateway, Setup, start_of};

fn start_text(username: &str) -> String {
    json!({ "id": 0, "start": start_of(username, "instance-1") }).to_string()
}

#[tokio::test]
async fn a_guest_sees_establishing_then_the_reply_then_established() {
    let gateway = Gateway::dev().await;
    let mut client = Client::connect(&gateway).await;
    client.send(json!({ "id": 4_294_967_295_u32, "start": start_of("ada", "instance-1") })).await;
    assert_eq!(
        client.hear().await,
        json!({ "seq": 1, "session_state": { "state": "establishing", "version": 1 } })
    );
    let reply = client.hear().await;
    assert_eq!((&reply["id"], reply.get("seq")), (&json!(4_294_967_295_u32), None));
    let session = &reply["ok"]["started"]["session"];
    assert_eq!(session["state"], "established");
    assert_eq!(session["user"]["username"], "ada");
    assert_eq!(session["user"]["guest"], true);
    assert_eq!(
        client.hear().await,
        json!({ "seq": 2, "session_state": { "state": "established", "version": 2 } })
    );
    client.request("renew", json!({})).await.unwrap();
    assert_eq!(client.last_seq, 3, "a renewal changes no state");
}

#[tokio::test]
async fn a_refused_guest_is_never_established() {
    let gateway = Setup::new().with(|config| config.apps[0].guests = false).run().await;
    let closed =
        Client::refused(&gateway, json!({ "id": 3, "start": start_of("ada", "tab-0001") }));
    let closed = closed.await;
    let [establishing, not_logged_in, reply] = &closed.before[..] else { panic!("{closed:?}") };
    assert_eq!(establishing["session_state"]["state"], "establishing");
    assert_eq!(not_logged_in["session_state"]["state"], "notLoggedIn");
    assert_eq!((&reply["id"], reply.get("seq")), (&json!(3), None));
    assert_eq!(reply["error"]["code"], "auth_denied");
    assert_eq!((closed.code, &closed.disconnect["action"]), (4003, &json!("stop")));
}

#[tokio::test]
async fn the_subprotocol_is_echoed_where_it_is_offered() {
    let gateway = Gateway::dev().await;
    for (case, offer, echoed) in [
        ("none", "", None),
        ("ours", "Sec-WebSocket-Protocol: stagedoor.v1.json\r\n", Some("stagedoor.v1.json")),
        (
            "ours among others",
            "Sec-WebSocket-Protocol: soap, stagedoor.v1.json\r\n",
            Some("stagedoor.v1.json"),
        ),
        (
            "ours in a second header",
            "Sec-WebSocket-Protocol: soap\r\nSec-WebSocket-Protocol: stagedoor.v1.json\r\n",
            Some("stagedoor.v1.json"),
        ),
    ] {
        let mut raw = Raw::connect(&gateway).await;
        raw.send(upgrade(offer)).await;
        let head = raw.head().await;
        assert_eq!(head.status(), 101, "{case}");
        assert_eq!(head.header("sec-websocket-protocol"), echoed, "{case}");
        raw.send(masked(TEXT, start_text("ada").as_bytes())).await;
        assert_eq!(raw.hear().await["session_state"]["state"], "establishing", "{case}");
    }
}

#[tokio::test]
async fn a_foreign_subprotocol_is_refused_where_the_page_can_see_it() {
    let gateway = Gateway::dev().await;
    let headers = [("Sec-WebSocket-Protocol", "stagedoor.v9.cbor")];
    let closed = Client::connect_with(&gateway, &headers).await.closed().await;
    assert_eq!((closed.code, &closed.disconnect["action"]), (4001, &json!("stop")));
}

#[tokio::test]
async fn pages_connect_from_allowed_origins_only() {
    let gateway = Setup::new()
        .with(|config| config.listen.allowed_origins = vec!["https://app.example".into()])
        .run()
        .await;
    let own = format!("http://{}", gateway.address());
    for (case, origin, allowed) in [
        ("no browser", None, true),
        ("on the list", Some("https://app.example"), true),
        ("the gateway's own pages, in development mode", Some(&*own), true),
        ("foreign", Some("https://evil.example"), false),
        ("an allowed one's namesake", Some("https://app.example.evil.example"), false),
        ("another scheme", Some("http://app.example"), false),
        ("a sandboxed page", Some("null"), false),
    ] {
        let headers: Vec<_> = origin.map(|origin| ("Origin", origin)).into_iter().collect();
        let mut client = Client::connect_with(&gateway, &headers).await;
        if allowed {
            client.send_text(&start_text("ada")).await;
            assert_eq!(client.hear().await["session_state"]["state"], "establishing", "{case}");
        } else {
            let closed = client.closed().await;
            assert_eq!(closed.code, 4004, "{case}");
            assert!(closed.reason.starts_with("origin_denied: origin "), "{case}: {closed:?}");
        }
    }
}

#[tokio::test]
async fn non_upgrade_request_gets_an_http_answer() {
    let gateway = Gateway::dev().await;
    let good = upgrade("");
    for (case, request, status, header) in [
        ("post", good.replace("GET", "POST"), 405, ("allow", "get")),
        ("no upgrade", good.replace("Upgrade: websocket\r\n", ""), 426, ("upgrade", "websocket")),
        ("another upgrade", good.replace("websocket", "h2c"), 426, ("upgrade", "websocket")),
        (
            "an old version",
            good.replace("Version: 13", "Version: 8"),
            426,
            ("sec-websocket-version", "13"),
        ),
        ("no key", good.replace("Sec-WebSocket-Key", "X-Key"), 426, ("upgrade", "websocket")),
        (
            "elsewhere",
            good.replace("/v1/connect", "/v2/connect"),
            404,
            ("content-type", "application/problem+json"),
        ),
    ] {
        let mut raw = Raw::connect(&gateway).await;
        raw.send(request).await;
        let head = raw.head().await;
        assert_eq!(head.status(), status, "{case}: {head:?}");
        assert_eq!(head.header(header.0), Some(header.1), "{case}: {head:?}");
    }
    Client::guest(&gateway, "ada", "instance-1").await;
}

#[tokio::test]
async fn a_first_frame_right_behind_the_upgrade_request_is_taken() {
    let gateway = Gateway::dev().await;
    let mut raw = Raw::connect(&gateway).await;
    let mut bytes = upgrade("").into_bytes();
    bytes.extend(masked(TEXT, start_text("ada").as_bytes()));
    raw.send(bytes).await;
    assert_eq!(raw.head().await.status(), 101);
    assert_eq!(raw.hear().await["session_state"]["state"], "establishing");
    assert!(raw.hear().await.pointer("/ok/started").is_some());
    assert_eq!(raw.hear().await["session_state"]["state"], "established");
}

#[tokio::test]
async fn a_ping_is_answered_before_there_is_a_session() {
    let gateway = Gateway::dev().await;
    let mut raw = Raw::connect(&gateway).await;
    raw.send(upgrade("")).await;
    raw.head().await;
    raw.send(masked(PING, b"who is there")).await;
    assert_eq!(raw.frame().await, (0x8a, b"who is there".to_vec()));
    raw.send(masked(TEXT, start_text("ada").as_bytes())).await;
    assert_eq!(raw.hear().await["session_state"]["state"], "establishing");
}

#[tokio::test]
async fn a_close_is_answered_with_a_close() {
    let gateway = Gateway::dev().await;
    let mut early = Wire::connect(&gateway.url(), &[]).await.unwrap();
    early.close().await.unwrap();
    assert_eq!(early.recv().await, Frame::Close(1005, String::new()), "before a session");

    let mut raw = Raw::connect(&gateway).await;
    raw.send(upgrade("")).await;
    raw.head().await;
    raw.send(masked(TEXT, start_text("ada").as_bytes())).await;
    for _ in 0..3 {
        raw.hear().await;
    }
    raw.send(masked(0x88, &1000_u16.to_be_bytes())).await;
    assert_eq!(raw.frame().await, (0x88, 1000_u16.to_be_bytes().to_vec()));
    raw.ended().await;
    assert_eq!(gateway.hub().sessions.list("demo").len(), 0, "1000 ends the session");
}

#[tokio::test]
async fn who_says_nothing_is_closed_after_the_start_timeout() {
    let gateway = Setup::new()
        .with(|config| config.limits.start_timeout = Duration::from_millis(20))
        .run()
        .await;
    let half = &masked(TEXT, start_text("ada").as_bytes())[..20];
    for (case, bytes) in
        [("silence", &[][..]), ("half a start", half), ("pings alone", &masked(PING, b""))]
    {
        let mut client = Client::connect(&gateway).await;
        client.send_raw(bytes).await;
        let closed = client.closed().await;
        assert_eq!((closed.code, &closed.disconnect["action"]), (4205, &json!("retry")), "{case}");
    }
}

#[tokio::test]
async fn who_does_not_finish_the_upgrade_request_is_cut_off() {
    let gateway = Setup::new()
        .with(|config| config.limits.handshake_timeout = Duration::from_millis(20))
        .run()
        .await;
    for (case, bytes) in [("silence", ""), ("half a request", "GET /v1/connect HTTP/1.1\r\nHost:")]
    {
        let mut raw = Raw::connect(&gateway).await;
        raw.send(bytes).await;
        let said = raw.ended().await;
        assert!(!said.starts_with(b"HTTP/1.1 101"), "{case}");
    }
    let mut raw = Raw::connect(&gateway).await;
    raw.send(format!("GET / HTTP/1.1\r\nX-Long: {}", "x".repeat(64 * 1024))).await;
    assert!(raw.head().await.status() >= 400, "a head has a bound");
    Client::guest(&gateway, "ada", "instance-1").await;
}

#[tokio::test]
async fn lost_resume_reply_allows_another_resume() {
    let gateway = Gateway::dev().await;
    let (client, started) = Client::guest(&gateway, "ada", "instance-1").await;
    client.cut().await;
    for _ in 0..3 {
        // Says nothing on the connection that brought the newer secret, so the older one stays good.
        Client::resume(&gateway, &started, 2).await.0.cut().await;
    }
    let (mut client, _) = Client::resume(&gateway, &started, 2).await;
    assert!(client.request("renew", json!({})).await.is_ok());
    client.cut().await;
    assert_eq!(Client::resume_refused(&gateway, &started, 3).await.code, 4401);
}
