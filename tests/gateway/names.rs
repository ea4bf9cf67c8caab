//! Usernames: which ones guests may choose, and which ones verified credentials may carry.

use serde_json::{Value, json};
use stagedoor::names::NameRules;

use crate::common::{Client, Gateway, Setup, start_of};

/// Names that deceive readers, or show nothing.
const DECEIVING: &[&str] = &[
    "ada\u{202e}nimda",
    "ada\u{200b}",
    "\u{200b}",
    "\u{3164}",
    "\u{115f}",
    "a\u{2066}b",
    "a\u{feff}",
    "\u{ad}",
    "a\u{2028}b",
    "   ",
    "\u{a0}",
    "a\u{fe0f}",
    "\u{e0041}",
];

fn by_token(gateway: &Gateway, username: &str) -> Value {
    let mut start = start_of(username, "instance-1");
    let claims = json!({ "scope": "session", "sub": username, "ttl_s": 600 });
    start["credentials"] = json!({ "token": gateway.token(claims) });
    start
}

#[tokio::test]
async fn guest_with_a_deceiving_name_may_choose_another() {
    let gateway = Gateway::dev().await;
    let others = ["ada 😀", "a  b", " ada", "ａｄａ", "abcא"];
    for name in DECEIVING.iter().chain(&others) {
        let mut client = Client::connect(&gateway).await;
        client.send(json!({ "id": 5, "start": start_of(name, "instance-1") })).await;
        let error = client.reply(5).await.unwrap_err();
        assert_eq!(error["code"], "invalid_argument", "{name:?}: {error}");
        assert_eq!(error["field"], "start.username", "{name:?}: {error}");
        let started = client.establish(start_of("ada", "instance-1")).await;
        assert_eq!(started["session"]["user"]["username"], "ada", "{name:?}");
    }
}

#[tokio::test]
async fn guest_names_of_many_scripts_are_accepted() {
    let gateway = Gateway::dev().await;
    for name in ["Ada Lovelace", "guest-1f3a", "漢字", "Ольга", "שלום", "o'brien", "a@example.com"]
    {
        let (_client, started) = Client::guest(&gateway, name, "instance-1").await;
        assert_eq!(started["session"]["user"]["username"], *name, "it is not changed");
    }
}

#[tokio::test]
async fn verified_names_follow_the_setting_of_the_app() {
    for (rules, accepts_symbols) in [(NameRules::Any, true), (NameRules::Precis, false)] {
        let change = |config: &mut stagedoor::config::Config| config.apps[0].usernames = rules;
        let gateway = Setup::new().with(change).run().await;
        for name in DECEIVING {
            let start = by_token(&gateway, name);
            let closed = Client::refused(&gateway, json!({ "id": 1, "start": start })).await;
            assert_eq!(closed.code, 4003, "{name:?}");
        }
        for name in ["ada 😀", "a  b", "O\u{2019}Brien"] {
            let mut client = Client::connect(&gateway).await;
            client.send(json!({ "id": 1, "start": by_token(&gateway, name) })).await;
            assert_eq!(client.reply(1).await.is_ok(), accepts_symbols, "{rules:?} {name}");
        }
        Client::start(&gateway, by_token(&gateway, "Ada Lovelace")).await;
    }
}

#[tokio::test]
async fn any_stored_name_is_addressed_by_the_server_api() {
    let gateway = Gateway::dev().await;
    // U+202E and U+3164.
    for name in ["%E2%80%AEada", "%E3%85%A4"] {
        let banned = gateway.api("POST", &format!("users/{name}/ban"), Some(json!({}))).await;
        assert_eq!(banned.status, 200, "{name}: {}", banned.body);
    }
}
