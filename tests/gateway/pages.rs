//! The embedded pages: what is served where, with which headers, and the tokens of development mode.

use reqwest::header::{ACCEPT_ENCODING, CONTENT_TYPE, ETAG, HOST, IF_NONE_MATCH, ORIGIN};
use reqwest::{Client as Http, redirect};
use serde_json::{Value, json};

use super::common::*;

fn http() -> Http {
    Http::builder().redirect(redirect::Policy::none()).build().unwrap()
}

fn url(gateway: &Gateway, path: &str) -> String {
    format!("http://{}{path}", gateway.address())
}

/// Asks for a token as the page does.
async fn token(gateway: &Gateway, body: &Value) -> (u16, Value) {
    let call = http().post(url(gateway, "/demo/token")).json(body).send().await.unwrap();
    (call.status().as_u16(), call.json().await.unwrap())
}

#[tokio::test]
async fn demo_is_served_at_the_root_of_development_mode() {
    let gateway = Gateway::dev().await;
    for path in ["/", "/demo"] {
        let answer = http().get(url(&gateway, path)).send().await.unwrap();
        assert_eq!(answer.status(), 303, "{path}");
        assert_eq!(answer.headers()["location"], "/demo/", "{path}");
    }
    let page = http().get(url(&gateway, "/demo/")).send().await.unwrap();
    assert_eq!(page.status(), 200);
    assert_eq!(page.headers()[CONTENT_TYPE], "text/html; charset=utf-8");
    let config = http().get(url(&gateway, "/demo/config.json")).send().await.unwrap();
    let config: Value = config.json().await.unwrap();
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(config, json!({ "app": "demo", "development": true, "version": version }));
}

#[tokio::test]
async fn pages_forbid_foreign_scripts_frames_and_copies() {
    let gateway = Gateway::dev().await;
    let page = http().get(url(&gateway, "/demo/")).send().await.unwrap();
    let header = |name: &str| page.headers()[name].to_str().unwrap();
    let policy = header("content-security-policy");
    for directive in [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "form-action 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    ] {
        assert!(policy.split("; ").any(|found| found == directive), "{directive}: {policy}");
    }
    assert_eq!(header("referrer-policy"), "no-referrer");
    assert_eq!(header("cross-origin-opener-policy"), "same-origin");
    assert_eq!(header("x-content-type-options"), "nosniff");
    assert_eq!(header("cache-control"), "no-cache");
    assert!(!page.headers().contains_key("set-cookie"));
    let body = page.text().await.unwrap();
    for inline in ["<script>", "<style", " style=", " onclick=", " onload="] {
        assert!(!body.contains(inline), "{inline}");
    }
}

#[tokio::test]
async fn browser_that_has_a_file_gets_no_second_copy() {
    let gateway = Gateway::dev().await;
    let page = http().get(url(&gateway, "/demo/")).send().await.unwrap().text().await.unwrap();
    let script = page
        .split('"')
        .find(|text| text.starts_with("/demo/assets/") && text.rsplit('.').next() == Some("js"))
        .unwrap();
    let plain = http().get(url(&gateway, script)).send().await.unwrap();
    assert_eq!(plain.status(), 200, "{script}");
    assert_eq!(plain.headers()["cache-control"], "public, max-age=31536000, immutable");
    let known = plain.headers()[ETAG].clone();
    let again = http().get(url(&gateway, script)).header(IF_NONE_MATCH, &known);
    let again = again.send().await.unwrap();
    assert_eq!((again.status().as_u16(), &again.headers()[ETAG]), (304, &known));
    let plain = plain.bytes().await.unwrap();
    let packed = http().get(url(&gateway, script)).header(ACCEPT_ENCODING, "gzip, br");
    let packed = packed.send().await.unwrap();
    assert_eq!(packed.headers()["content-encoding"], "gzip");
    assert_ne!(packed.headers()[ETAG], known, "the bytes are others");
    let packed = packed.bytes().await.unwrap();
    assert!(packed.starts_with(&[0x1f, 0x8b]) && packed.len() < plain.len());
}

#[tokio::test]
async fn page_is_served_where_it_is_configured() {
    let production = |demo: Option<&str>| {
        let demo = demo.map(str::to_owned);
        Setup::new().with(|config| {
            config.mode = stagedoor::config::Mode::Production;
            config.listen.admin_listen = "127.0.0.1:0".parse().ok();
            config.pages.demo = demo;
        })
    };
    let gateway = production(None).run().await;
    for path in ["/", "/demo", "/demo/", "/demo/config.json"] {
        let answer = http().get(url(&gateway, path)).send().await.unwrap();
        assert_eq!(answer.status(), 404, "{path}");
    }
    let gateway = production(Some("demo")).run().await;
    let page = http().get(url(&gateway, "/demo/")).send().await.unwrap();
    assert_eq!(page.status(), 200);
    let config = http().get(url(&gateway, "/demo/config.json")).send().await.unwrap();
    let config: Value = config.json().await.unwrap();
    assert_eq!(config["development"], false);
    let (status, problem) = token(&gateway, &json!({ "room": "lobby" })).await;
    assert_eq!((status, &problem["code"]), (405, &json!("method_not_allowed")));
    let admin = format!("http://{}/demo/", gateway.admin_address());
    assert_eq!(http().get(admin).send().await.unwrap().status(), 404, "the port is for operators");
}

#[tokio::test]
async fn development_mode_mints_room_tokens_for_the_page() {
    let gateway = Gateway::dev().await;
    let body = json!({ "room": "lobby", "role": "moderator" });
    let (status, minted) = token(&gateway, &body).await;
    assert_eq!(status, 201, "{minted}");
    let hour = gateway.clock().wall() + std::time::Duration::from_hours(1);
    assert_eq!(minted["expires_at_ms"], hour.as_millis());
    let (mut ada, _) = Client::guest(&gateway, "ada", "instance-1").await;
    let join = json!({ "room": "lobby", "token": minted["token"] });
    let joined = ada.request("join", join).await.unwrap()["joined"].clone();
    assert_eq!(joined["participant"]["role"], "moderator");
}

#[tokio::test]
async fn token_of_the_page_is_refused_with_a_reason() {
    let gateway = Gateway::dev().await;
    for (case, body, field) in [
        ("no room", json!({}), "body"),
        ("an empty room", json!({ "room": "" }), "room"),
        ("another role", json!({ "room": "lobby", "role": "king" }), "role"),
        ("more than an hour", json!({ "room": "lobby", "for_ms": 3_600_001 }), "for_ms"),
        ("an unknown field", json!({ "room": "lobby", "rooms": 1 }), "rooms"),
        ("no object", json!(["lobby"]), "body"),
    ] {
        let (status, problem) = token(&gateway, &body).await;
        assert_eq!((status, &problem["code"]), (400, &json!("invalid_argument")), "{case}");
        assert_eq!(problem["field"], field, "{case}: {problem}");
    }
    for (case, header, value, status) in [
        ("a page of another site", ORIGIN, "https://evil.example", 403),
        ("a sandboxed page", ORIGIN, "null", 403),
        ("a name that resolves to this machine", HOST, "evil.example", 421),
    ] {
        let call = http().post(url(&gateway, "/demo/token")).json(&json!({ "room": "lobby" }));
        let answer = call.header(header, value).send().await.unwrap();
        assert_eq!(answer.status(), status, "{case}");
    }
}
